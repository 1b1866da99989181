"""Dry runs, which send nothing: `POST /pointsman/explain`, and `x-pointsman-dry-run: 1`."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from ..budget.accounts import Accounts
from ..budget.report import standing_as_json, standing_of
from ..openrouter.catalog_feed import CatalogFeed
from ..policy.budgets import Budget
from ..policy.forecast.explain import as_json_object, explain
from ..policy.forecast.forecast import asked_by, forecasts, free_variant
from ..policy.known_names import must_be_known
from ..policy.presets import Presets
from ..policy.request import Request, read_request
from ..policy.routed import routed
from ..policy_folder import PolicyFolder
from ..record.audit_feed import AuditFeed
from ..record.conversations import Conversations
from ..record.exchange import Exchange
from ..record.receipt_of import asker_of
from ..record.recorder import Recorder
from ..relay.lookups import Lookups
from ..server.body import Bodies, must_be_json
from ..server.plain import send_json
from ..wire.dialect import Dialect
from ..wire.header_names import header_given
from ..wire.headers import RawHeaders


def _meant(request: Request) -> str:
    """The API that a request without a path is for."""
    return "responses" if "input" in request.fields else "chat"


class Explain:
    """Answers a request with its explanation; no receipt is filed, since nothing was sent."""

    def __init__(
        self,
        *,
        policies: PolicyFolder,
        feed: CatalogFeed,
        lookups: Lookups,
        audits: AuditFeed,
        recorder: Recorder,
        conversations: Conversations,
        accounts: Accounts,
        bodies: Bodies,
    ) -> None:
        self._policies = policies
        self._feed = feed
        self._lookups = lookups
        self._audits = audits
        self._recorder = recorder
        self._conversations = conversations
        self._accounts = accounts
        self._bodies = bodies

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, dialect: Dialect | None = None
    ) -> None:
        """Explain one request body.

        `?caller=` and `?user_agent=` explain it for another caller or client, `?header=name:value`
        for a request with other headers.
        """
        async with self._recorder.exchange(scope, send, dialect, filed=False) as exchange:
            must_be_json(exchange.asked_with)
            body = await self._bodies.read_json(exchange, scope, receive)
            request = read_request(body)
            must_be_known(request.models, self._policies.current, self._feed.current)
            presets = await self._lookups.presets(request, self._policies.current, scope["headers"])
            query = scope["query_string"].decode("latin-1")
            told = parse_qs(query)
            headers = [*map(header_given, told.get("header", ()))] or scope["headers"]
            explained = await self._explained(exchange, request, presets, told, headers)
            exchange.bytes_out = await send_json(send, 200, explained)

    async def _explained(
        self,
        exchange: Exchange,
        request: Request,
        presets: Presets,
        told: Mapping[str, Sequence[str]],
        headers: RawHeaders,
    ) -> dict[str, object]:
        asked = {name: values[-1] for name, values in told.items()}
        book = self._policies.current
        by = routed(
            book,
            request,
            caller=asked.get("caller", exchange.arrival.caller),
            user_agent=asked.get("user_agent", exchange.arrival.user_agent or ""),
            catalog=self._feed.current,
            presets=presets,
            headers=headers,
        )
        route = by.route
        exchange.routed(by)
        turn = self._conversations.turn(exchange, by, self._feed.current)
        on = await self._lookups.carriage(exchange.arrival.dialect, route)
        dialect = exchange.arrival.dialect
        market = await self._lookups.market(by) if route.cap else None
        explained = explain(by, on, turn, market, dialect.name if dialect else _meant(request))
        catalog, ladder = self._feed.current, book.ladder
        asked_of_router = asked_by(by.sent, route, explained.provider)
        for model in route.names_sent(request.models):
            self._feed.want(model)
            free = free_variant(model, asked_of_router, catalog)
            if free is not None:
                self._feed.want(free)
        audits = await self._audits.now()
        catalog = catalog.with_audits(audits)
        found = forecasts(by.sent, route, explained.provider, catalog, ladder=ladder)
        told = as_json_object(explained, book.revision, () if explained.refusal else tuple(found))
        return {**told, "budgets": self._budgets(exchange, route.budgets, asked)}

    def _budgets(
        self, exchange: Exchange, budgets: Sequence[Budget], asked: Mapping[str, str]
    ) -> list[dict[str, object]]:
        """What is spent of the budgets that apply, as far as this process knows."""
        asker, calendar = asker_of(exchange), self._accounts.calendar
        asker = asker._replace(
            caller=asked.get("caller", asker.caller), tool=asked.get("user_agent", asker.tool)
        )
        found = self._accounts.balances(budgets, asker, exchange.arrival.started_at)
        return [standing_as_json(standing_of(each), calendar) for each in found]
