"""Decompresses a request's body, since a policy can only be applied to readable JSON (T-30).

The body is decoded slice by slice, so that a small body that expands without end is stopped at the
limit, and the time it takes grows only linearly with the body.
"""

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from ..errors import BodyTooLarge, MalformedBody, UnsupportedContent

MOST_LAYERS = 2
ZSTD_WINDOW_LOG = 23  # 8 MB, the most that RFC 9659 lets a sender ask of a receiver's memory
_SLICE = 1 << 16

Take = Callable[[int], None]  # called with the number of additional bytes held; may raise


class Reader(Protocol):
    """A compressed body being read."""

    @property
    def at_end(self) -> bool:
        """Whether the compressed data has ended as it should."""
        ...

    @property
    def has_more(self) -> bool:
        """Whether data follows its end."""
        ...

    def read(self) -> bytes:
        """The next piece, empty when all is read. Raises `ValueError` for broken data."""
        ...


def _no_one_counts(_: int) -> None:
    pass


def decoded(body: bytes, encoding: str, limit: int, take: Take = _no_one_counts) -> bytes:
    """The body as it was before compression; `encoding` is the header's value.

    Raises `UnsupportedContent` for an unknown encoding and for more than two encodings,
    `BodyTooLarge` as soon as the result exceeds `limit` bytes, `MalformedBody` for data that does
    not match its encoding, and any error that `take` raises.
    """
    named = [part.strip() for part in encoding.lower().split(",")]
    layers = [name for name in reversed(named) if name not in {"", "identity"}]
    if len(layers) > MOST_LAYERS:
        raise UnsupportedContent(
            f"the body is compressed {len(layers)} times; send it compressed at most "
            f"{MOST_LAYERS} times"
        )
    for name in layers:
        start = _READERS.get(name)
        if start is None:
            raise UnsupportedContent(
                f"the body is compressed as {name[:40]!r}, so no policy can be applied; "
                f"send it without Content-Encoding, or as {', '.join(_READERS)}"
            )
        try:
            body = _read_all(start(body), limit, take)
        except ValueError as error:
            raise MalformedBody(f"the body is not valid {name}: {error}") from None
    return body


def _read_all(reader: Reader, limit: int, take: Take) -> bytes:
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
                f"the request body exceeds {limit / 1e6:g} MB after decompression; "
                "raise POINTSMAN_MAX_BODY_MB"
            )
        take(len(piece))
    if reader.has_more:
        raise ValueError("data follows its end")
    return b"".join(pieces)


class _Slices:
    """The compressed body, to be fed slice by slice without a copy of the rest each time."""

    def __init__(self, body: bytes) -> None:
        self._rest = memoryview(body)

    def next(self) -> memoryview:
        taken, self._rest = self._rest[:_SLICE], self._rest[_SLICE:]
        return taken

    def __bool__(self) -> bool:
        return bool(self._rest)


class _Zlib:
    def __init__(self, body: bytes, wbits: int) -> None:
        self._slices = _Slices(body)
        self._decompressor = zlib.decompressobj(wbits)

    @property
    def at_end(self) -> bool:
        return self._decompressor.eof

    @property
    def has_more(self) -> bool:
        return bool(self._decompressor.unused_data or self._slices)

    def read(self) -> bytes:
        piece = b""
        more = True
        while more and not (piece or self.at_end):
            more = bool(self._decompressor.unconsumed_tail or self._slices)
            fed = self._decompressor.unconsumed_tail or self._slices.next()
            try:
                piece = self._decompressor.decompress(fed, _SLICE)
            except zlib.error as error:
                raise ValueError(error) from None
        return piece


class _Zstd:
    def __init__(self, body: bytes) -> None:
        # Here, since few callers need it; in the standard library from Python 3.14.
        try:
            zstd = import_module("compression.zstd")
        except ModuleNotFoundError:
            zstd = import_module("backports.zstd")
        self._slices = _Slices(body)
        options = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
        self._decompressor = zstd.ZstdDecompressor(options=options)
        self._broken: type[Exception] = zstd.ZstdError

    @property
    def at_end(self) -> bool:
        return bool(self._decompressor.eof)

    @property
    def has_more(self) -> bool:
        return bool(self._decompressor.unused_data or self._slices)

    def read(self) -> bytes:
        piece = b""
        more = True
        while more and not (piece or self.at_end):
            hungry = self._decompressor.needs_input
            more = bool(self._slices) or not hungry
            try:
                piece = self._decompressor.decompress(
                    self._slices.next() if hungry else b"", _SLICE
                )
            except self._broken as error:
                raise ValueError(error) from None
        return piece


_READERS: dict[str, Callable[[bytes], Reader]] = {
    "gzip": lambda body: _Zlib(body, 31),
    "deflate": lambda body: _Zlib(body, 15),
    "zstd": _Zstd,
}
