"""Reads a copy of an answer's bytes as they pass, and reports the facts in them at the end.

Rule 1  An observer can't change, delay or break a stream: `feed` never raises, takes a millisecond
        or two, and the bytes held, read or not, are at most `limit`; those kept, at most `keep`.
Rule 2  Any chunking of the same bytes gives the same observation.
Rule 3  Every event is read, so a provider that is named differently later on is noticed; of one
        that repeats the last one but for a text, only the text (`repeated.py`). If there are too
        many at once, the rest is read by `go_on`, which the caller of `feed` calls between other
        work; if there are too many even for that, the observation reports it.
"""

from copy import copy

from .dialect import Dialect
from .frame import LARGE, Frame, read_frame, read_value
from .kept import SPOKEN, Kept
from .notes import Notes
from .observation import EMPTY_BODY, Observation, text
from .repeated import Repeated, split_at
from .sse import Event, SseParser

__all__ = ["LIMIT", "Observation", "Observer"]

LIMIT = 8_000_000  # an event with a picture in it weighs a few megabytes

# Bytes read at once. Tiny events take 2.5 µs each and blank lines almost nothing, so this takes a
# millisecond or so; 256 kB of tiny events, which arrive in one piece, would take sixty.
_MOST_BYTES, _MOST_LINES = 64_000, 1000
_PIECE = 4096

_FIRST_LOOK = 4  # events: a shorter stream would not repay it
_LOOKS = 8  # at which text the events of a stream repeat; some streams have other events throughout
_ANOTHER = b"x"  # text

_EVENT_STREAM = "text/event-stream"
_BOM = b"\xef\xbb\xbf"
_DONE = b"[DONE]"
_NOT_JSON = "the answer is not JSON"
_EVENT_NOT_JSON = "an event is not JSON"
_PING = "ping"  # Anthropic's keep-alive
_ERROR_EVENTS = frozenset({"error", "response.error"})


class Observer:
    """The observer of one answer: fed its body as sent, closed once, however it ended."""

    __slots__ = (
        *("_body", "_closed", "_dialect", "_kept", "_left", "_limit", "_looks", "_notes"),
        *("_repeated", "_stream"),
    )

    def __init__(
        self,
        dialect: Dialect,
        *,
        content_type: str,
        content_encoding: str = "",
        limit: int = LIMIT,
        keep: int = 0,
    ) -> None:
        """`keep`: how many bytes of what the model says to keep until its defects are known."""
        self._dialect = dialect
        self._limit = limit
        self._notes = Notes(dialect)
        self._closed = False
        self._kept = Kept(dialect.name, keep) if keep and dialect.name in SPOKEN else None
        self._looks = _LOOKS if dialect.name in SPOKEN else 0
        self._repeated: Repeated | None = None
        self._left = bytearray()  # of a stream, what is still to be read
        self._stream: SseParser | None = None
        self._body: bytearray | None = None
        coding = content_encoding.strip().lower()
        if coding not in {"", "identity"}:  # identity is requested; others pass unread
            self._notes.unreadable = f"the answer is compressed ({text(coding)})"
        elif content_type.partition(";")[0].strip().lower() == _EVENT_STREAM:
            self._stream = SseParser(limit)
            self._notes.streamed = True
        else:
            self._body = bytearray()

    @property
    def kept(self) -> Kept | None:
        """What the model said so far, if it is kept; complete after `close`."""
        return self._kept

    @property
    def tokens_started(self) -> bool:
        """True from the first event that contains a token; always False without a stream."""
        return self._notes.tokens_started

    def feed(self, chunk: bytes) -> bool:
        """Read one more piece; returns whether some is left to be read. Never raises."""
        if self._repeated is not None and (said := self._repeated.text_in(chunk)):
            self._notes.events += 1
            if self._kept is not None:
                self._kept.add(said)
        elif self._stream is not None:
            if self._left or _takes_long(chunk):
                self._put_off(self._stream, chunk)
                self.go_on()
                return bool(self._left)
            self._read_on(self._stream, chunk)
        elif self._body is not None:
            self._keep(self._body, chunk)
        return False

    @property
    def behind(self) -> bool:
        """Whether some of the bytes fed have not been read yet."""
        return bool(self._left)

    def go_on(self) -> None:
        """Read some of the remaining bytes, for a millisecond or two. Never raises."""
        size = lines = 0
        while self._left and self._stream is not None and _may_go_on(size, lines):
            piece = bytes(self._left[:_PIECE])
            del self._left[:_PIECE]
            size, lines = size + len(piece), lines + _lines(piece)
            self._read_on(self._stream, piece)

    @property
    def provider_named(self) -> bool:
        """True from the first event that names the provider; always False without a stream."""
        return self._notes.provider_named

    @property
    def events(self) -> int | None:
        """How many events a stream has had, without comments and pings; None if none are read."""
        return None if self._stream is None else self._notes.events

    @property
    def in_event(self) -> bool:
        """Whether the last bytes of a stream belong to an event that is not complete, or not read.

        Comments do not count.
        """
        return bool(self._left) or (self._stream is not None and self._stream.in_event)

    @property
    def at_an_end(self) -> bool:
        """Whether an event could be added to the stream without becoming a part of another one."""
        return self._stream is not None and not self._left and self._stream.at_an_end

    @property
    def so_far(self) -> Observation:
        """The facts observed so far."""
        return self._notes.observation()

    def close(self) -> Observation:
        """All facts observed, also in a truncated answer; further calls return the same.

        Reads all remaining bytes, however many: check `behind` first.
        """
        if self._closed:
            return self._notes.observation()
        self._closed = True
        while self._left:
            self.go_on()
        if self._stream is not None:
            self._close_stream(self._stream)
        elif self._body is not None:
            self._read_body(bytes(self._body))
        self._stream = self._body = None  # large, and an observer may wait for its receipt
        return self._notes.observation()

    def _put_off(self, stream: SseParser, chunk: bytes) -> None:
        if stream.held + len(self._left) + len(chunk) <= self._limit:
            self._left += chunk
            return
        self._notes.pass_over("its events arrived faster than Pointsman could read them")
        self._left.clear()
        self._stream = None

    def _read_on(self, stream: SseParser, piece: bytes) -> None:
        events = stream.feed(piece)
        for event in events:
            self._read(event)
        self._repeated = None
        notes = self._notes
        is_worth_it = self._looks and notes.said and notes.events >= _FIRST_LOOK
        if is_worth_it and len(events) == 1 and stream.is_empty:
            self._looks -= 1
            self._repeated = self._repeated_by(piece)

    def _repeated_by(self, piece: bytes) -> Repeated | None:
        """The event that others may repeat, if this is one event and another text changes nothing.

        Both the event and one with another text are read by an observer that knows what is known
        here: they must say their texts, and nothing else.
        """
        said = self._said_by(piece)
        found = split_at(said, piece) if said else None
        if found is None or self._said_by(found.around(_ANOTHER)) != _ANOTHER:
            return None
        return found

    def _said_by(self, event: bytes) -> bytes | None:
        """The text of an event that tells nothing new beside it; None if there is more."""
        other = Observer(self._dialect, content_type=_EVENT_STREAM, keep=_PIECE)
        notes = other._notes = copy(self._notes)
        other._looks = 0
        other.feed(event)
        notes.events -= 1
        kept = other._kept
        if kept is None or notes != self._notes:
            return None
        text = bytes(kept.text)
        only_text = Kept(kept.dialect, _PIECE - len(text), text=kept.text)
        return text if kept == only_text else None

    def _read(self, event: Event, *, cut: bool = False) -> None:
        frame = read_frame(event.data)
        if frame is not None:
            self._take(frame, event)
        elif event.data.strip() == _DONE:
            self._notes.done = True
        elif not (cut or _is_keep_alive(event.data)):
            self._notes.events += 1
            if b"provider" in event.data:  # perhaps another one
                self._notes.pass_over(_EVENT_NOT_JSON)
            else:
                self._notes.unreadable = _EVENT_NOT_JSON

    def _take(self, frame: Frame, event: Event) -> None:
        notes, wrapper = self._notes, self._dialect.wrapper
        if frame.type != _PING:
            notes.events += 1
        notes.take(frame)
        if self._kept is not None:
            self._kept.take(frame, event.data)
        if not notes.said:
            notes.look_for_tokens(frame)
        if (mark := self._dialect.call_mark) and mark in event.data:
            notes.look_for_calls(frame)
        if wrapper and (wrapped := getattr(frame, wrapper)) and (inner := read_frame(wrapped)):
            notes.take(inner)
            notes.look_for_content(inner)
        kind = frame.type or (event.name and event.name.decode(errors="replace"))
        if not (kind and isinstance(kind, str)):
            return
        if kind in self._dialect.terminators:
            notes.done = True
        elif kind in _ERROR_EVENTS and frame.error is None:  # the event itself is the error
            notes.take_error(read_value(event.data) or kind)

    def _close_stream(self, stream: SseParser) -> None:
        for event in stream.close():
            self._read(event, cut=True)
        if stream.skipped:
            self._notes.pass_over(f"an event is larger than {_megabytes(self._limit)}")

    def _keep(self, body: bytearray, chunk: bytes) -> None:
        if len(body) + len(chunk) > self._limit:
            self._notes.unreadable = f"the answer is larger than {_megabytes(self._limit)}"
            self._body = None
        else:
            body += chunk

    def _read_body(self, body: bytes) -> None:
        frame = read_frame(body.removeprefix(_BOM))
        if frame is not None:
            self._notes.take(frame)
            self._notes.look_for_content(frame)
            self._notes.look_at_choices(frame, large=len(body) > LARGE)
            self._notes.done = True
            if self._kept is not None:
                self._kept.take_body(body)
        else:
            self._notes.unreadable = _NOT_JSON if body.strip() else EMPTY_BODY


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:g} MB"


def _takes_long(chunk: bytes) -> bool:
    size = len(chunk)
    return size > _PIECE and (size > _MOST_BYTES or _lines(chunk) > _MOST_LINES)


def _may_go_on(size: int, lines: int) -> bool:
    return size < _MOST_BYTES and lines < _MOST_LINES


def _lines(piece: bytes) -> int:
    return piece.count(b"\n") + piece.count(b"\r")


def _is_keep_alive(data: bytes) -> bool:
    """Whether it is a comment framed a second time, `data: : OPENROUTER PROCESSING`, or empty."""
    return data.lstrip()[:1] in {b":", b""}
