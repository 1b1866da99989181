"""What a request's path can carry of its policy, with the listing that may decide the rest."""

from app.openrouter.catalog_feed import CatalogFeed
from app.policy.other_routes import OTHER_ROUTES, Carriage, rows_of
from app.policy.route import Route
from app.server.clock import steady
from app.wire.dialect import Dialect

_PATIENCE_SECONDS = 5.0  # for the model's listing; a batch may take a day


async def carriage_of(dialect: Dialect | None, route: Route, feed: CatalogFeed) -> Carriage | None:
    """How this path carries preferences; None where it accepts all of them, as nearly all do."""
    on = OTHER_ROUTES.get(dialect.path) if dialect else None
    if on is None:
        return None
    if not (on.takes_tags and route.matched and route.preferences):
        return Carriage(on)
    feed.want(route.model_sent)
    await feed.known(route.model_sent, patience=_PATIENCE_SECONDS)
    return Carriage(on, rows_of(feed.current.listing(route.model_sent), steady()))
