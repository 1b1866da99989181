"""Whatever callers and upstream write into a receipt, the ledger goes on."""

import logging
import random
import string
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.ledger.bounds import bounded, is_cut
from app.ledger.receipt import FIELDS
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from app.ledger.writer import Writer
from tests.ledger.receipts import AUDITED, START, receipt

TEXTS = [name for name in FIELDS if isinstance(getattr(AUDITED, name), str) and name != "id"]
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
        (long_text(), long_text()[:599] + "…"),  # PostgreSQL indexes nothing over 2704 bytes
        ("😀" * 5000, "😀" * 599 + "…"),
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
    assert [found.id for found in store.recent(Wanted(model=model), limit=1)] == [one.id]


MOST = 2**63 - 1


@pytest.mark.parametrize(
    ("odd", "kept"),
    [
        ({"prompt_tokens": 2**53}, {}),
        ({"cost_usd": Decimal("0.000000000001")}, {}),
        ({"cost_usd": Decimal("1E-15")}, {"cost_usd": Decimal(0)}),  # to the picodollar
        ({"cost_usd": Decimal("1E-999999999")}, {"cost_usd": Decimal(0)}),
        ({"prompt_tokens": 2**63}, {"prompt_tokens": MOST}),
        ({"bytes_out": 10**30}, {"bytes_out": MOST}),
        ({"bytes_in": -(10**30)}, {"bytes_in": -MOST}),
        ({"status": 2**31}, {"status": 2**31 - 1}),
        ({"cost_usd": Decimal("9E+15")}, {"cost_usd": Decimal("9223372.036854775807")}),
        ({"cost_usd": Decimal("-9E+15")}, {"cost_usd": Decimal("-9223372.036854775807")}),
        ({"cost_usd": Decimal("NaN")}, {"cost_usd": None}),
        ({"cost_usd": Decimal("Infinity")}, {"cost_usd": None}),
        ({"ttft_ms": float("inf")}, {"ttft_ms": None}),
        ({"reason": "r" * 10**6}, {"reason": "r" * 599 + "…"}),
    ],
    ids=lambda fields: str(fields)[:40],
)
def test_a_number_that_is_out_of_range_is_kept_as_near_as_can_be_and_said(
    store: Store, odd: dict[str, Any], kept: dict[str, Any]
) -> None:
    before, one, after = receipt(1), bounded(receipt(2, **odd)), receipt(3)
    assert store.write([before, one, after]) == 0
    again = store.get(one.id)
    assert again is not None
    assert {name: getattr(again, name) for name in odd} == {**odd, **kept}
    assert store.recent(limit=5) == [after, again, before]


@pytest.mark.parametrize(
    "odd",
    [
        {"prompt_tokens": 2**63},
        {"cost_usd": Decimal("9E+15")},
        {"cost_usd": Decimal("NaN")},
        {"preferences_sent": {"a": [float("nan")]}},
    ],
    ids=str,
)
def test_what_came_past_the_bounds_is_cut_down_to_them_by_the_store(
    store: Store, odd: dict[str, Any]
) -> None:
    before, one, after = receipt(1), receipt(2, **odd), receipt(3)
    assert store.write([before, one, after]) == 0
    assert len(store.recent(limit=5)) == 3


def nested(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


def test_a_value_without_end_costs_no_other_receipt(store: Store) -> None:
    before, one, after = receipt(1), receipt(2, preferences_sent={"a": nested(100_000)}), receipt(3)
    assert store.write([before, one, after]) == 0
    again = store.get(one.id)
    assert again is not None
    assert is_cut(again.preferences_sent)


@pytest.mark.parametrize(
    "odd",
    [
        {"path": None},
        {"path": object()},
        {"started_at": None},
        {"attempts": ({"provider": object()},)},
    ],
    ids=str,
)
def test_a_receipt_that_cannot_be_kept_costs_no_other_one_and_is_counted_and_named(
    store: Store, caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    many = [receipt(second) for second in range(20)]
    many[7], many[12] = receipt(7, **odd), receipt(12, **odd)
    with caplog.at_level(logging.WARNING, logger="pointsman"):
        assert store.write(many) == 2
    bad = [many[7], many[12]]
    assert store.written_after(0)[1] == [each for each in many if each not in bad]
    messages = [one.message for one in caplog.records if one.name == "pointsman"]
    assert len(messages) == 2
    for each, message in zip(bad, messages, strict=True):
        assert message.startswith(f"receipt {each.id} can't be stored: ")
    assert store.stats().total.requests == 18


def test_a_writer_counts_what_cannot_be_kept(store: Store) -> None:
    writer = Writer(lambda: store)
    writer.start()
    odd: Any = None
    for each in (receipt(1), receipt(2, path=odd), receipt(3)):
        writer.submit(each)
    writer.close()
    assert (writer.dropped, writer.pending, writer.error) == (1, 0, None)


@pytest.mark.parametrize(
    ("name", "value", "total"),
    [
        ("prompt_tokens", 2**53, 3 * 2**53),
        ("completion_tokens", 2**53, 3 * 2**53),
        ("cost_usd", Decimal("3000000.000000000001"), Decimal("9000000.000000000003")),
        ("cost_usd", Decimal("0.000000000001"), Decimal("0.000000000003")),
        ("prompt_tokens", 2**62, 2**63 - 1),  # as far as a sum reaches
        ("cost_usd", Decimal("9E+15"), Decimal("9223372.036854775807")),
    ],
    ids=str,
)
def test_sums_are_exact_and_stay_where_they_can_grow_no_further(
    store: Store, name: str, value: Any, total: Any
) -> None:
    fields: dict[str, Any] = {name: value, "model_sent": "a/b"}
    for second in range(3):  # in batches of their own: what is there is added to
        store.write([bounded(receipt(second, **fields))])
    assert getattr(store.stats().total, name) == total
    (group,) = store.stats(by=("model",)).groups
    assert getattr(group.figures, name) == total
    assert isinstance(store.stats().total.prompt_tokens, int)


def test_sums_over_full_tallies_are_exact_too(store: Store) -> None:
    """Each is as large as its column allows; SQLite would raise an error for their sum."""
    for number in range(5):
        store.write([receipt(number, prompt_tokens=MOST, model_sent=f"a/{number}")])
    assert store.stats().total.prompt_tokens == 5 * MOST
    series = store.series(by=("model",), now=START + timedelta(days=3))
    assert sum(point.prompt_tokens for point in series.total) == 5 * MOST
