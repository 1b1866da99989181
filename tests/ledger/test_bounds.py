"""What a receipt may hold of what others sent, however much that is."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.bounds import (
    LONGEST_TEXT,
    MOST_DEEP,
    MOST_JSON,
    MOST_USD,
    MOST_WHOLE,
    NESTED,
    REALS,
    TEXTS,
    WHOLES,
    _left,
    _room,
    bounded,
    cut,
    is_cut,
    weight_of,
)
from app.ledger.receipt import FIELDS, MONEY, OBJECTS, TUPLES, Receipt, as_json_object
from tests.ledger.receipts import AUDITED, FULL, receipt

JSON = [*TUPLES, *OBJECTS]


def json_size(one: Receipt) -> int:
    return sum(len(json.dumps(getattr(one, name), ensure_ascii=False)) for name in JSON)


def test_a_usual_receipt_is_returned_as_it_is() -> None:
    assert bounded(FULL) is FULL
    assert bounded(plain := receipt()) is plain


def test_every_field_is_bounded_or_cannot_grow() -> None:
    """A field that is added later has to be thought of here, too."""
    assert set(FIELDS) - {*TEXTS, *NESTED, *WHOLES, *REALS} == {
        "id",
        "started_at",
        "streamed",
        "is_byok",
        "rules",  # of the policies, whose files are bounded
        *MONEY,
    }


@pytest.mark.parametrize("name", [n for n in FIELDS if isinstance(getattr(AUDITED, n), str)])
def test_a_long_text_is_cut_and_says_so(name: str) -> None:
    if name == "id":
        return
    long: dict[str, Any] = {name: "x" * 10**6}
    text = getattr(bounded(receipt(**long)), name)
    assert text == "x" * (LONGEST_TEXT - 1) + "…"
    at_most: dict[str, Any] = {name: "x" * LONGEST_TEXT}
    assert bounded(one := receipt(**at_most)) is one


def test_a_provider_object_of_a_million_entries_costs_next_to_nothing() -> None:
    wide = {"only": [f"provider-{number}" for number in range(1_000_000)]}
    began = time.thread_time()
    one = bounded(receipt(preferences_sent=wide, overruled=({"field": "only", "asked": wide},)))
    assert time.thread_time() - began < 0.2  # all of it takes a second
    assert json_size(one) < 1.5 * MOST_JSON
    assert one.preferences_sent is not None
    *kept, more = one.preferences_sent["only"]
    assert kept == wide["only"][: len(kept)]
    assert len(kept) > 200
    assert more == f"… {1_000_000 - len(kept)} more"
    assert is_cut(one.preferences_sent)
    assert not is_cut(FULL.preferences_sent)


def test_an_object_says_how_many_keys_are_missing() -> None:
    one = bounded(receipt(preferences_sent={f"key-{number}": number for number in range(10_000)}))
    assert one.preferences_sent is not None
    assert one.preferences_sent["…"] == f"{10_000 - len(one.preferences_sent) + 1} more"
    assert is_cut(one.preferences_sent)


def test_a_value_is_followed_so_deep_and_no_deeper() -> None:
    value: Any = []
    for _ in range(1_000_000):
        value = [value]
    sent = bounded(receipt(preferences_sent={"only": value})).preferences_sent
    assert sent is not None
    left, depth = sent["only"], 0
    while left != "…":
        (left,), depth = left, depth + 1
    assert depth == MOST_DEEP - 1
    shallow = {"a": {"b": [{"c": [1]}]}}
    assert bounded(one := receipt(preferences_sent=shallow)) is one


def test_numbers_in_json_are_bounded_too() -> None:
    odd = {"huge": 10**5000, "nan": float("nan"), "fine": 10**30, "also": -1.5, "yes": True}
    one = bounded(receipt(preferences_sent=odd))
    assert one.preferences_sent == {
        "huge": "…",
        "nan": "…",
        "fine": 10**30,
        "also": -1.5,
        "yes": True,
    }


def test_what_is_out_of_range_is_named_in_the_reason() -> None:
    one = bounded(receipt(cost_usd=Decimal("9E+15"), bytes_in=2**70, reason="served by Novita"))
    assert (one.cost_usd, one.bytes_in) == (MOST_USD, MOST_WHOLE)
    said = "bytes_in, cost_usd out of range; the nearest possible value was stored"
    assert one.reason == f"served by Novita; {said}"
    assert bounded(receipt(cost_usd=Decimal("NaN"))).reason == said.removeprefix("bytes_in, ")
    long = bounded(receipt(cost_usd=Decimal("NaN"), reason="r" * 1000))
    assert long.reason is not None
    assert len(long.reason) == LONGEST_TEXT
    assert long.reason.endswith("…; cost_usd out of range; the nearest possible value was stored")


def test_a_cost_of_many_places_is_written_out_in_few() -> None:
    """Written out, it would take a gigabyte."""
    for cost in ("1E-999999999", "0E-999999999", "1E+999999999"):
        kept = bounded(receipt(cost_usd=Decimal(cost))).cost_usd
        assert kept is not None
        assert len(f"{kept:f}") < 30
    noise = Decimal("0.00001230000000000000123")  # what a float leaves behind
    assert bounded(one := receipt(cost_usd=noise)) is one


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2000),
    lambda inner: (
        st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=900), inner, max_size=20)
    ),
    max_leaves=60,
)


@given(
    st.dictionaries(st.text(max_size=700), _VALUES, max_size=30),
    st.lists(st.dictionaries(st.sampled_from(["field", "asked", "sent"]), _VALUES), max_size=30),
    st.text(max_size=2000),
    st.none() | st.decimals(),
    st.integers(),
)
def test_whatever_comes_is_bounded_once_and_for_all(
    preferences: dict[str, Any],
    overruled: list[dict[str, Any]],
    text: str,
    cost: Decimal | None,
    number: int,
) -> None:
    one = bounded(
        receipt(
            preferences_sent=preferences,
            overruled=tuple(overruled),
            model_asked=text,
            reason=text,
            cost_usd=cost,
            status=number,
            prompt_tokens=number,
        )
    )
    assert bounded(one) == one
    assert json_size(one) < 4 * MOST_JSON  # escapes of controls are longer than what they stand for
    json.dumps(as_json_object(one), allow_nan=False)
    assert weight_of(one) < 250_000


def test_a_receipts_weight_is_no_less_than_its_memory() -> None:
    assert 2_000 < weight_of(receipt()) < 3_000
    wide = bounded(receipt(preferences_sent={"only": ["上" * 500] * 100}))
    assert weight_of(wide) > 25_000


def test_cut_leaves_what_is_short_alone() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"


def test_the_names_of_rules_are_never_cut_since_budgets_are_counted_from_them() -> None:
    rules = tuple(f"{number:0100}" for number in range(200))
    wide = {"only": [f"provider-{number}" for number in range(10_000)]}
    one = bounded(receipt(rules=rules, preferences_sent=wide))
    assert one.rules == rules
    assert is_cut(one.preferences_sent)
    assert bounded(whole := receipt(rules=rules, preferences_sent={"zdr": True})) is whole
    assert weight_of(one) > 20_000


@given(_VALUES, _VALUES)
def test_what_lists_and_objects_take_is_the_same_when_it_is_remembered(one: Any, two: Any) -> None:
    """Also of values that `marshal` can't write, or that are equal but of another type."""
    for nested in ((one, two), (one, (1, True, 1.0)), (one, (1.0, 1, True)), (Decimal(1), two)):
        assert _room(nested) == _room(nested) == _left(nested, MOST_JSON)
