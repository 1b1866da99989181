"""What an answer may make us do: read large frames in slices, and of numbers only sane ones."""

import time
import tracemalloc
from decimal import Decimal

import pytest

from app.wire.frame import TOO_LARGE, read_frame, read_value

NUMBERS = [
    *(b"1e-999999999", b"0e-999999999", b"1e999", b"1e99999999999999999999", b"-1e999"),
    *(b"9" * 100, b"9" * 5_000, b"-" + b"9" * 60_000, b"0." + b"1" * 5_000, b"1." + b"9" * 5_000),
    *(b"1e" + b"9" * 5_000, b"1e-" + b"9" * 5_000),
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12].decode())
def test_t61_a_number_beyond_reason_counts_as_not_sent_and_hides_nothing(number: bytes) -> None:
    text = b'{"usage":{"cost":%b,"completion_tokens":7},"provider":"A"}' % number
    frame = read_frame(text)
    assert frame is not None
    assert frame.provider == "A"
    assert frame.usage["completion_tokens"] == 7
    assert frame.usage["cost"] is None or abs(frame.usage["cost"]) > 10**99
    assert isinstance(read_value(text), dict)


def test_a_large_frame_is_read_like_a_small_one() -> None:
    said = b"hello, wor[l]d {} " * 10_000
    frame = read_frame(
        b'{"id":"gen-1","provider":"A","usage":{"cost":2.5e-05},"x":[1,2],'
        b'"choices":[{"finish_reason":"stop","message":{"content":"' + said + b'"}}],'
        b'"message":{"id":"m"},"error":null}'
    )
    assert frame is not None
    assert (frame.id, frame.provider, frame.error) == ("gen-1", "A", None)
    assert frame.usage == {"cost": Decimal("0.000025")}
    assert frame.choices[0]["finish_reason"] == "stop"
    assert bytes(frame.message) == b'{"id":"m"}'


def test_of_a_large_frame_only_what_a_model_says_may_be_large() -> None:
    large = b'{"x":"' + b"y" * 70_000 + b'"}'
    names = ("usage", "openrouter_metadata", "id", "choices", "error")
    frame = read_frame(b"{" + b",".join(b'"%b":%b' % (n.encode(), large) for n in names) + b"}")
    assert frame is not None
    assert frame.usage is frame.openrouter_metadata is TOO_LARGE  # so that it can be told
    assert frame.id is None
    assert frame.choices == {"x": "y" * 70_000}
    assert frame.error == "an error of 70008 bytes, too long to be read"
    assert read_value(large) is None


@pytest.mark.parametrize("broken", [b"\\ud83d", b"\\uDE00 x", b"\xff\xc3"])
@pytest.mark.parametrize("size", [1, 70_000])
def test_t08_broken_characters_in_a_large_frame_break_nothing_else(
    broken: bytes, size: int
) -> None:
    for key in (b"choices", b"unknown"):
        frame = read_frame(b'{"%b":"%b","provider":"A"}' % (key, broken * size))
        assert frame is not None
        assert frame.provider == "A"


EIGHT_MB = {
    "lists": b'{"choices":[' + b"[]," * 2_600_000 + b'[]],"provider":"A"}',
    "objects": b'{"choices":[' + b"{}," * 2_600_000 + b'{}],"provider":"A"}',
    "ints": b'{"usage":[' + b"1," * 4_000_000 + b'1],"provider":"A"}',
    "floats": b'{"openrouter_metadata":[' + b"1.5," * 2_000_000 + b'1],"provider":"A"}',
    "keys": b"{" + b'"a":0,' * 1_300_000 + b'"provider":"A"}',
    "embeddings": b'{"data":[' + b"0.123456," * 880_000 + b'1],"provider":"A"}',
    "words": b'{"choices":["' + b"hello, wor " * 700_000 + b'"],"provider":"A"}',
    "surrogates": b'{"choices":"' + b"\\ud83d" * 1_300_000 + b'","provider":"A"}',
    "no utf-8": b'{"choices":"' + b"\xff" * 8_000_000 + b'","provider":"A"}',
    "digits": b'{"choices":' + b"9" * 8_000_000 + b',"provider":"A"}',
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", EIGHT_MB)
def test_eight_megabytes_of_anything_take_neither_long_nor_much(kind: str) -> None:
    """Read in full, lists take 0.7 seconds and 200 MB; the bound here allows a slow machine."""
    text = EIGHT_MB[kind]
    began = time.process_time()
    frame = read_frame(text)
    took = time.process_time() - began
    assert frame is not None
    assert frame.provider == "A"
    assert took < 0.3
    tracemalloc.start()
    read_frame(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * len(text)
