"""Framing: any chunking in, the same events out, and no more held than the limit allows."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.sse import Event, SseParser

LIMIT = 1000


def parsed(*chunks: bytes, limit: int = LIMIT) -> list[Event]:
    parser = SseParser(limit)
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()


def test_t09_an_events_lines_are_joined_by_a_line_feed() -> None:
    assert parsed(b"event: a\ndata: 1\ndata:2\ndata\ndata:  3\n\n") == [Event(b"a", b"1\n2\n\n 3")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_t09_every_line_end_counts_as_one(end: bytes) -> None:
    stream = end.join([b"data: 1", b"data: 2", b"", b"data: 3", b"", b""])
    expected = [Event(b"", b"1\n2"), Event(b"", b"3")]
    assert parsed(stream) == expected
    assert parsed(*(stream[at : at + 1] for at in range(len(stream)))) == expected


def test_t09_other_separators_of_lines_are_part_of_the_text() -> None:
    text = b"a\x0bb\x0cc\x1cd\xc2\x85e\xe2\x80\xa8f"
    assert parsed(b"data: " + text + b"\n\n") == [Event(b"", text)]


def test_t14_comments_are_no_events_and_break_none() -> None:
    assert parsed(b": OPENROUTER PROCESSING\n\n:\n\n: \n\n") == []
    assert parsed(b"data: 1\n: keep-alive\ndata: 2\n\n") == [Event(b"", b"1\n2")]


def test_a_name_holds_for_its_own_event_only() -> None:
    assert parsed(b"event: a\n\nevent: b\ndata: 1\n\ndata: 2\n\n") == [
        Event(b"b", b"1"),
        Event(b"", b"2"),
    ]


def test_the_end_of_a_stream_ends_its_last_event() -> None:
    for rest in (b"data: 1", b"data: 1\n", b"data: 1\r", b"data: 1\r\n"):
        assert parsed(rest) == [Event(b"", b"1")]
    assert parsed(b"data: 1\n\n") == [Event(b"", b"1")]


def test_nothing_fed_is_nothing_told() -> None:
    assert parsed() == parsed(b"", b"") == []
    assert parsed(b"data: 1\r", b"", b"\n\r", b"\n") == [Event(b"", b"1")]


@pytest.mark.parametrize(
    ("fed", "in_event", "at_an_end"),
    [
        (b"", False, True),
        (b"data: 1\n\n", False, True),
        (b"data: 1\r\n\r", False, True),
        (b"data: 1\n", True, False),
        (b"event: a\n", True, False),
        (b"da", True, False),
        (b"data: 1\n\n: OPENROUTER PROCESSING\n\n", False, True),
        (b": \n", False, True),
        (b": OPENROUTER", False, False),
        (b"data: 1\n: OPENROUTER", True, False),
        (b"data: " + bytes(LIMIT) + b"\n", True, False),
        (b"data: " + bytes(LIMIT) + b"\n\n", False, True),
    ],
)
def test_a_comment_is_no_part_of_an_event(fed: bytes, *, in_event: bool, at_an_end: bool) -> None:
    """An event can be added at an end: it would not become a part of what came before."""
    parser = SseParser(LIMIT)
    told = parser.feed(fed)
    assert (parser.in_event, parser.at_an_end) == (in_event, at_an_end)
    if at_an_end:
        assert parser.feed(b"data: late\n\n") == [Event(b"", b"late")]
    assert told == SseParser(LIMIT).feed(fed)


lines = st.sampled_from(
    [b"data: 1", b"data:22", b"event: e", b": comment", b"", b"", b"rubbish", b"data: " + b"x" * 30]
)
ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(
    stream=st.lists(st.tuples(lines, ends)).map(lambda parts: b"".join(b"".join(p) for p in parts)),
    cuts=st.lists(st.integers(0, 400)),
    limit=st.integers(0, 60),
)
def test_t07_any_chunking_gives_the_same_events_and_skips_the_same(
    stream: bytes, cuts: list[int], limit: int
) -> None:
    whole, pieces = SseParser(limit), SseParser(limit)
    expected = whole.feed(stream) + whole.close()
    bounds = [0, *sorted(cuts), len(stream)]
    events = [e for start, end in pairwise(bounds) for e in pieces.feed(stream[start:end])]
    assert events + pieces.close() == expected
    assert pieces.skipped == whole.skipped


@pytest.mark.parametrize("line", [b"data: " + b"x" * 100 + b"\n", b"data: 1\n", b"x" * 7, b": c\n"])
def test_an_endless_event_is_held_up_to_the_limit_and_counted_once(line: bytes) -> None:
    parser = SseParser(limit=50)
    for _ in range(1000):
        parser.feed(line)
        assert len(parser._line) + len(parser._data or b"") <= 50  # noqa: SLF001 - what is held
    assert parser.feed(b"\n\n\ndata: 1\n\n") == [Event(b"", b"1")]
    assert parser.skipped == 1


def test_the_data_of_many_lines_weigh_no_more_than_the_lines() -> None:
    """As a list they would be a million objects, five times the weight."""
    parser = SseParser(limit=1_000_000)
    tracemalloc.start()
    parser.feed(b"data:xy\n" * 120_000)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1_000_000
    assert parser.feed(b"\n") == [Event(b"", b"\n".join([b"xy"] * 120_000))]


def test_an_endless_event_that_is_cut_is_counted_too() -> None:
    parser = SseParser(limit=50)
    parser.feed(b"data: " + b"x" * 100 + b"\n")
    assert parser.close() == []
    assert parser.skipped == 1


def test_every_event_over_the_limit_is_counted() -> None:
    parser = SseParser(limit=10)
    assert parser.feed(b"data: 12345\n\ndata: 1\n\ndata: 12345\n\n") == [Event(b"", b"1")]
    assert parser.skipped == 2


def test_an_event_of_exactly_the_limit_is_told() -> None:
    assert parsed(b"data: 1234\n\n", limit=10) == [Event(b"", b"1234")]
    assert parsed(b"data: 1234\n\n", limit=9) == []
