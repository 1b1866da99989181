"""One answer's bytes in; its head, the pieces of its body and how it ended out. No I/O.

Rule 1  Interim answers (1xx) are skipped, trailers and chunk extensions ignored.
Rule 2  An answer is complete when its framing says so, and only then: by length, by the last
        chunk, or by the connection's orderly end where it announced neither.
Rule 3  Whatever is left over once an answer is complete spoils the connection, not the answer.
Rule 4  Bytes that bring neither body nor end are counted: a head without end is cut off.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING

import httptools

from app.openrouter.transport import TransportError

if TYPE_CHECKING:
    from app.wire.headers import RawHeaders

_MOST_WITHOUT_PROGRESS = 128 * 1024  # head, trailers, extensions; a proxy in between allows less


class AnswerReader:
    """Made for one request, fed until `complete`; also what httptools calls back."""

    __slots__ = (
        "_bodiless",
        "_parser",
        "_without_progress",
        "complete",
        "has_head",
        "headers",
        "held",
        "pieces",
        "reusable",
        "status",
    )

    def __init__(self, *, to_head: bool = False) -> None:
        self.status = 0
        self.headers: RawHeaders = []
        self.has_head = False
        self.complete = False
        self.reusable = False  # the connection may serve another request
        self.pieces: list[bytes] = []
        self.held = 0  # bytes in `pieces`
        self._bodiless = to_head
        self._without_progress = 0
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Read some more. Raises `TransportError` where this is no HTTP/1.1 answer."""
        parser, before = self._parser, len(self.pieces)
        if parser is None:
            self.reusable = False
            return
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.reusable = False
            if not self.complete:
                raise TransportError(f"the answer is not HTTP/1.1 ({_told(error)})") from None
        if self.complete:
            self._parser = None  # it refers to us, so the two would wait for the collector
        elif len(self.pieces) > before:
            self._without_progress = 0
        else:
            self._without_progress += len(data)
            if self._without_progress > _MOST_WITHOUT_PROGRESS:
                raise TransportError("the answer's headers have no end")

    def end(self, *, clean: bool) -> None:
        """The connection has ended. Raises `TransportError` unless the answer was to end so."""
        if self.complete:
            return
        if not self.has_head:
            raise TransportError("the connection was closed before an answer came")
        if not (clean and self._is_until_close()):
            raise TransportError("the connection was closed before the answer was complete")
        self.complete = True
        self._parser = None

    def take(self) -> bytes:
        """The pieces that are here, as one, and no longer here."""
        pieces = self.pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.held = 0
        return taken

    def drop(self) -> None:
        """Nobody will read on."""
        self._parser = None

    def _is_until_close(self) -> bool:
        named = {name.lower(): value for name, value in self.headers}
        coding = named.get(b"transfer-encoding", b"").lower()
        return b"content-length" not in named and not coding.endswith(b"chunked")

    # --- called back by httptools ---------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Another answer begins; after the one we asked for, that is one too many."""
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer."""
        if not self.has_head:
            self.headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """The end of a head: an interim one, or the one that counts."""
        assert self._parser is not None  # noqa: S101 - it is calling
        if self.complete:
            return
        status = self._parser.get_status_code()
        if status < HTTPStatus.OK:
            self.headers.clear()
            return
        self.status = status
        self.has_head = True
        if self._bodiless:
            self.on_message_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body, freed from its framing."""
        if self.complete:
            self.reusable = False
        else:
            self.pieces.append(body)
            self.held += len(body)

    def on_message_complete(self) -> None:
        """The framing says that this is all."""
        assert self._parser is not None  # noqa: S101 - it is calling
        if self.has_head and not self.complete:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
