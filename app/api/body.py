"""Reads a request's body within its limit."""

import asyncio
from collections.abc import Mapping

from starlette.types import Receive

from app.api.decoding import decoded
from app.errors import BodyTooLarge, UnsupportedContent

Named = Mapping[bytes, bytes]  # headers by name, in lower case


class CallerLeft(Exception):
    """The caller closed the connection before its answer was complete."""


def must_be_json(headers: Named) -> None:
    """Raise `UnsupportedContent` unless the body says it is JSON.

    A web page can send text/plain, a form or an untyped blob to any address without asking (T-42).
    """
    told = headers.get(b"content-type", b"")
    if told == b"application/json":
        return  # nearly always
    kind = told.split(b";")[0].strip().lower()
    if kind != b"application/json" and not kind.endswith(b"+json"):
        shown = kind.decode("latin-1") or "(none)"
        raise UnsupportedContent(
            f"the content type is {shown}; send the request as JSON "
            "with 'Content-Type: application/json'"
        )


async def read_json(headers: Named, receive: Receive, limit: int) -> bytes:
    """The whole body of a request that says it is JSON, its compression undone.

    Raises as `read_body` and `decoded` do.
    """
    body = await read_body(headers, receive, limit)
    encoding = headers.get(b"content-encoding")
    if encoding is None:
        return body
    return await asyncio.to_thread(decoded, body, encoding.decode("latin-1"), limit)


async def read_body(headers: Named, receive: Receive, limit: int) -> bytes:
    """The whole body.

    Raises `BodyTooLarge` as soon as that is certain (T-31, T-32), and `CallerLeft`.
    """
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the request body is over {limit / 1e6:g} MB; POINTSMAN_MAX_BODY_MB sets the limit"
    )
