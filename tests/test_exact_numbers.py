"""Every number from outside goes through here, and none of them is worth a gigabyte."""

import re
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exact_numbers import MOST_EXPONENT, dollars_told, exact, from_json, plainly, whole


def kind(value: object) -> str:
    """Of a test's value: an int of thousands of digits can't even be shown."""
    return type(value).__name__


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2.5e-05", "0.000025"),
        ("-0.0", "-0.0"),
        ("1.10", "1.10"),
        ("1e30", "1e30"),
        ("1e-30", "1e-30"),
        ("0." + "1" * 40, "0." + "1" * 40),
        ("0" * 60 + "7", "7"),
    ],
)
def test_a_number_within_the_bounds_keeps_every_digit(text: str, number: str) -> None:
    assert str(from_json(text)) == str(Decimal(number))


OUTSIDE = ["1e31", "9e-31", "1e-999999999", "0e-999999999", "0e99", "1e99999999999999999999"]
OUTSIDE += ["1" * 41, "0." + "1" * 41, "1" * 1_000_000, "1e" + "9" * 60, "0." + "0" * 31]


@pytest.mark.parametrize("text", OUTSIDE, ids=lambda text: text[:24])
def test_t61_a_number_outside_of_the_bounds_counts_as_not_sent(text: str) -> None:
    assert from_json(text) is None
    assert exact(text) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, "7"),
        (0.1, "0.1"),
        (1e22, "1e22"),
        (Decimal("0.30"), "0.30"),
        ("0.30", "0.30"),
        (".5", ".5"),
        ("5.", "5."),
        ("-1", "-1"),
        ("1E-7", "1e-7"),
    ],
)
def test_a_number_is_read_however_it_is_written(value: object, number: str) -> None:
    assert exact(value) == Decimal(number)


@pytest.mark.parametrize(
    "value",
    [
        *(True, None, [], {}, b"1", "", "cheap", "NaN", "Infinity", "0_1", " 1", "1 ", "+1", "٣"),
        *("1e1000", "1,5", "0x1", 10**31, -(10**31), 10**5000, 1e31, 1e-31, 5e-324),
        *(float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity"), Decimal("1e-99")),
    ],
    ids=kind,
)
def test_everything_else_is_no_number(value: object) -> None:
    assert exact(value) is None


@pytest.mark.parametrize("value", [0, 7, 2**53 - 1])
def test_a_whole_number_is_one_that_json_readers_agree_on(value: int) -> None:
    assert whole(value) == value


@pytest.mark.parametrize("value", [-1, 2**53, 10**5000, True, 1.0, "7", Decimal(7), None], ids=kind)
def test_any_other_value_is_not_a_count(value: object) -> None:
    assert whole(value) is None


def test_a_range_may_be_narrower_or_begin_below_zero() -> None:
    assert whole(-3, least=-10) == -3
    assert whole(600, least=100, below=600) is None


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.000025", "0.000025"),
        ("1.10", "1.1"),
        ("1200", "1200"),
        ("1e3", "1000"),
        ("0", "0"),
        ("-0.50", "-0.5"),
        ("0e-999999999", "0"),
        ("1e-999999999", "1.000000E-999999999"),
        ("1e999999999", "1.000000E+999999999"),
    ],
)
def test_t61_what_is_written_out_is_short(number: str, text: str) -> None:
    assert plainly(Decimal(number)) == text


@given(st.text(alphabet="0123456789.eE+-_ n", max_size=200) | st.floats() | st.integers())
def test_what_is_read_can_be_written_and_read_again(value: object) -> None:
    number = exact(value)
    if number is not None:
        text = plainly(number)
        assert len(text) <= 72
        assert exact(text) == number


def test_t61_no_number_takes_long() -> None:
    began = time.process_time()
    for text in ("9" * 60_000_000, "1e-999999999", "1e" + "9" * 1_000_000, "x" * 60_000_000):
        exact(text)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("amount", "said", "up"),
    [
        ("0", "$0.00", "$0.00"),
        ("1.5", "$1.50", "$1.50"),
        ("0.50021", "$0.50", "$0.51"),
        ("0.04290", "$0.043", "$0.043"),
        ("0.000502", "$0.00050", "$0.00051"),
        ("1204", "$1,204.00", "$1,204.00"),
        ("2.0049", "$2.00", "$2.01"),
    ],
)
def test_an_amount_in_a_message_is_told_to_the_cent_or_to_two_digits(
    amount: str, said: str, up: str
) -> None:
    assert dollars_told(Decimal(amount)) == said
    assert dollars_told(Decimal(amount), up=True) == up


BOUNDED = st.decimals(0, Decimal(10) ** MOST_EXPONENT, allow_nan=False, allow_infinity=False)


@given(amount=BOUNDED, up=st.booleans())
def test_an_amount_in_a_message_has_no_digits_of_a_status_but_in_whole_dollars(
    amount: Decimal, *, up: bool
) -> None:
    """Agents search an error's text for these, and repeat the request: docs/tools.md."""
    _, _, cents = dollars_told(amount, up=up).partition(".")
    assert not re.search("429|500|502|503|504|524", cents)


@given(BOUNDED)
def test_an_amount_that_is_rounded_up_is_not_below_the_amount(amount: Decimal) -> None:
    assert Decimal(dollars_told(amount, up=True).lstrip("$").replace(",", "")) >= amount
