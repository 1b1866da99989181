"""What would be sent, and nothing is: `POST /pointsman/explain`, and `x-pointsman-dry-run: 1`."""

from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from app.api.body import must_be_json, read_json
from app.api.exchange import Exchange
from app.api.plain_replies import send_json
from app.api.records import Records
from app.openrouter.catalog_feed import CatalogFeed
from app.policy.explain import as_json_object, explain
from app.policy.forecast import asked_by, forecasts, free_variant
from app.policy.request import read_request
from app.policy.routed import routed
from app.policy_folder import PolicyFolder
from app.wire.dialect import Dialect

DRY_RUN = (b"x-pointsman-dry-run", b"1")


class Explain:
    """Answers a request with its explanation; no receipt is left, since nothing was asked."""

    def __init__(
        self, *, policies: PolicyFolder, feed: CatalogFeed, records: Records, body_limit: int
    ) -> None:
        self._policies = policies
        self._feed = feed
        self._records = records
        self._body_limit = body_limit

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, dialect: Dialect | None = None
    ) -> None:
        """Explain one request body.

        `?caller=` and `?user_agent=` ask on behalf of somebody else than who is asking.
        """
        async with self._records.exchange(scope, send, dialect, filed=False) as exchange:
            must_be_json(exchange.asked_with)
            body = await read_json(exchange.asked_with, receive, self._body_limit)
            explained = self._explained(exchange, body, scope["query_string"].decode("latin-1"))
            exchange.bytes_out = await send_json(send, 200, explained)

    def _explained(self, exchange: Exchange, body: bytes, query: str) -> dict[str, object]:
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        book = self._policies.current
        request = read_request(body)
        route = routed(
            book,
            request,
            caller=asked.get("caller", exchange.caller),
            user_agent=asked.get("user_agent", exchange.user_agent or ""),
            catalog=self._feed.current,
        ).route
        explained = explain(request, route)
        catalog, ladder = self._feed.current, book.ladder
        asked_of_router = asked_by(request, route, explained.provider)
        for model in route.names_sent(request.models):
            self._feed.want(model)
            free = free_variant(model, asked_of_router, catalog)
            if free is not None:
                self._feed.want(free)
        found = forecasts(request, route, explained.provider, catalog, ladder=ladder)
        return as_json_object(explained, book.revision, () if explained.refusal else tuple(found))
