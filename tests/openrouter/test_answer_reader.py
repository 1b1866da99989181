"""Reading one answer: any cutting of its bytes tells the same, and rubbish is never an answer."""

import itertools
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.openrouter.answer_reader import AnswerReader
from app.openrouter.transport import NotAnAnswer, TransportError

ANSWERS: dict[str, tuple[bytes, int, bytes, bool]] = {  # bytes, status, body, reusable
    "by length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "in chunks": (
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
            b"3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX-Late: 1\r\n\r\n"
        ),
        200,
        b"hello",
        True,
    ),
    "after interim answers": (
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\n\r\n"
            b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"
        ),
        404,
        b"no",
        True,
    ),
    "without a body": (b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", 204, b"", True),
    "the last one": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        200,
        b"ok",
        False,
    ),
    "with something behind it": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nevil",
        200,
        b"ok",
        False,
    ),
}


def pieces(whole: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(whole), *(cut % len(whole) for cut in cuts)})
    return [whole[a:b] for a, b in itertools.pairwise(places)]


def read(parts: list[bytes], *, to_head: bool = False) -> tuple[AnswerReader, bytes]:
    reader = AnswerReader(to_head=to_head)
    body = b""
    for part in parts:
        reader.feed(part)
        body += reader.take()
    return reader, body


@pytest.mark.parametrize("answer", ANSWERS)
@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cutting_tells_the_same(answer: str, cuts: list[int]) -> None:
    whole, status, expected, reusable = ANSWERS[answer]
    reader, body = read(pieces(whole, cuts))
    assert (reader.status, body, reader.complete) == (status, expected, True)
    assert reader.reusable is reusable
    assert all(name.lower() not in {b"link", b"x-late"} for name, _ in reader.headers)


@pytest.mark.parametrize("answer", ["by length", "in chunks"])
def test_t06_an_end_before_the_end_is_an_error_at_every_byte(answer: str) -> None:
    whole, *_ = ANSWERS[answer]
    for length in range(len(whole)):
        reader, _ = read([whole[:length]] if length else [])
        with pytest.raises(TransportError, match="closed before"):
            reader.end(clean=True)


@pytest.mark.parametrize("clean", [True, False])
def test_t06_a_body_until_the_end_is_whole_only_if_the_end_was_orderly(*, clean: bool) -> None:
    reader, body = read([b"HTTP/1.1 200 OK\r\n\r\nabc"])
    assert (body, reader.complete) == (b"abc", False)
    if clean:
        reader.end(clean=True)
        assert (reader.complete, reader.reusable) == (True, False)
    else:
        with pytest.raises(TransportError):
            reader.end(clean=False)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=5))
def test_rubbish_is_an_error_or_unfinished_and_never_an_answer(parts: list[bytes]) -> None:
    try:
        reader, _ = read(parts)
    except TransportError:
        return
    assert not reader.complete


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nX : 1\r\n\r\n",
        b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
    ],
)
def test_an_answer_that_two_readers_would_read_differently_is_refused(answer: bytes) -> None:
    with pytest.raises(TransportError, match="not HTTP"):
        read([answer])


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WITHOUT_END: dict[str, tuple[list[bytes], str]] = {
    "a head": (
        [b"HTTP/1.1 200 OK\r\n", *[b"X-A: " + b"y" * 1000 + b"\r\n"] * 200],
        "headers do not end",
    ),
    "a header": ([b"HTTP/1.1 200 OK\r\nX: ", *[b"y" * 1000] * 200], "headers do not end"),
    "headers": ([b"HTTP/1.1 200 OK\r\n", *[b"X: \r\n"] * 258], "over 256 headers"),
    "interim answers": ([b"HTTP/1.1 103 X\r\nA: b\r\n\r\n"] * 21, "more than 20 interim"),
    "blank lines": ([b"\r\n" * 1000] * 200, "headers do not end"),
    "a reason": ([b"HTTP/1.1 200 ", *[b"y" * 1000] * 200], "headers do not end"),
    "an extension of a chunk": ([CHUNKED, b"2;a=", *[b"y" * 1000] * 200], "headers do not end"),
    "trailers": ([CHUNKED, b"0\r\n", *[b"X-Late: 1\r\n" * 100] * 200], "headers do not end"),
    "the size of a chunk": ([CHUNKED, *[b"0" * 1000] * 200], "headers do not end"),
}


@pytest.mark.parametrize("what", WITHOUT_END)
def test_what_has_no_end_is_cut_off(what: str) -> None:
    parts, why = WITHOUT_END[what]
    tracemalloc.start()
    with pytest.raises(NotAnAnswer, match=why):
        read(parts)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 300_000


def test_as_many_interim_answers_and_headers_as_are_of_use_are_read() -> None:
    interim = b"HTTP/1.1 103 X\r\nLink: a\r\n\r\n" * 20
    headers = b"".join(b"X-%d: y\r\n" % number for number in range(255))
    whole = interim + b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 2\r\n\r\nok"
    reader, body = read([whole])
    assert (len(reader.headers), body, reader.reusable) == (256, b"ok", True)


def test_the_coding_of_an_interim_answer_is_not_the_answers() -> None:
    interim = b"HTTP/1.1 103 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    reader, body = read([interim + b"HTTP/1.1 200 OK\r\n\r\nok"])
    reader.end(clean=True)
    assert (body, reader.complete) == (b"ok", True)


def test_small_chunks_without_end_are_not() -> None:
    _, body = read(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 50_000]
    )
    assert len(body) == 50_000
