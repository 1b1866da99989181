"""One request and its answer, as values: its arrival, the request as asked and sent, the answer.

Each value is set once, in the order of processing; when the exchange has ended, a receipt is made
of all of them.
"""

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import replace

from ..budget.accounts import Admitted
from ..catalog.catalog import Catalog
from ..policy.apply import Outgoing
from ..policy.asked_for import NOTHING, AskedFor, asked_for
from ..policy.request import Request
from ..policy.route import Route
from ..policy.routed import Routed, TermsFor
from ..policy.sessions import Session, session_of
from ..policy.slices import Fields
from ..server.body import Held
from ..server.clock import steady
from ..telemetry.trace_context import Trace
from ..wire.dialect import Dialect
from ..wire.headers import Credentials, RawHeaders
from ..wire.kept import MOST_KEPT
from ..wire.observer import Observer
from ..wording import some_names

_NOTHING: Mapping[bytes, bytes] = MappingProxyType({})
_NOT_READ_FIELDS: Fields = MappingProxyType({})
_LONGEST_HEADER = 256
_UNSAFE = re.compile(rb"[^ -~]")  # in a header
_FIRST_ERROR_STATUS = 400


class Arrival(msgspec.Struct, frozen=True):
    """A request as it arrived: everything known before its body is read."""

    id: str
    path: str
    dialect: Dialect | None
    caller: str | None = None
    user_agent: str | None = None  # the client tool, as it names itself
    trace: Trace | None = None  # None: traces are off
    filed: bool = True  # whether a receipt will be left
    audit: str | None = None  # the audit that sends it; only the process of an audit sets it
    started_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    since: float = msgspec.field(default_factory=steady)  # the same moment, for what came first
    began: float = msgspec.field(default_factory=time.perf_counter)

    def milliseconds_to(self, moment: float | None) -> float | None:
        """Milliseconds from the request's arrival to `moment`; None when it never came."""
        return None if moment is None else round((moment - self.began) * 1000, 3)


class Asked(msgspec.Struct, frozen=True):
    """What a request asks for, and how the policies apply to it."""

    model: str | None = None
    streamed: bool = False
    session: Session | None = None  # as the tool names it, or guessed
    route: Route | None = None
    is_held: bool = False  # whether a policy applies to it
    models_sent: tuple[str, ...] = ()  # all requested models, under upstream's names
    server_tools: bool = False
    tiered: bool = False  # whether a service tier is asked for
    unprovable: str | None = None  # the part for which compliance with a policy can't be proven
    inner: tuple[str, ...] = ()  # models called inside, perhaps without its preferences
    terms_for: TermsFor | None = None  # if another model than the one named may answer
    wants: AskedFor = NOTHING  # how long an answer, with what tools, in what format


class Answer(msgspec.Struct, eq=False):
    """Upstream's answer: its head, and the part of its body observed so far."""

    status: int = 0
    cache_status: str | None = None
    generation_id: str | None = None  # as its headers say
    observer: Observer | None = None
    when_behind: "Callable[[Answer], None] | None" = None  # has the observer read on
    first_byte: float | None = None
    first_token: float | None = None

    def saw(self, chunk: bytes) -> None:
        """Note a piece of the body that has arrived."""
        if self.first_byte is None:
            self.first_byte = time.perf_counter()
        if self.observer is not None:
            behind = self.observer.feed(chunk)
            if self.first_token is None and self.observer.tokens_started:
                self.first_token = time.perf_counter()
            if behind and self.when_behind is not None:
                self.when_behind(self)

    @property
    def behind(self) -> bool:
        """Whether part of the body has been passed on but not yet read."""
        return self.observer is not None and self.observer.behind

    def read_on(self) -> None:
        """Read part of the bytes already passed on, for a millisecond or two."""
        if self.observer is not None:
            self.observer.go_on()
            if self.first_token is None and self.observer.tokens_started:
                self.first_token = time.perf_counter()


NOT_READ = Asked()  # yet, or what can't be read

# A session by a body's fields, the dialect and the caller, if the request names none.
Guess = Callable[[Fields, str, str | None], Session | None]


class Exchange(msgspec.Struct, eq=False):
    """A request in progress, with the values known so far."""

    arrival: Arrival
    asked_with: Mapping[bytes, bytes] = _NOTHING  # the request's headers by name
    when_behind: Callable[[Answer], None] | None = None
    guess: Guess | None = None  # None: sessions are not guessed
    held: Held | None = None  # the body, as long as it takes up memory
    bytes_in: int = 0
    book: str | None = None
    request: Request | None = None  # as it is sent; let go of once it is being answered
    asked: Asked = NOT_READ
    sent: Outgoing | None = None  # without its body
    offered: Mapping[str, bytes] | None = None  # what an answer can fall short of
    answer: Answer = msgspec.field(default_factory=Answer)
    admitted: Admitted = ()  # under the budgets of its rules, until its cost is known
    credentials: Credentials | None = None  # a client's, as sent; None: the operator's key was

    status: int | None = None  # as the caller sees it
    head_sent: bool = False
    bytes_out: int = 0
    complete: bool = False
    explanation: Mapping[str, Any] | None = None  # of a routing error, as it was passed on
    error: Exception | None = None
    ended: float | None = None

    @property
    def streaming(self) -> bool:
        """Whether a streamed answer has begun."""
        return self.answer.observer is not None and self.asked.streamed

    def routed(self, routed: Routed) -> None:
        """Record what the request asks for and how the book applies to it."""
        request, route, self.request = routed.request, routed.route, routed.sent
        self.asked = Asked(
            model=request.model,
            streamed=request.streamed,
            session=self._session(routed.sent.fields),
            route=route,
            is_held=route.matched,
            models_sent=route.names_sent(request.models),
            server_tools=routed.server_tools,
            tiered=routed.tiered,
            unprovable=routed.unprovable,
            inner=routed.inner,
            terms_for=routed.terms_for,
            wants=asked_for(routed.sent.fields),
        )

    def _session(self, fields: Fields) -> Session | None:
        named = session_of(fields, self.asked_with)
        dialect = self.arrival.dialect
        if named is not None or self.guess is None or dialect is None:
            return named
        return self.guess(fields, dialect.name, self.arrival.caller)

    def note_session(self) -> None:
        """Record the session that the headers name, if nothing is known of the body."""
        if self.asked is NOT_READ:
            self.asked = Asked(session=session_of(_NOT_READ_FIELDS, self.asked_with))

    def sending(self, outgoing: Outgoing) -> None:
        """Record what is sent, without its body, which may be larger than everything else here."""
        self.sent = replace(outgoing, body=b"")

    def answering(self, catalog: Catalog) -> str:
        """The model whose listing is needed: the requested one, or the one that answers for it."""
        asked, observer = self.asked, self.answer.observer
        told = observer.so_far.model if asked.terms_for and observer else None
        return asked.models_sent[0] if told is None else catalog.own_name(told)

    def headers(self) -> RawHeaders:
        """Pointsman's own headers on the answer: receipt, rules and book."""
        ours = [(b"x-pointsman-receipt", self.arrival.id.encode())] if self.arrival.filed else []
        route = self.asked.route
        if route is not None and route.rules:
            ours.append((b"x-pointsman-rule", _header_safe(some_names(route.rules))))
        if self.book is not None:
            ours.append((b"x-pointsman-book", self.book.encode()))
        return ours

    def begin_answer(self, status: int, headers: RawHeaders) -> Answer:
        """Record the head of upstream's answer and begin to observe its body.

        `headers` as `to_caller` returns them, with names in lower case. A stream can last for
        minutes, so the request is released here unless it may be needed to explain an error.
        """
        named = dict(headers)
        self.status = status
        if status < _FIRST_ERROR_STATUS:
            self.note_session()
            self.request, self.asked_with = None, _NOTHING
            self.give_back()
        dialect, observer = self.arrival.dialect, None
        if dialect is not None:
            observer = Observer(
                dialect,
                content_type=named.get(b"content-type", b"").decode("latin-1"),
                content_encoding=named.get(b"content-encoding", b"").decode("latin-1"),
                keep=MOST_KEPT if self.offered is not None and status < _FIRST_ERROR_STATUS else 0,
            )
        self.answer = Answer(
            status,
            text_of(named.get(b"x-openrouter-cache-status")),
            text_of(named.get(b"x-generation-id")),
            observer,
            self.when_behind,
        )
        return self.answer

    def give_back(self) -> None:
        """Record that the request's body no longer uses memory."""
        held, self.held = self.held, None
        if held is not None:
            held.give_back()


def _header_safe(text: str) -> bytes:
    return _UNSAFE.sub(b"?", text.encode("ascii", "replace"))


def text_of(value: bytes | None) -> str | None:
    """A header's value in a form that is safe to record."""
    return None if value is None else value.decode("latin-1")[:_LONGEST_HEADER]
