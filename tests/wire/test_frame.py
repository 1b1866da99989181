"""A frame is read leniently, exactly, and never with an exception."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.frame import Frame, Place, pick, read_frame, read_value, walk


def test_numbers_keep_every_digit() -> None:
    frame = read_frame(b'{"usage":{"a":2.5e-05,"b":0.00053325,"c":7,"d":1.10}}')
    assert frame is not None
    assert frame.usage["a"] == Decimal("0.000025")
    assert frame.usage["b"] == Decimal("0.00053325")
    assert frame.usage["c"] == 7
    assert str(frame.usage["d"]) == "1.10"


def test_a_key_given_twice_counts_as_the_last() -> None:
    frame = read_frame(b'{"provider":"A","provider":"B"}')
    assert frame is not None
    assert frame.provider == "B"


def test_a_key_in_escapes_is_found() -> None:
    frame = read_frame(b'{"\\u0070rovider":"A"}')
    assert frame is not None
    assert frame.provider == "A"


@pytest.mark.parametrize("broken", [b'"\\ud83d"', b'"\\uDE00 x"', b'"\\\\ud83d"', b'"\xff\xc3"'])
def test_t08_broken_characters_break_nothing_else(broken: bytes) -> None:
    for key in (b"choices", b"unknown"):
        frame = read_frame(b'{"%s":%s,"provider":"A"}' % (key, broken))
        assert frame is not None
        assert frame.provider == "A"


@given(st.binary())
def test_t08_no_bytes_raise(text: bytes) -> None:
    read_frame(text)
    read_value(text)


def test_what_is_no_json_is_no_value() -> None:
    assert read_value(b'{"a":1.5}') == {"a": Decimal("1.5")}
    assert read_value(b"{") is None


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ((), {"a": [{"b": 1}], "c": None}),
        (("a", 0, "b"), 1),
        (("a", 1), None),
        (("a", "b"), None),
        (("c", "d"), None),
        (("x", "y"), None),
        ((0,), None),
        (("a", 0, "b", "c"), None),
    ],
)
def test_steps_that_lead_nowhere_lead_to_none(steps: tuple[str | int, ...], found: object) -> None:
    assert walk({"a": [{"b": 1}], "c": None}, steps) == found


def test_a_place_starts_at_a_field_of_the_frame() -> None:
    frame = Frame(choices=[{"finish_reason": "stop"}])
    assert pick(frame, Place("choices", (0, "finish_reason"))) == "stop"
    assert pick(frame, Place("delta", ("stop_reason",))) is None
