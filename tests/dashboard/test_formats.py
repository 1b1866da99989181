"""Values as people read them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from app.dashboard import formats

DASH = "\N{EN DASH}"
NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("shown", "value", "text"),
    [
        (formats.count, None, DASH),
        (formats.count, 0, "0"),
        (formats.count, 1234567, "1,234,567"),
        (formats.percent, None, DASH),
        (formats.percent, 0, "0 %"),
        (formats.percent, 1, "100 %"),
        (formats.percent, 0.5, "50.0 %"),
        (formats.duration, None, DASH),
        (formats.duration, 0.0, "0 ms"),
        (formats.duration, 85.4, "85 ms"),
        (formats.duration, 412.5, "0.41 s"),
        (formats.duration, 9_990.0, "9.99 s"),
        (formats.duration, 61_000.0, "61.0 s"),
        (formats.duration, 200_000.0, "3 min 20 s"),
        (formats.duration, 4_000_000.0, "66 min 40 s"),
        (formats.rate, None, DASH),
        (formats.rate, 8.44, "8.4"),
        (formats.rate, 61.33, "61"),
        (formats.rate, 1450.0, "1,450"),
        (formats.size, 0, "0 B"),
        (formats.size, 999, "999 B"),
        (formats.size, 12_400, "12.4 kB"),
        (formats.size, 3_100_000, "3.1 MB"),
        (formats.size, 2**50, "1,125,899.9 GB"),
    ],
)
def test_a_value_has_the_digits_that_matter(
    shown: Callable[[Any], str], value: Any, text: str
) -> None:
    assert shown(value).replace(NARROW, " ") == text


@pytest.mark.parametrize(("share", "text"), [(0.00001, "0.1 %"), (0.99999, "99.9 %")])
def test_what_is_nearly_nothing_or_nearly_all_is_not_rounded_to_it(share: float, text: str) -> None:
    assert formats.percent(share).replace(NARROW, " ") == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, DASH),
        (0, "$0"),
        (Decimal("12.345"), "$12.34"),
        (Decimal("1234.5"), "$1,234.50"),
        (Decimal("0.5"), "$0.50"),
        (Decimal("0.0021"), "$0.0021"),
        (Decimal("0.000032"), "$0.000032"),
        (Decimal("1E-12"), "<$0.00000001"),
        (0.25, "$0.25"),
    ],
)
def test_a_sum_of_money_shows_cents_or_two_digits_that_say_something(
    amount: Decimal | float | None, text: str
) -> None:
    assert formats.dollars(amount) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("3.1", "$3.10"), ("0.004", "<$0.01"), ("0.006", "$0.01"), ("0", "$0")],
)
def test_in_a_column_all_sums_have_the_same_digits_and_none_vanishes(
    amount: str, text: str
) -> None:
    assert formats.dollars(Decimal(amount), 2) == text


@pytest.mark.parametrize(
    ("amounts", "digits"),
    [
        ([], 2),
        ([None, Decimal(0)], 2),
        ([Decimal("3.15"), Decimal("0.0001")], 2),
        ([Decimal("0.0098"), None], 5),
        ([1e-12], 8),
        ([Decimal(2000)], 2),
    ],
)
def test_a_column_is_as_fine_as_its_largest_sum_needs(
    amounts: list[Decimal | float | None], digits: int
) -> None:
    assert formats.dollar_digits(amounts) == digits


def test_several_values_are_listed_and_none_is_a_dash() -> None:
    assert formats.words(("careful", "private")) == "careful, private"
    assert formats.words(()) == DASH


def test_json_is_shown_with_a_line_for_each_field_and_its_characters_as_they_are() -> None:
    shown = formats.json_lines({"only": ["novita/fp8"], "zdr": True, "überall": "上游"})
    assert shown == '{\n  "only": ["novita/fp8"],\n  "zdr": true,\n  "überall": "上游"\n}'
    assert formats.inline_json("a word") == "a word"
    assert formats.inline_json(["fp8"]) == '["fp8"]'
