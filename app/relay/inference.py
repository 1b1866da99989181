"""The whole hot path: one POST to which a policy may apply.

Order matters here. A request that a policy refuses is refused before a socket opens; the answer's
bytes are forwarded unchanged while the observer only reads; the receipt is always filed last.
"""

from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from ..budget.accounts import Accounts
from ..errors import MalformedBody, MissingKey
from ..openrouter.beside import Beside
from ..openrouter.catalog_feed import CatalogFeed
from ..openrouter.client import OpenRouter, Upstream
from ..policy.apply import Outgoing, apply
from ..policy.cap import capped
from ..policy.form import is_form
from ..policy.known_names import must_be_known
from ..policy.request import read_form, read_request
from ..policy.routed import Routed, routed
from ..policy_folder import Policies
from ..record.conversations import Conversations
from ..record.exchange import Exchange
from ..record.receipt_of import asker_of
from ..record.recorder import Recorder
from ..server.body import Bodies, must_be_json
from ..server.callers import shown_keys
from ..server.disconnect import while_caller_stays
from ..server.outlet import OUTLET, Outlet
from ..wire.dialect import Dialect
from ..wire.header_names import NO_NAMES, names_of
from ..wire.headers import Credentials, RawHeaders, to_caller, to_upstream
from .deadlines import Watch
from .lookups import Lookups
from .withhold import Withhold


class Inference:
    """Serves the dialects: policy in, bytes through, receipt out."""

    def __init__(
        self,
        *,
        policies: Policies,
        openrouter: OpenRouter,
        beside: Beside,
        feed: CatalogFeed,
        lookups: Lookups,
        recorder: Recorder,
        conversations: Conversations,
        accounts: Accounts,
        withhold: Withhold,
        bodies: Bodies,
    ) -> None:
        self._policies = policies
        self._openrouter = openrouter
        self._beside = beside
        self._feed = feed
        self._lookups = lookups
        self._recorder = recorder
        self._conversations = conversations
        self._accounts = accounts
        self._withhold = withhold
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send, dialect: Dialect) -> None:
        """Apply the policy to one request, relay the answer and file a receipt."""
        async with self._recorder.exchange(scope, send, dialect) as exchange:
            form = dialect.takes_forms and _form_of(scope["headers"])
            if not form:
                must_be_json(exchange.asked_with)
            must_have_key(scope["headers"], self._openrouter)
            body = await self._held_to_policy(scope, receive, exchange, form or None)
            openrouter = self._beside() if dialect.beside_base else self._openrouter
            staying = while_caller_stays(scope, receive, by_scope=openrouter.cancel_by_scope)
            route = exchange.asked.route
            watch = None
            if route is not None and route.deadlines is not None:
                watch = Watch(route, route.deadlines, exchange, staying)
            with watch or staying:
                upstream = await openrouter.open(
                    "POST",
                    dialect.path,
                    scope["query_string"],
                    self._headers(scope, exchange),
                    body,
                )
                del body  # a stream can last for minutes, and this may weigh a megabyte
                await relay(
                    *(upstream, exchange, scope, send), withhold=self._withhold, watch=watch
                )
            await finish(exchange, send)

    def _headers(self, scope: Scope, exchange: Exchange) -> RawHeaders:
        """The headers to send; they request router metadata if the policy requires evidence."""
        sent, trace = exchange.sent, exchange.arrival.trace
        route = exchange.asked.route
        headers = to_upstream(
            scope["headers"],
            key=self._openrouter.key,
            router_metadata=exchange.asked.is_held and sent is not None and sent.router_metadata,
            trace=trace.headers() if trace else (),
            decoded=True,
            also=self._openrouter.forwarded,
            removed=names_of(route.strip_headers) if route and route.strip_headers else NO_NAMES,
        )
        if self._openrouter.key is None:
            exchange.credentials = Credentials(headers)
        return headers

    async def _held_to_policy(
        self, scope: Scope, receive: Receive, exchange: Exchange, form: bytes | None
    ) -> bytes:
        """The body to send; the decision is recorded in the exchange.

        `form` is the content type of a body that is a form.
        """
        body = await self._bodies.read_json(exchange, scope, receive)
        book = self._policies.current
        exchange.book, exchange.bytes_in = book.revision, len(body)
        request = read_form(body, form) if form else read_request(body)
        must_be_known(request.models, book, self._feed.current)
        presets = await self._lookups.presets(request, book, scope["headers"])
        found = routed(
            book,
            request,
            caller=exchange.arrival.caller,
            user_agent=exchange.arrival.user_agent or "",
            catalog=self._feed.current,
            presets=presets,
            headers=scope["headers"],
        )
        exchange.routed(found)
        for model in (*exchange.asked.models_sent, *found.carried.models):
            self._feed.want(model)
        if "tools" in request.fields:
            self._feed.want_tools()
        on = await self._lookups.carriage(exchange.arrival.dialect, found.route)
        turn = None
        if found.route.affinity != "off":
            turn = self._conversations.turn(exchange, found, self._feed.current)
        outgoing = apply(request, found.route, found.presets, on, turn)
        if found.route.cap is not None:
            outgoing = await self._within_cap(outgoing, found, exchange)
        if found.route.budgets:
            asker = asker_of(exchange)
            moment = exchange.arrival.started_at
            exchange.admitted = self._accounts.admit(found.route.budgets, asker, moment)
        exchange.sending(outgoing)
        self._recorder.note_offer(exchange, found.sent.fields)
        return outgoing.body

    async def _within_cap(self, outgoing: Outgoing, found: Routed, exchange: Exchange) -> Outgoing:
        """The request if it costs no more than its rule allows, its answer limited if need be."""
        market = await self._lookups.market(found)
        dialect = exchange.arrival.dialect
        return capped(outgoing, found, dialect.name if dialect else "", market)[0]


def _form_of(headers: RawHeaders) -> bytes | None:
    """The content type of a body that is a form. Raises `MalformedBody` if two are given."""
    told = [value for name, value in headers if name == b"content-type"]
    if not any(map(is_form, told)):
        return None
    if len(told) > 1:
        raise MalformedBody("the request has two Content-Type headers; send one")
    return told[0]


async def relay(
    upstream: Upstream,
    exchange: Exchange,
    scope: Scope,
    send: Send,
    *,
    withhold: Withhold | None = None,
    watch: Watch | None = None,
) -> None:
    """Forward status, headers and body unchanged, each piece as soon as it arrives.

    If the server has an outlet, the body is poured into it; only the last piece is a message.
    """
    outlet: Outlet | None = scope.get("extensions", {}).get(OUTLET)
    try:
        head = to_caller(upstream.headers, upstream.status)
        answer = exchange.begin_answer(upstream.status, head)
        chunks = upstream.chunks() if watch is None else watch.following(upstream)
        withheld: tuple[bytes, ...] = ()
        if withhold is not None:
            head, withheld = await withhold.begin(exchange, head, chunks)
        head += exchange.headers()
        exchange.head_sent = True
        await send({"type": "http.response.start", "status": upstream.status, "headers": head})
        for chunk in withheld:
            await pass_on(chunk, exchange, send)
        if outlet is not None:
            if watch is not None and withheld:
                watch.taken(withheld[-1])  # `chunks` would note it only with the next piece
            await upstream.pour(Pouring(exchange, outlet, watch))
        async for chunk in chunks:
            answer.saw(chunk)
            await pass_on(chunk, exchange, send)
    finally:
        await upstream.aclose()


def pass_on(chunk: bytes, exchange: Exchange, send: Send) -> Awaitable[None]:
    """Pass one piece of the body to the server, unchanged."""
    exchange.bytes_out += len(chunk)
    return send({"type": "http.response.body", "body": chunk, "more_body": True})


class Pouring:
    """The `Sink` of one answer: what is done with each piece is the same as in `relay`."""

    __slots__ = ("_answer", "_exchange", "_outlet", "_watch")

    def __init__(self, exchange: Exchange, outlet: Outlet, watch: Watch | None) -> None:
        self._exchange = exchange
        self._answer = exchange.answer
        self._outlet = outlet
        self._watch = watch

    def take(self, piece: bytes) -> bool:
        """As `Sink` says: have the observer read a piece, and send it."""
        self._answer.saw(piece)
        self._exchange.bytes_out += len(piece)
        more = self._outlet.put(piece)
        if self._watch is not None:
            self._watch.taken(piece)
        return more

    def has_room(self, again: Callable[[], object]) -> bool:
        """As `Sink` says: a piece waits for the client to read those before it."""
        free = self._outlet.has_room(again)
        if not free and self._watch is not None:
            self._watch.arrived()
        return free


async def finish(exchange: Exchange, send: Send) -> None:
    """Signal the end of the answer to the server; without it, the caller sees a broken answer."""
    exchange.complete = True
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def must_have_key(headers: RawHeaders, openrouter: OpenRouter) -> None:
    """Raise `MissingKey` if neither Pointsman nor the caller has a key for upstream."""
    if openrouter.key is None and not shown_keys(headers):
        raise MissingKey(
            "no key for OpenRouter: set OPENROUTER_API_KEY where Pointsman runs, "
            "or send yours as 'Authorization: Bearer sk-or-...'"
        )
