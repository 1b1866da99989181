"""Thousands of tiny events in one chunk hold nobody up: an observer reads on later, or gives up."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.dialect import DIALECTS
from app.wire.observer import LIMIT, Observation, Observer
from tests.wire.recordings import CHAT

TINY = {
    "events": b"data: {}\n\n" * 26_000,
    "comments": b":\n\n" * 85_000,
    "blank lines": b"\n" * 256_000,
    "returns": b"\r" * 256_000,
    "lines of a byte": b"x\n" * 128_000,
    "data of a byte": b"data:x\n" * 36_000,
    "empty data": b"data:\n\n" * 36_000,
    "one line": b"data: " + b"x" * 255_000 + b"\n\n",
}


def watching(limit: int = LIMIT) -> Observer:
    return Observer(CHAT, content_type="text/event-stream", limit=limit)


@pytest.mark.parametrize("kind", TINY)
def test_a_chunk_of_tiny_events_is_read_a_little_at_a_time(kind: str) -> None:
    """Each took up to 60 ms in one go; some milliseconds in each of several steps now."""
    observer = watching()
    chunk = TINY[kind]
    observer.feed(chunk)
    steps = 1
    while observer.behind:
        observer.go_on()
        steps += 1
    assert 2 < steps <= 6 + chunk.count(b"\n") // 500 + chunk.count(b"\r") // 500


def test_what_is_read_later_is_learned_all_the_same() -> None:
    observer = watching()
    observer.feed(b"data: {}\n\n" * 26_000 + b'data: {"provider":"A","delta":1}\n\n')
    observer.feed(b'data: {"provider":"B"}\n\ndata: [DONE]\n\n')
    named = [observer.provider_named]
    while observer.behind:
        observer.go_on()
        named.append(observer.provider_named)
    assert (named[0], named[-1]) == (False, True)
    seen = observer.close()
    assert (seen.provider_names, seen.done, seen.unreadable) == (("A", "B"), True, None)


def test_closing_reads_what_is_left() -> None:
    observer = watching()
    observer.feed(b"data: {}\n\n" * 26_000 + b'data: {"provider":"A"}')
    assert observer.close().provider_names == ("A",)
    assert not observer.behind
    assert observer.close().provider_names == ("A",)


def test_events_that_outrun_their_reader_are_given_up_and_said() -> None:
    """What was read may not be all the providers that were named, so it proves nothing."""
    observer = watching()
    observer.feed(b'data: {"provider":"A"}\n\n')
    for _ in range(60):
        observer.feed(TINY["events"])
    seen = observer.close()
    assert (seen.provider_names, seen.partly_read) == (("A",), True)
    assert seen.unreadable == "its events arrived faster than Pointsman could read them"


def test_what_is_held_is_within_the_limit_however_it_is_held() -> None:
    observer = watching(limit=1_000_000)
    observer.feed(b"data: " + b"x" * 800_000)
    while observer.behind:
        observer.go_on()
    observer.feed(b"y\n" * 200_000)
    assert not observer.behind
    assert observer.close().partly_read


@pytest.mark.slow
@given(
    streams=st.lists(st.sampled_from([b"data: {}\n\n" * 900, b"\r\n" * 3000, b'data: {"id":"g"'])),
    cuts=st.lists(st.integers(0, 60_000), max_size=6),
    pauses=st.lists(st.booleans(), min_size=9, max_size=9),
)
def test_however_it_is_read_it_tells_the_same(
    streams: list[bytes], cuts: list[int], pauses: list[bool]
) -> None:
    whole = b"".join(streams) + b'}\n\ndata: {"provider":"A"}\n\ndata: [DONE]\n\n'
    at_once, in_pieces = watching(), watching()
    at_once.feed(whole)
    places = sorted({0, len(whole), *(cut % len(whole) for cut in cuts)})
    for (start, end), pause in zip(pairwise(places), pauses, strict=False):
        in_pieces.feed(whole[start:end])
        if pause:
            in_pieces.go_on()
    assert in_pieces.close() == at_once.close()


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_a_body_that_is_no_stream_is_never_behind(dialect: object) -> None:
    observer = Observer(dialect, content_type="application/json")  # type: ignore[arg-type]
    observer.feed(b"\n" * 500_000)
    assert not observer.behind
    assert observer.close() == Observation(unreadable="the answer is empty")
