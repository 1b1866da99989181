"""Reads one answer's bytes into its head, the pieces of its body and its end. No I/O.

Rule 1  Interim answers (1xx) are skipped, trailers and chunk extensions ignored.
Rule 2  An answer is complete when its framing says so, and only then: by length, by the last
        chunk, or by the connection's orderly end where it announced neither.
Rule 3  Bytes left over once an answer is complete spoil the connection, not the answer.
Rule 4  Bytes that contribute neither body nor end are counted, and so are headers and interim
        answers: an endless sequence of them is cut off.
Rule 5  An answer that the caller's client may parse differently is refused: an invalid status, a
        transfer coding other than `chunked`, another version of HTTP.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

import httptools

from .transport import NotAnAnswer, TransportError

if TYPE_CHECKING:
    from ..wire.headers import RawHeaders

_MOST_WITHOUT_PROGRESS = 96_000  # head, trailers, extensions; proxies in between allow less
_MOST_HEADERS = 256
_MOST_INTERIM = 20
_STATUSES = range(100, 600)
_VERSIONS = frozenset({"1.0", "1.1"})
_CODING = b"transfer-encoding"


class AnswerReader:
    """The reader for one request, fed until `complete`; it also has httptools' callbacks."""

    __slots__ = (
        "_bodiless",
        "_coding",
        "_interim",
        "_parser",
        "_refused",
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
        self._coding: bytes | None = None  # the transfer coding
        self._interim = 0
        self._refused: str | None = None
        self._without_progress = 0
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Read more bytes. Raises `NotAnAnswer` if they are not an HTTP/1.1 answer."""
        parser, before = self._parser, len(self.pieces)
        if parser is None:
            self.reusable = False
            return
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.reusable = False
            if not self.complete:
                why = self._refused or f"the answer is not HTTP/1.1 ({_told(error)})"
                raise NotAnAnswer(why) from None
        if self.complete:
            self._parser = None  # it refers to us, so the two would wait for the collector
        elif len(self.pieces) > before:
            self._without_progress = 0
        else:
            self._without_progress += len(data)
            if self._without_progress > _MOST_WITHOUT_PROGRESS:
                raise NotAnAnswer("the answer's headers do not end")

    def end(self, *, clean: bool) -> None:
        """The connection has ended. Raises `TransportError` unless the answer may end this way."""
        if self.complete:
            return
        if not self.has_head:
            raise TransportError("the connection was closed before an answer came")
        if not (clean and self._is_until_close()):
            raise TransportError("the connection was closed before the answer was complete")
        self.complete = True
        self._parser = None

    def take(self) -> bytes:
        """Remove and return the received pieces, joined."""
        pieces = self.pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.held = 0
        return taken

    def drop(self) -> None:
        """Discard the rest: it will not be read."""
        self._parser = None

    def _is_until_close(self) -> bool:
        named = {name.lower() for name, _ in self.headers}
        return b"content-length" not in named and self._coding is None

    # --- called back by httptools ---------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Another answer begins; after the requested answer, that is an error."""
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer."""
        if self.has_head:
            return
        self.headers.append((name, value.rstrip(b" \t")))
        if len(self.headers) > _MOST_HEADERS:
            self._refuse(f"the answer has over {_MOST_HEADERS} headers")
        if len(name) == len(_CODING) and name.lower() == _CODING:
            self._note_coding(value.strip().lower())

    def on_headers_complete(self) -> None:
        """The end of a head: an interim one, or the one that counts."""
        assert self._parser is not None  # noqa: S101 - it is calling
        if self.complete:
            return
        status = self._parser.get_status_code()
        if status not in _STATUSES or self._parser.get_http_version() not in _VERSIONS:
            version = self._parser.get_http_version()
            self._refuse(f"the answer begins with HTTP/{version} {status:03}")
        if status < HTTPStatus.OK:
            self._skip()
            return
        self.status = status
        self.has_head = True
        if self._bodiless:
            self.on_message_complete()

    def _skip(self) -> None:
        """An interim answer; another one follows."""
        self.headers.clear()
        self._coding = None
        self._interim += 1
        if self._interim > _MOST_INTERIM:
            self._refuse(f"more than {_MOST_INTERIM} interim responses came before the answer")

    def _note_coding(self, coding: bytes) -> None:
        """Only chunks are decoded; the header is not forwarded, so no client could decode more."""
        if coding != b"chunked" or self._coding is not None:
            self._refuse("the answer has a transfer encoding other than chunked")
        self._coding = coding

    def _refuse(self, why: str) -> NoReturn:
        """Stop the calling parser; `feed` raises the reason."""
        self._refused = why
        raise NotAnAnswer(why)

    def on_body(self, body: bytes) -> None:
        """A piece of the body, without its framing."""
        if self.complete:
            self.reusable = False
        else:
            self.pieces.append(body)
            self.held += len(body)

    def on_message_complete(self) -> None:
        """The framing marks the end of the answer."""
        assert self._parser is not None  # noqa: S101 - it is calling
        if self.has_head and not self.complete:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
