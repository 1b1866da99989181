"""Reads request bodies: each within its own limit, and all held at once within a common one."""

import asyncio
from collections.abc import Mapping
from threading import Lock
from typing import Protocol

from starlette.types import Receive, Scope

from ..errors import BodiesFull, BodyTooLarge, UnsupportedContent
from .decoding import decoded

Named = Mapping[bytes, bytes]  # headers by name, in lower case

# In a request's `extensions`: the error that interrupted its body, if the server knows it.
BROKEN = "pointsman.broken"

_CHARSETS = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})  # the last two are parts of it


class CallerLeft(Exception):
    """The caller closed the connection before its answer was complete."""


class Held:
    """How many bytes one request's body takes up; given back when the body is released."""

    __slots__ = ("_bodies", "_size")

    def __init__(self, bodies: "Bodies") -> None:
        self._bodies = bodies
        self._size = 0

    def take(self, size: int) -> None:
        """Count so many bytes more. Raises `BodiesFull`."""
        self._bodies.take(size)
        self._size += size

    def give_back(self, *, but: int = 0) -> None:
        """Stop counting all of it, or all `but` so many bytes."""
        self._bodies.give_back(self._size - but)
        self._size = but


class Asking(Protocol):
    """A request whose body is read."""

    asked_with: Named
    held: Held | None


class Bodies:
    """The bodies that are being read, or wait for upstream to take them."""

    def __init__(self, *, each: int, together: int) -> None:
        """Both limits are in bytes; one body of the largest size may be held in any case."""
        self.each = each
        self.together = max(each, together)
        self.held = 0
        self._lock = Lock()  # bodies are decompressed in threads

    def take(self, size: int) -> None:
        """Count so many bytes more. Raises `BodiesFull`."""
        with self._lock:
            if self.held + size > self.together:
                raise BodiesFull(
                    f"all request bodies together exceed {self.together / 1e6:g} MB; "
                    "retry in a moment, or raise POINTSMAN_MAX_BODIES_MB"
                )
            self.held += size

    def give_back(self, size: int) -> None:
        """Stop counting so many bytes."""
        with self._lock:
            self.held -= size

    async def read_json(self, asking: Asking, scope: Scope, receive: Receive) -> bytes:
        """The whole decompressed body of a request that is declared as JSON.

        Raises as `read` and `decoded` do.
        """
        held = asking.held = Held(self)
        body = await self._read(asking.asked_with, held, scope, receive)
        encoding = asking.asked_with.get(b"content-encoding")
        if encoding is None:
            return body
        named = encoding.decode("latin-1")
        plain = await asyncio.to_thread(decoded, body, named, self.each, held.take)
        held.give_back(but=len(plain))
        return plain

    async def read(self, asking: Asking, scope: Scope, receive: Receive) -> bytes:
        """The whole body, counted in `asking.held` until that is given back.

        Raises `BodyTooLarge` as soon as that is certain (T-31, T-32), `BodiesFull`, `CallerLeft`,
        and `RequestTimeout` or another error of the connection if the rest will not arrive.
        """
        held = asking.held = Held(self)
        return await self._read(asking.asked_with, held, scope, receive)

    async def _read(self, headers: Named, held: Held, scope: Scope, receive: Receive) -> bytes:
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared) > self.each:
            raise self._too_large()
        body = bytearray()  # not a list of pieces, which may be many and small
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise scope.get("extensions", {}).get(BROKEN) or CallerLeft
            piece: bytes = message.get("body", b"")
            if len(body) + len(piece) > self.each:
                raise self._too_large()
            held.take(len(piece))
            if not message.get("more_body", False):
                return bytes(body + piece) if body else piece
            body += piece

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the request body exceeds {self.each / 1e6:g} MB; raise POINTSMAN_MAX_BODY_MB"
        )


def must_be_json(headers: Named) -> None:
    """Raise `UnsupportedContent` unless the body is declared as JSON in UTF-8.

    A web page can send text/plain, a form or an untyped blob to any address without a preflight
    (T-42). A body read as UTF-8 here and in another charset upstream would be two requests.
    """
    told = headers.get(b"content-type", b"")
    if told == b"application/json":
        return  # nearly always
    kind, *parameters = (part.strip() for part in told.lower().split(b";"))
    if kind != b"application/json" and not kind.endswith(b"+json"):
        shown = kind.decode("latin-1") or "(none)"
        raise UnsupportedContent(
            f"the Content-Type header is {shown[:100]}; send the request as JSON "
            "with 'Content-Type: application/json'"
        )
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        charset = value.strip().strip(b"\"'")
        if name.strip() == b"charset" and charset not in _CHARSETS:
            raise UnsupportedContent(
                f"the Content-Type header names the charset {charset[:40].decode('latin-1')!r}; "
                "send the request as JSON in UTF-8, without a charset"
            )
