"""Undoes a request body's compression, since a policy must see what it is held to (T-30).

Decoded piece by piece, so that a small body that grows without end is stopped at the limit.
"""

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from app.errors import BodyTooLarge, MalformedBody, UnsupportedContent

_PIECE = 1 << 16


class Reader(Protocol):
    """A compressed body being read."""

    @property
    def at_end(self) -> bool:
        """Whether the compressed data has ended as it should."""
        ...

    def read(self) -> bytes:
        """One piece more, nothing when all is read. Raises `ValueError` for broken data."""
        ...


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as it was before compression; `encoding` is the header's value.

    Raises `UnsupportedContent` for an encoding that isn't known, `BodyTooLarge` as soon as the
    result passes `limit` bytes, `MalformedBody` for data that isn't what it says.
    """
    for name in reversed([part.strip() for part in encoding.lower().split(",")]):
        if name in {"", "identity"}:
            continue
        start = _READERS.get(name)
        if start is None:
            raise UnsupportedContent(
                f"the body is compressed as {name[:40]!r}, so no policy can be held to it; "
                f"send it without Content-Encoding, or as {', '.join(_READERS)}"
            )
        try:
            body = _read_all(start(body), limit)
        except ValueError as error:
            raise MalformedBody(f"the body is no {name}: {error}") from None
    return body


def _read_all(reader: Reader, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while not reader.at_end:
        piece = reader.read()
        if not piece and not reader.at_end:
            raise ValueError("it ends too early")
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise BodyTooLarge(
                f"the request body is over {limit / 1e6:g} MB once decompressed; "
                "POINTSMAN_MAX_BODY_MB sets the limit"
            )
    return b"".join(pieces)


class _Zlib:
    def __init__(self, body: bytes, wbits: int) -> None:
        self._rest = body
        self._decompressor = zlib.decompressobj(wbits)

    @property
    def at_end(self) -> bool:
        return self._decompressor.eof

    def read(self) -> bytes:
        try:
            piece = self._decompressor.decompress(self._rest, _PIECE)
        except zlib.error as error:
            raise ValueError(error) from None
        self._rest = self._decompressor.unconsumed_tail
        return piece


class _Zstd:
    def __init__(self, body: bytes) -> None:
        # Here, since few callers need it; in the standard library from Python 3.14.
        try:
            zstd = import_module("compression.zstd")
        except ModuleNotFoundError:
            zstd = import_module("backports.zstd")
        self._rest = body
        self._decompressor = zstd.ZstdDecompressor()
        self._broken: type[Exception] = zstd.ZstdError

    @property
    def at_end(self) -> bool:
        return bool(self._decompressor.eof)

    def read(self) -> bytes:
        try:
            piece: bytes = self._decompressor.decompress(self._rest, _PIECE)
        except self._broken as error:
            raise ValueError(error) from None
        self._rest = b""
        return piece


_READERS: dict[str, Callable[[bytes], Reader]] = {
    "gzip": lambda body: _Zlib(body, 31),
    "deflate": lambda body: _Zlib(body, 15),
    "zstd": _Zstd,
}
