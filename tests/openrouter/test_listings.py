"""A listing is read as such, or said to be none."""

from typing import Any

import pytest

from app.openrouter.listings import rows_at
from app.wire.headers import RawHeaders
from app.wire.listing import NotAListing


class Answering:
    """An upstream with one answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self._answer = (status, body)

    async def get(self, _path: str, _headers: RawHeaders) -> tuple[int, RawHeaders, bytes]:
        status, body = self._answer
        return status, [], body


async def rows(status: int, body: bytes) -> list[Any] | None:
    upstream: Any = Answering(status, body)
    return await rows_at(upstream, "/models", [], most=2)


async def test_rows_are_read_and_what_is_not_there_is_none() -> None:
    assert await rows(200, b'{"data": [{"id": "a/b"}, 5]}') == [{"id": "a/b"}, 5]
    assert await rows(200, b'{"data": {"endpoints": []}}') == []
    assert await rows(404, b"") is None


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (503, b'{"data": []}', "it answered 503"),
        (200, b"<html>", "it is a web page"),
        (200, b'{"data": [1, 2, 3]}', "it has over 2 rows"),
    ],
)
async def test_anything_else_is_no_listing(status: int, body: bytes, words: str) -> None:
    with pytest.raises(NotAListing, match=words):
        await rows(status, body)
