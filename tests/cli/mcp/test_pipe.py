"""Lines to messages: any chunking gives the same, and what is not a message is answered."""

import mcp_types as types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.mcp.pipe import Lines, read_message


def lines_of(chunks: list[bytes], longest: int = 20) -> list[bytes | None]:
    lines = Lines(longest)
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    return [*found, *lines.rest()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\r\n\n \nlast", [b"one", b"last"]),
        (b"", []),
        (b"x" * 21 + b"\nnext\n", [None, b"next"]),
        (b"x" * 20 + b"\n", [b"x" * 20]),
        (b"x" * 50, [None]),
    ],
)
def test_lines_are_cut_and_one_that_is_too_long_is_told(
    text: bytes, expected: list[bytes | None]
) -> None:
    assert lines_of([text]) == expected
    assert lines_of([bytes([byte]) for byte in text]) == expected


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_any_chunking_gives_the_same_lines(chunks: list[bytes]) -> None:
    assert lines_of(chunks) == lines_of([b"".join(chunks)])


@pytest.mark.parametrize(
    ("line", "code", "name"),
    [
        (None, types.INVALID_REQUEST, None),
        (b"{", types.PARSE_ERROR, None),
        (b"\xff", types.PARSE_ERROR, None),
        (b"[" * 100_000, types.PARSE_ERROR, None),
        (b"[]", types.INVALID_REQUEST, None),
        (b'"text"', types.INVALID_REQUEST, None),
        (b'{"id": 7, "method": "ping"}', types.INVALID_REQUEST, 7),
        (b'{"jsonrpc": "2.0", "id": "a", "method": 1}', types.INVALID_REQUEST, "a"),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', types.INVALID_REQUEST, None),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}', types.INVALID_REQUEST, None),
    ],
)
def test_what_is_not_a_message_is_an_error_with_the_id_if_it_has_one(
    line: bytes | None, code: int, name: object
) -> None:
    error = read_message(line)
    assert isinstance(error, types.JSONRPCError)
    assert (error.error.code, error.id) == (code, name)


def test_a_message_is_itself() -> None:
    message = read_message(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}')
    assert isinstance(message, types.JSONRPCRequest)
    assert (message.id, message.method) == (1, "ping")
