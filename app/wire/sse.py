"""Incremental framing of server-sent events: any chunking in, the same events out.

Rule 1  A line ends with LF, CRLF or CR; the two bytes of a CRLF may come in two chunks.
Rule 2  A blank line ends an event; one without data (a keep-alive comment) is not an event.
Rule 3  The lines of one event may have `limit` bytes together; a larger event is counted and
        skipped, so memory stays bounded and the events after it are still read.

The format is the WHATWG's (HTML, "Server-sent events"), except that a byte order mark is dropped
before any field, not only before the first.
"""

import msgspec

_BOM = b"\xef\xbb\xbf"
_FIELDS = {mark + name: name for mark in (b"", _BOM) for name in (b"data", b"event")}


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event. A Struct, because one is made for each token: a dataclass costs 6 times more."""

    name: bytes  # of `event:`, empty where there was none
    data: bytes  # its `data:` lines, joined by LF


class SseParser:
    """Splits a byte stream into events; `feed` it chunks, then `close` it once."""

    __slots__ = ("_after_cr", "_data", "_limit", "_line", "_name", "_weight", "skipped")

    def __init__(self, limit: int) -> None:
        self.skipped = 0  # events over the limit
        self._limit = limit
        self._line = bytearray()  # the unfinished line
        self._after_cr = False  # the last chunk ended in CR: an LF now belongs to it
        self._name = b""
        self._data: bytes | bytearray | None = None
        self._weight = 0  # of the lines of the unfinished event

    @property
    def held(self) -> int:
        """Bytes of the unfinished event."""
        return self._weight + len(self._line)

    @property
    def in_event(self) -> bool:
        """Whether a part of an event has arrived, beyond comments."""
        begun = self._data is not None or bool(self._name) or self._weight > self._limit
        return begun or (bool(self._line) and not self._line.startswith(b":"))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held: the next bytes are read as those of a new stream."""
        return not (self._weight or self._line or self._after_cr)

    @property
    def at_an_end(self) -> bool:
        """Whether whatever is sent next can't become a part of an event or comment."""
        return not (self._line or self.in_event)

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Its time depends on the chunk, not on held bytes."""
        if not self._weight and (data := self._lone_event(chunk)) is not None:
            return [Event(b"", data)]
        events: list[Event] = []
        for line in self._lines(chunk):
            if line:
                self._take(line)
            elif self._weight:
                self._end_event(events)
        if self.held > self._limit:
            self._drop()
        return events

    def _lone_event(self, chunk: bytes) -> bytes | None:
        """The data, if `chunk` is one event on one line and nothing is held: nearly always."""
        if not (chunk.startswith(b"data: ") and chunk.endswith(b"\n\n")):
            return None
        if self._line or self._after_cr or len(chunk) > self._limit:
            return None
        return None if b"\r" in chunk or chunk.find(b"\n") != len(chunk) - 2 else chunk[6:-2]

    def close(self) -> list[Event]:
        """The events that the stream's end completes: some servers omit the last blank line."""
        return self.feed(b"\n\n") if self._line or self._weight else []

    def _lines(self, chunk: bytes) -> list[bytes]:
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        lines = chunk.splitlines()  # for bytes: at LF, CR and CRLF, and nowhere else
        self._after_cr = chunk.endswith(b"\r")
        unfinished = b"" if chunk.endswith((b"\n", b"\r")) else lines.pop()
        if lines and self._line:
            self._line += lines[0]
            lines[0] = bytes(self._line)
            self._line.clear()
        self._line += unfinished
        return lines

    def _take(self, line: bytes) -> None:
        self._weight += len(line)
        name, _, value = line.partition(b":")
        field = _FIELDS.get(name)
        if field is None or self._weight > self._limit:
            return
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data = value if self._data is None else self._joined(self._data, value)
        else:
            self._name = value

    def _joined(self, data: bytes | bytearray, value: bytes) -> bytearray:
        """Data of several lines in one buffer, since a million lines would be a million objects."""
        joined = data if isinstance(data, bytearray) else bytearray(data)
        joined += b"\n"
        joined += value
        return joined

    def _end_event(self, events: list[Event]) -> None:
        if self._weight > self._limit:
            self.skipped += 1
        elif self._data is not None:
            events.append(Event(self._name, bytes(self._data)))
        self._name = b""
        self._data = None
        self._weight = 0

    def _drop(self) -> None:
        """Discard an event that is already too large; only its continuation is remembered."""
        self._weight = self._limit + 1
        self._data = None
        del self._line[1:]
