"""One request and its answer, as noted on the way; it becomes a receipt when it has ended."""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from app.catalog.catalog import Catalog
from app.policy.apply import Outgoing
from app.policy.request import Request
from app.policy.route import Route
from app.policy.routed import Routed, TermsFor
from app.server.body import Held
from app.server.clock import steady
from app.telemetry.trace_context import Trace
from app.wire.dialect import Dialect
from app.wire.headers import RawHeaders
from app.wire.observer import Observer
from app.wording import some_names

_NOTHING: Mapping[bytes, bytes] = MappingProxyType({})
_LONGEST_HEADER = 256
_UNSAFE = re.compile(rb"[^ -~]")  # in a header
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
    request: Request | None = None  # as it is sent; let go of once it is being answered
    model_asked: str | None = None
    streamed: bool = False
    server_tools: bool = False
    tiered: bool = False  # whether a service tier is asked for
    unprovable: str | None = None  # what it carries of which no policy can be shown to hold
    inner: tuple[str, ...] = ()  # models called inside, perhaps without its preferences
    terms_for: TermsFor | None = None  # where another model than the one named may answer
    route: Route | None = None
    models_sent: tuple[str, ...] = ()  # all that were asked for, as upstream knows them
    outgoing: Outgoing | None = None
    held: Held | None = None  # the body, as long as it takes up memory

    status: int | None = None  # as the caller sees it
    upstream_status: int | None = None
    head_sent: bool = False
    observer: Observer | None = None
    when_behind: "Callable[[Exchange], None] | None" = None  # has the observer read on
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

    def routed(self, routed: Routed) -> None:
        """Note what is asked for, and what the book says of it."""
        self.request, self.route = routed.sent, routed.route
        self.model_asked, self.streamed = routed.request.model, routed.request.streamed
        self.server_tools, self.unprovable = routed.server_tools, routed.unprovable
        self.tiered = routed.tiered
        self.inner, self.terms_for = routed.inner, routed.terms_for
        self.session = routed.sent.session or self.session
        self.models_sent = routed.route.names_sent(routed.request.models)

    def answering(self, catalog: Catalog) -> str:
        """The model whose listing is wanted: the one asked for, or the one that answers for it."""
        told = self.observer.so_far.model if self.terms_for and self.observer else None
        return self.models_sent[0] if told is None else catalog.own_name(told)

    def headers(self) -> RawHeaders:
        """The headers of ours on the answer: which receipt, which rules, which book."""
        ours = [(b"x-pointsman-receipt", self.id.encode())] if self.filed else []
        if self.route is not None and self.route.rules:
            ours.append((b"x-pointsman-rule", _header_safe(some_names(self.route.rules))))
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
            self._look_for_token(self.observer)
            if self.when_behind is not None and self.observer.behind:
                self.when_behind(self)

    @property
    def behind(self) -> bool:
        """Whether some of the answer has been passed on and is still to be read."""
        return self.observer is not None and self.observer.behind

    def read_on(self) -> None:
        """Read some of what has been passed on already, for a millisecond or two."""
        if self.observer is not None:
            self.observer.go_on()
            self._look_for_token(self.observer)

    def _look_for_token(self, observer: Observer) -> None:
        if self.first_token is None and observer.tokens_started:
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
    return _UNSAFE.sub(b"?", text.encode("ascii", "replace"))


def text_of(value: bytes | None) -> str | None:
    """A header's value as a record can bear it."""
    return None if value is None else value.decode("latin-1")[:_LONGEST_HEADER]
