"""The hot path, all of it: one POST that a policy may hold.

Order matters here. Whatever a policy refuses is refused before a socket opens; the answer's bytes
go on as they came while the observer only looks; the receipt is filed last, whatever happened.
"""

from collections.abc import Awaitable

from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from app.errors import MalformedBody, MissingKey
from app.openrouter.beside import Beside
from app.openrouter.catalog_feed import CatalogFeed
from app.openrouter.client import OpenRouter, Upstream
from app.policy.apply import apply
from app.policy.form import is_form
from app.policy.request import read_form, read_request
from app.policy.routed import routed
from app.policy_folder import PolicyFolder
from app.record.exchange import Exchange
from app.record.recorder import Records
from app.relay.carriage import carriage_of
from app.relay.holding import Holding
from app.relay.presets import PresetsInRequests
from app.server.body import Bodies, must_be_json
from app.server.callers import shown_keys
from app.server.disconnect import while_caller_stays
from app.wire.dialect import Dialect
from app.wire.headers import RawHeaders, to_caller, to_upstream


class Inference:
    """Serves the dialects: policy in, bytes through, receipt out."""

    def __init__(
        self,
        *,
        policies: PolicyFolder,
        openrouter: OpenRouter,
        beside: Beside,
        feed: CatalogFeed,
        presets: PresetsInRequests,
        records: Records,
        holding: Holding,
        key: SecretStr | None,
        bodies: Bodies,
    ) -> None:
        self._policies = policies
        self._openrouter = openrouter
        self._beside = beside
        self._feed = feed
        self._presets = presets
        self._records = records
        self._holding = holding
        self._key = key.get_secret_value() if key else None
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send, dialect: Dialect) -> None:
        """Hold one request to its policy, relay the answer, leave a receipt."""
        async with self._records.exchange(scope, send, dialect) as exchange:
            form = dialect.takes_forms and _form_of(scope["headers"])
            if not form:
                must_be_json(exchange.asked_with)
            must_have_key(scope["headers"], self._key)
            body = await self._held_to_policy(scope, receive, exchange, form or None)
            openrouter = self._beside() if dialect.beside_base else self._openrouter
            with while_caller_stays(scope, receive, by_scope=openrouter.cancel_by_scope):
                upstream = await openrouter.open(
                    "POST",
                    dialect.path,
                    scope["query_string"],
                    self._headers(scope, exchange),
                    body,
                )
                del body  # a stream can last for minutes, and this may weigh a megabyte
                await relay(upstream, exchange, send, self._holding)
            await finish(exchange, send)

    def _headers(self, scope: Scope, exchange: Exchange) -> RawHeaders:
        """Router metadata is asked for where a policy has something to prove."""
        held = exchange.route is not None and exchange.route.matched
        wanted = held and exchange.outgoing is not None and exchange.outgoing.router_metadata
        return to_upstream(
            scope["headers"],
            key=self._key,
            router_metadata=wanted,
            trace=exchange.trace.headers() if exchange.trace else (),
            decoded=True,
        )

    async def _held_to_policy(
        self, scope: Scope, receive: Receive, exchange: Exchange, form: bytes | None
    ) -> bytes:
        """The body to send; what was decided stands in the exchange.

        `form` is the content type of a body that is a form.
        """
        body = await self._bodies.read_json(exchange, scope, receive)
        book = self._policies.current
        exchange.book, exchange.bytes_in = book.revision, len(body)
        request = read_form(body, form) if form else read_request(body)
        presets = await self._presets.of(request, book, scope["headers"])
        found = routed(
            book,
            request,
            caller=exchange.caller,
            user_agent=exchange.user_agent or "",
            catalog=self._feed.current,
            presets=presets,
        )
        exchange.routed(found)
        for model in (*exchange.models_sent, *found.carried.models):
            self._feed.want(model)
        if "tools" in request.fields:
            self._feed.want_tools()
        on = await carriage_of(exchange.dialect, found.route, self._feed)
        exchange.outgoing = outgoing = apply(request, found.route, found.presets, on)
        return outgoing.body


def _form_of(headers: RawHeaders) -> bytes | None:
    """The content type of a body that is a form. Raises `MalformedBody` where two are given."""
    told = [value for name, value in headers if name == b"content-type"]
    if not any(map(is_form, told)):
        return None
    if len(told) > 1:
        raise MalformedBody("the request has two Content-Type headers; send one")
    return told[0]


async def relay(
    upstream: Upstream, exchange: Exchange, send: Send, holding: Holding | None = None
) -> None:
    """Pass status, headers and body on as they came, each piece as soon as it is here."""
    try:
        head = to_caller(upstream.headers, upstream.status)
        exchange.begin_answer(upstream.status, head)
        chunks = upstream.chunks()
        held: tuple[bytes, ...] = ()
        if holding is not None:
            head, held = await holding.begin(exchange, head, chunks)
        head += exchange.headers()
        exchange.head_sent = True
        await send({"type": "http.response.start", "status": upstream.status, "headers": head})
        for chunk in held:
            await pass_on(chunk, exchange, send)
        async for chunk in chunks:
            exchange.saw(chunk)
            await pass_on(chunk, exchange, send)
    finally:
        await upstream.aclose()


def pass_on(chunk: bytes, exchange: Exchange, send: Send) -> Awaitable[None]:
    """Hand one piece of the body to the server, as it came."""
    exchange.bytes_out += len(chunk)
    return send({"type": "http.response.body", "body": chunk, "more_body": True})


async def finish(exchange: Exchange, send: Send) -> None:
    """Tell the server that the answer is complete; without it, the caller sees it broken off."""
    exchange.complete = True
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def must_have_key(headers: RawHeaders, key: str | None) -> None:
    """Raise `MissingKey` where neither we nor the caller have one for upstream."""
    if key is None and not shown_keys(headers):
        raise MissingKey(
            "no key for OpenRouter: set OPENROUTER_API_KEY where Pointsman runs, "
            "or send yours as 'Authorization: Bearer sk-or-...'"
        )
