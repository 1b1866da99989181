"""Whatever callers and upstream write into a receipt, the ledger goes on."""

import logging
import random
import string
from decimal import Decimal
from typing import Any

import pytest

from app.ledger.receipt import FIELDS
from app.ledger.store import Store
from tests.ledger.receipts import FULL, receipt

TEXTS = [name for name in FIELDS if isinstance(getattr(FULL, name), str) and name != "id"]
SHORT = {"dialect", "book", "verdict", "ending", "session"}  # words of our own, never foreign


def long_text() -> str:
    """Nothing that PostgreSQL could compress to fit into its index."""
    return "".join(random.Random(1).choices(string.printable + "äöü€😀", k=5000))


@pytest.mark.parametrize(
    ("foreign", "kept"),
    [
        ("a\0b", "a?b"),  # PostgreSQL takes no NUL
        ("\ud800", "?"),  # half of a surrogate pair is no text in UTF-8
        ("\x01\x1b[31m\x7f\r\n\t", "\x01\x1b[31m\x7f\r\n\t"),
        ("' OR 1=1; DROP TABLE receipts; --", "' OR 1=1; DROP TABLE receipts; --"),
        ("%s %(a)s :a {} \\", "%s %(a)s :a {} \\"),
        ("\ufeff上游😀e\u0301", "\ufeff上游😀e\u0301"),
        ("", ""),
        (long_text(), long_text()[:600]),  # PostgreSQL indexes nothing longer than 2704 bytes
        ("😀" * 5000, "😀" * 600),
    ],
    ids=["nul", "surrogate", "control", "sql", "format", "unicode", "empty", "long", "wide"],
)
def test_any_text_is_kept_as_far_as_both_engines_can(store: Store, foreign: str, kept: str) -> None:
    texts: dict[str, Any] = {name: foreign for name in TEXTS if name not in SHORT}
    one = receipt(**texts)
    store.write([one])
    again = store.get(one.id)
    assert again is not None
    assert {getattr(again, name) for name in texts} == {kept}


def test_any_text_is_kept_within_json_too(store: Store) -> None:
    odd, kept = "a\0\ud800😀'", "a??😀'"
    one = receipt(
        rules=(odd,),
        preferences_sent={odd: [odd, {odd: None}], "n": 10**30, "x": 0.1},
        attempts=({"provider": odd, "status": None},),
    )
    store.write([one])
    again = store.get(one.id)
    assert again is not None
    assert again.rules == (kept,)
    assert again.preferences_sent == {kept: [kept, {kept: None}], "n": 10**30, "x": 0.1}
    assert again.attempts == ({"provider": kept, "status": None},)


def test_a_receipt_is_found_by_the_odd_text_it_was_written_with(store: Store) -> None:
    model = "a\0" + "b" * 1000
    store.write([one := receipt(model_asked=model)])
    assert [found.id for found in store.recent(limit=1, model=model)] == [one.id]


@pytest.mark.parametrize(
    "odd",
    [
        {"prompt_tokens": 2**63},
        {"bytes_out": 10**30},
        {"cost_usd": Decimal(10**9)},  # more picodollars than 64 bits hold
        {"cost_usd": Decimal("NaN")},
        {"cost_usd": Decimal("Infinity")},
        {"path": None},
        {"started_at": None},
        {"attempts": ({"provider": object()},)},
    ],
    ids=str,
)
def test_a_receipt_that_cannot_be_kept_keeps_no_other_from_being_written(
    store: Store, caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    before, bad, after = receipt(1), receipt(2, **odd), receipt(3)
    with caplog.at_level(logging.WARNING, logger="pointsman"):
        store.write([before, bad, after])
    assert store.recent(limit=5) == [after, before]
    (message,) = [one.message for one in caplog.records if one.name == "pointsman"]
    assert message.startswith(f"receipt {bad.id} can't be kept: ")
