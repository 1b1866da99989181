"""Benchmark scores on the ledger: one export an upstream, kept whole."""

from app.ledger.score_exports import ScoreExport
from app.ledger.store import Store

FIRST = ScoreExport("1" * 64, b"{}", b"\x00whole\xff")
SECOND = ScoreExport("2" * 64, b'{"file": "x"}', b"second")


def test_an_export_is_read_as_it_was_kept(store: Store) -> None:
    assert (store.kept_scores("here"), store.scores("here")) == (None, None)
    store.keep_scores("here", FIRST, replace=True)
    store.keep_scores("there", SECOND, replace=True)
    assert (store.kept_scores("here"), store.scores("here")) == (FIRST.kept, FIRST)
    assert store.scores("there") == SECOND


def test_an_export_replaces_the_one_before_only_if_it_is_to(store: Store) -> None:
    store.keep_scores("here", FIRST, replace=False)
    store.keep_scores("here", SECOND, replace=False)
    assert store.scores("here") == FIRST
    store.keep_scores("here", SECOND, replace=True)
    assert store.scores("here") == SECOND
