"""The facts from a listing that may be used to judge an answer."""

from typing import NamedTuple

from ...catalog.catalog import NO_OFFERS, Listing, Offers
from ...catalog.providers import is_known, slug_of

Inside = bool | None  # whether something is inside the preferences; None: unknown


class Rests(NamedTuple):
    """The listing that a result depends on; `fetched_at` in seconds since the epoch."""

    model: str
    fetched_at: float


def sure_slug(listing: Listing | None, name: str) -> str | None:
    """A provider's slug from a listing or the shipped list, else None: guesses aren't evidence."""
    endpoints = of_provider(listing, name).endpoints
    if endpoints:
        return endpoints[0].provider
    return slug_of(name) if is_known(name) else None


def of_provider(listing: Listing | None, name: str) -> Offers:
    """A provider's listed endpoints; empty if it has none."""
    return listing.of_provider(name) if listing else NO_OFFERS
