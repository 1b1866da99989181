"""One request and its answer, as noted on the way; it becomes a receipt when it has ended."""

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from app.api.body import Held
from app.api.steady import steady
from app.policy.apply import Outgoing
from app.policy.request import Request
from app.policy.route import Route
from app.telemetry.trace_context import Trace
from app.wire.dialect import Dialect
from app.wire.headers import RawHeaders
from app.wire.observer import Observer

_NOTHING: Mapping[bytes, bytes] = MappingProxyType({})
_LONGEST_HEADER = 256
_FIRST_ERROR_STATUS = 400


class Exchange(msgspec.Struct):
    """What is known so far; each field is filled in once, in the order of the request's way."""

    id: str
    path: str
    dialect: Dialect | None
    caller: str | None
    user_agent: str | None  # which tool is asking, by its own word
    asked_with: Mapping[bytes, bytes]  # the caller's headers by name
    session: str | None = None  # what the caller groups its requests by: its body's word goes first
    trace: Trace | None = None  # None: nobody traces
    book: str | None = None
    started_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    since: float = msgspec.field(default_factory=steady)  # the same moment, for what came first
    began: float = msgspec.field(default_factory=time.perf_counter)

    filed: bool = True  # whether a receipt will be left
    bytes_in: int = 0
    request: Request | None = None  # let go of once it is being answered
    model_asked: str | None = None
    streamed: bool = False
    server_tools: bool = False
    route: Route | None = None
    models_sent: tuple[str, ...] = ()  # all that were asked for, as upstream knows them
    outgoing: Outgoing | None = None
    held: Held | None = None  # the body, as long as it takes up memory

    status: int | None = None  # as the caller sees it
    upstream_status: int | None = None
    head_sent: bool = False
    observer: Observer | None = None
    cache_status: str | None = None
    header_generation_id: str | None = None
    first_byte: float | None = None
    first_token: float | None = None
    bytes_out: int = 0

    complete: bool = False
    ended: float | None = None
    error: Exception | None = None

    @property
    def streaming(self) -> bool:
        """Whether a streamed answer has begun."""
        return self.observer is not None and self.streamed

    def routed(self, request: Request, route: Route) -> None:
        """Note what is asked for, and what the book says of it."""
        self.request, self.route = request, route
        self.model_asked, self.streamed = request.model, request.streamed
        self.server_tools = request.server_tools
        self.session = request.session or self.session
        self.models_sent = route.names_sent(request.models)

    def headers(self) -> RawHeaders:
        """The headers of ours on the answer: which receipt, which rules, which book."""
        ours = [(b"x-pointsman-receipt", self.id.encode())] if self.filed else []
        if self.route is not None and self.route.rules:
            ours.append((b"x-pointsman-rule", _header_safe(", ".join(self.route.rules))))
        if self.book is not None:
            ours.append((b"x-pointsman-book", self.book.encode()))
        return ours

    def begin_answer(self, status: int, headers: RawHeaders) -> None:
        """Note the head of upstream's answer and take a seat to watch its body.

        `headers` as `to_caller` leaves them: their names in lower case.
        """
        named = dict(headers)
        self.status = self.upstream_status = status
        if status < _FIRST_ERROR_STATUS:
            self._let_go_of_the_body()
        self.cache_status = text_of(named.get(b"x-openrouter-cache-status"))
        self.header_generation_id = text_of(named.get(b"x-generation-id"))
        if self.dialect is not None:
            self.observer = Observer(
                self.dialect,
                content_type=named.get(b"content-type", b"").decode("latin-1"),
                content_encoding=named.get(b"content-encoding", b"").decode("latin-1"),
            )

    def _let_go_of_the_body(self) -> None:
        """A stream can last for minutes, and what was asked may weigh more than all else here."""
        self.request, self.asked_with = None, _NOTHING
        self.give_back()
        if self.outgoing is not None:
            self.outgoing = replace(self.outgoing, body=b"")

    def give_back(self) -> None:
        """Note that the request's body takes up no more memory."""
        if self.held is not None:
            self.held.give_back()

    def saw(self, chunk: bytes) -> None:
        """Note a piece of the answer's body that has arrived."""
        if self.first_byte is None:
            self.first_byte = time.perf_counter()
        if self.observer is not None:
            self.observer.feed(chunk)
            if self.first_token is None and self.observer.tokens_started:
                self.first_token = time.perf_counter()

    def milliseconds_to(self, moment: float | None) -> float | None:
        """Milliseconds from the request's arrival to `moment`; None when it never came."""
        return None if moment is None else round((moment - self.began) * 1000, 3)


def session_digest(session: str | None) -> str | None:
    """A session key as it may be kept: enough to tell two apart, not enough to read one."""
    return (
        None
        if session is None
        else hashlib.sha256(session.encode(errors="surrogatepass")).hexdigest()[:16]
    )


def _header_safe(text: str) -> bytes:
    return text.encode("ascii", "replace")


def text_of(value: bytes | None) -> str | None:
    """A header's value as a record can bear it."""
    return None if value is None else value.decode("latin-1")[:_LONGEST_HEADER]
