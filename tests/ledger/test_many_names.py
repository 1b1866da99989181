"""Clients choose the names of models: tallies and answers stay bounded all the same."""

from datetime import timedelta

import pytest

from app.ledger.gathering import MOST_GROUPS, Gathering
from app.ledger.rollups import MOST_KEYS
from app.ledger.store import Store
from app.ledger.tally import OTHERS, Key, Tally
from app.ledger.wanted import Wanted
from tests.ledger.receipts import receipt

BEYOND = 700
BATCH = 500


@pytest.fixture
def crowded(store: Store) -> Store:
    """A ledger with more names in thirty days than it counts apart."""
    names = range(MOST_KEYS + BEYOND)
    for first in range(0, len(names), BATCH):
        store.write(
            [
                receipt(number / 1000, model_asked=f"made/up-{number}", provider="novita")
                for number in names[first : first + BATCH]
            ]
        )
    return store


@pytest.mark.slow
def test_beyond_ten_thousand_names_the_rest_is_counted_together(crowded: Store) -> None:
    stats = crowded.stats(by=("model", "provider"))
    assert stats.total.requests == MOST_KEYS + BEYOND
    assert sum(group.figures.requests for group in stats.groups) == MOST_KEYS + BEYOND
    (together,) = crowded.stats(wanted=Wanted(model=OTHERS)).groups
    assert together.figures.requests == BEYOND
    known = Wanted(model="made/up-5")  # one that was counted before goes on under its own name
    crowded.write([receipt(20, model_asked="made/up-5", provider="novita")])
    assert crowded.stats(wanted=known).total.requests == 2
    assert crowded.stats(wanted=Wanted(model="made/up-10500")).total.requests == 0
    later = timedelta(days=60).total_seconds()
    crowded.write([receipt(later, model_asked="made/up-10500", provider="novita")])
    assert crowded.stats(wanted=Wanted(model="made/up-10500")).total.requests == 1
    assert (
        len(crowded.recent(Wanted(model="made/up-10400"), limit=5)) == 1
    )  # receipts are all there


def test_a_batch_may_bring_the_same_new_name_many_times(store: Store) -> None:
    store.write([receipt(second, model_asked="a/b") for second in range(50)])
    (group,) = store.stats(by=("model",)).groups
    assert (group.names, group.figures.requests) == (("a/b",), 50)


def test_an_answer_has_at_most_a_thousand_groups_and_loses_no_request() -> None:
    gathering = Gathering(("model", "provider"))
    for number in range(MOST_GROUPS + 500):
        key = Key(model=f"m{number:05}", provider="p", verdict="kept")
        gathering.add(0, key, Tally(requests=2, cost_pico=1))
        gathering.add(1, key, Tally(requests=1))
    gathering.add(0, Key(model="most", provider="p"), Tally(requests=50))
    groups = gathering.groups()
    assert len(groups) == MOST_GROUPS
    assert groups[0].names == ("most", "p")
    assert groups[-1].names == (OTHERS, OTHERS)
    assert sum(group.figures.requests for group in groups) == gathering.total().requests
    assert sum(group.figures.verdicts.kept for group in groups) == 2 * (MOST_GROUPS + 500)
    assert sum(group.share for group in groups) == pytest.approx(1)
    lines = gathering.lines([0, 1])
    assert len(lines) == MOST_GROUPS
    assert lines[-1].names == (OTHERS, OTHERS)
    for bucket in (0, 1):
        counted = sum(line.points[bucket].requests for line in lines)
        assert counted == gathering.total(bucket).requests
