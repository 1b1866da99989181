"""Judges whether failed attempts sent the prompt only to providers inside the preferences (T-59).

Every provider that upstream tried has received the prompt, at whichever model of the request it
was tried, so each is judged by the preferences like the one that served.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from ...catalog.catalog import Catalog, is_fresh
from ...catalog.endpoint import Endpoint
from ..terms import Terms
from .cost import within
from .evidence import Inside, Rests, of_provider, sure_slug

_NOT_ALONE = "OpenRouter tried more than one endpoint although fallbacks are off"


class Tried(NamedTuple):
    """A provider that got the prompt and failed, and the models at which it may have been tried."""

    provider: str
    models: tuple[str, ...]


class Attempts(msgspec.Struct, frozen=True, gc=False):
    """What failed attempts prove."""

    outside: str | None = None  # a provider that got the prompt, with no permitted endpoint
    rests_on: Rests | None = None  # if only a listing shows it
    doubt: str | None = None  # why it is unknown whether all of them are inside

    @classmethod
    def of(
        cls, attempted: Sequence[Tried], served: str, terms: Terms, catalog: Catalog, now: float
    ) -> "Attempts":
        """Return what `attempted` proves about an answer from the model `served`."""
        doubt: str | None = None
        for tried in attempted:
            answers = list(_at_each_model(tried, terms, catalog, now))
            if all(answer is False for answer, _ in answers):
                oldest = min((rests for _, rests in answers if rests), key=_age, default=None)
                return cls(tried.provider, oldest)
            if not all(answer for answer, _ in answers):
                doubt = doubt or (
                    f"a failed attempt gave the prompt to {tried.provider}, "
                    "and some of its endpoints may be outside the policy"
                )
            if "allow_fallbacks" in terms.unchecked and tried.models == (served,):
                doubt = doubt or _NOT_ALONE
        return cls(doubt=doubt)


NONE_TRIED = Attempts()


def _at_each_model(
    tried: Tried, terms: Terms, catalog: Catalog, now: float
) -> Iterator[tuple[Inside, Rests | None]]:
    """Whether a provider is inside at each model that it may have been tried at.

    Includes the listing if the result depends on it. The account's own keys may have been
    tried first, so an endpoint that is only out of order proves nothing.
    """
    for model in tried.models:
        listing = catalog.listing(model)
        slug = sure_slug(listing, tried.provider)
        by_name = None if slug is None else terms.allows_provider(slug)
        endpoints = of_provider(listing, tried.provider).endpoints
        if not terms.judged:
            yield True, None
        elif endpoints and listing is not None and is_fresh(listing, now) and by_name is not False:
            yield all_inside(endpoints, terms), Rests(model, listing.fetched_at)
        elif by_name and (terms.caps or not terms.provider_in_order(slug or "")):
            yield None, None
        else:
            yield by_name, None


def _age(rests: Rests) -> float:
    return rests.fetched_at


def all_inside(endpoints: Sequence[Endpoint], terms: Terms) -> Inside:
    """Whether all endpoints are inside, according to their listing; False: none is."""
    filtered = [terms.allows(endpoint) for endpoint in endpoints]
    if all(answer is False for answer in filtered):
        return False
    sure = all(filtered) and all(map(terms.in_order, endpoints))
    affordable = all(within(terms.caps, None, each) for each in endpoints)
    return True if sure and affordable else None
