"""Lookups needed before a policy can be applied to a request; nearly always none."""

from ..catalog.catalog import is_fresh
from ..openrouter.catalog_feed import CatalogFeed
from ..openrouter.preset_feed import PresetFeed
from ..policy.book import Book
from ..policy.cap import Market, market_of, models_reached
from ..policy.other_routes import OTHER_ROUTES, Carriage, rows_of
from ..policy.presets import NO_PRESETS, Presets, presets_named
from ..policy.request import Request
from ..policy.route import Route
from ..policy.routed import Routed
from ..server.callers import shown_keys
from ..server.clock import steady
from ..wire.dialect import Dialect
from ..wire.headers import RawHeaders

_PATIENCE_SECONDS = 5.0  # for the model's listing; a batch may take a day


class Lookups:
    """The presets that a request names, and the listing by which its path carries preferences."""

    def __init__(self, feed: CatalogFeed, presets: PresetFeed, key: str | None) -> None:
        """`key` is the operator's; without one, presets are read with the caller's key."""
        self._feed = feed
        self._presets = presets
        self._key = key

    async def presets(self, request: Request, book: Book, headers: RawHeaders) -> Presets:
        """The request's presets by name; none if no rules have to be applied alongside them.

        Raises `MalformedBody` for a name that is not a string.
        """
        named = presets_named(request) if book.rules or book.aliases else ()
        if not named:
            return NO_PRESETS
        key = self._key or next(iter(shown_keys(headers)), b"").decode("latin-1")
        return await self._presets.known(named, key)

    async def market(self, by: Routed) -> Market:
        """The prices by which a capped request is bounded, once they are listed.

        Waits for at most five seconds in all.
        """
        names = models_reached(by)
        until = steady() + _PATIENCE_SECONDS
        for name in names:
            self._feed.want(name)
        for name in names:
            if not is_fresh(self._feed.current.listing(name), steady()):
                await self._feed.known(name, patience=max(until - steady(), 0))
        return market_of(names, self._feed.current, now=steady())

    async def carriage(self, dialect: Dialect | None, route: Route) -> Carriage | None:
        """How this path carries preferences; None if it accepts all, as nearly all paths do."""
        on = OTHER_ROUTES.get(dialect.path) if dialect else None
        if on is None:
            return None
        if not (on.takes_tags and route.matched and route.preferences):
            return Carriage(on)
        self._feed.want(route.model_sent)
        await self._feed.known(route.model_sent, patience=_PATIENCE_SECONDS)
        return Carriage(on, rows_of(self._feed.current.listing(route.model_sent), steady()))
