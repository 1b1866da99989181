"""Upstream's routing 404s, with the policy's part in them told to the caller."""

from collections.abc import AsyncIterator

from app.openrouter.catalog_feed import CatalogFeed
from app.policy.filters import Asked
from app.policy.forecast.explained_error import explained
from app.policy.forecast.forecast import asked_by, forecasts, free_variant
from app.policy.forecast.routing_refusal import read_refusal
from app.policy_folder import PolicyFolder
from app.record.exchange import Exchange
from app.wire.headers import RawHeaders

_NOT_FOUND = 404
_PATIENCE_SECONDS = 1.0  # for the model's listing; an error can wait for its explanation
_LARGEST = 1_000_000  # bytes; such an error has some hundreds


class RoutingErrors:
    """Reads such an answer whole and lengthens its message; everything else it leaves alone."""

    def __init__(self, policies: PolicyFolder, feed: CatalogFeed, *, enabled: bool) -> None:
        self._policies = policies
        self._feed = feed
        self._enabled = enabled

    def concern(self, exchange: Exchange, head: RawHeaders) -> bool:
        """Whether this answer is one that may be explained."""
        if not self._enabled or exchange.upstream_status != _NOT_FOUND:
            return False
        held = exchange.route is not None and exchange.route.matched
        return held and dict(head).get(b"content-encoding", b"identity") == b"identity"

    async def explain(
        self, exchange: Exchange, head: RawHeaders, chunks: AsyncIterator[bytes]
    ) -> tuple[RawHeaders, tuple[bytes, ...]]:
        """The head and the body to send: as they came, or with a longer message."""
        request, route, outgoing = exchange.request, exchange.route, exchange.outgoing
        if request is None or route is None or outgoing is None:
            return head, ()
        pieces: list[bytes] = []
        size = 0
        async for chunk in chunks:
            exchange.saw(chunk)
            pieces.append(chunk)
            size += len(chunk)
            if size > _LARGEST:
                return head, tuple(pieces)
        body = b"".join(pieces)
        refusal = read_refusal(body)
        sent = outgoing.preferences
        if refusal is None or not sent:
            return head, (body,)
        asked = asked_by(request, route, sent)
        await self._know(exchange.models_sent[0], asked)
        ladder, catalog = self._policies.current.ladder, self._feed.current
        emptied = refusal.filters
        found = forecasts(request, route, sent, catalog, ladder=ladder, emptied=emptied)
        told = explained(refusal, asked, tuple(found))
        rest = [(name, value) for name, value in head if name != b"content-length"]
        return [*rest, (b"content-length", b"%d" % len(told))], (told,)

    async def _know(self, model: str, asked: Asked) -> None:
        """Wait for the model's listing, and for that of its free variant where it may be told."""
        await self._feed.known(model, patience=_PATIENCE_SECONDS)
        free = free_variant(model, asked, self._feed.current)
        if free is not None:
            self._feed.want(free)
            await self._feed.known(free, patience=_PATIENCE_SECONDS)
