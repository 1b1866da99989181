"""What may be taken from a listing when an answer is judged."""

from typing import NamedTuple

from app.catalog.catalog import NO_OFFERS, Listing, Offers
from app.catalog.providers import is_known, slug_of

Inside = bool | None  # whether something is inside the preferences; None: it can't be told


class Rests(NamedTuple):
    """A listing that something rests on; `fetched_at` in seconds since the epoch."""

    model: str
    fetched_at: float


def sure_slug(listing: Listing | None, name: str) -> str | None:
    """A provider's slug where a listing or the shipped list tells it; a guess judges nobody."""
    endpoints = of_provider(listing, name).endpoints
    if endpoints:
        return endpoints[0].provider
    return slug_of(name) if is_known(name) else None


def of_provider(listing: Listing | None, name: str) -> Offers:
    """What a provider is listed with; nothing where it isn't."""
    return listing.of_provider(name) if listing else NO_OFFERS
