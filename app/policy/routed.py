"""From a request to its route, with the models that its tools and plugins name (T-57)."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Protocol

import msgspec

from ..catalog.preset import Unusable
from ..catalog.server_tools import ServerTools
from .as_sent import as_sent
from .book import Book
from .carriers import NOTHING, Carried, Doubt, by_routers, carried
from .channels import doubts, told
from .match import NO_MATCHES
from .precision import KnowsModels
from .presets import NO_PRESETS, Presets, fields_of, models_of
from .request import Request, is_given, request_for
from .route import Route
from .slug import read_slug
from .terms import Terms

# The fields by which a service tier is asked for, with the values that ask for none.
_TIERS: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "service_tier": frozenset({b'"auto"', b'"default"', b'"standard_only"'}),
        "speed": frozenset({b'"standard"'}),
    }
)

TermsFor = Callable[[str], Terms]  # how the rules for a model judge its answers


class Routed(msgspec.Struct, frozen=True, gc=False):
    """A request, its route, and what it carries as it will be sent."""

    request: Request  # as it came
    sent: Request  # with fields from presets, and as the route sets and strips
    route: Route
    carried: Carried  # by `sent`
    presets: Presets = NO_PRESETS  # those in force: none where the route strips them
    terms_for: TermsFor | None = None  # if a model other than the one named may answer

    @property
    def server_tools(self) -> bool:
        """Whether OpenRouter's own tools may run: then `provider` in the answer is unsure."""
        return self.route.online or self.carried.server_tools

    @property
    def tiered(self) -> bool:
        """Whether it asks for a service tier, in the model's name or beside it."""
        fields = self.sent.fields
        return any(_asks_for_one(name, fields[name]) for name in _TIERS if name in fields) or any(
            "nitro" in slug.variants or "floor" in slug.variants
            for slug in map(read_slug, self.route.names_sent(self.request.models))
        )

    @property
    def unprovable(self) -> str | None:
        """Why the policy can't be verified for a part of the request, or None."""
        found = doubts(self.sent, self.carried)
        if self.presets:
            unread = (each for each in self.presets.values() if isinstance(each, Unusable))
            found = (*(Doubt(f"preset {each.slug}", each.why) for each in unread), *found)
        return told(found)

    @property
    def inner(self) -> tuple[str, ...]:
        """The models that may be called without the preferences of the request."""
        if self.carried is NOTHING:
            return ()
        return tuple(each.model for each in self.carried.inner if not each.inherits)


class Knows(KnowsModels, Protocol):
    """The part of a catalog that routing needs."""

    @property
    def server_tools(self) -> ServerTools:
        """Where tools run."""
        ...


def routed(
    book: Book,
    request: Request,
    *,
    caller: str | None,
    user_agent: str,
    catalog: Knows,
    presets: Presets = NO_PRESETS,
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> Routed:
    """Route a request: the strictest route of the models it asks for and those it names inside.

    A rule that sets or strips tools or plugins decides which models are inside. `presets` are those
    that the request names; `headers` are the request's.
    """
    route_for = partial(
        book.route_for,
        caller=caller,
        user_agent=user_agent,
        catalog=catalog,
        headers=book.matches_of(headers) if book.names_headers else NO_MATCHES,
    )
    inside = carried(request.fields, catalog.server_tools)
    more: tuple[str, ...] = ()
    brought: dict[str, msgspec.Raw] = {}
    from_presets = NOTHING
    if presets:
        brought, more = fields_of(presets), models_of(request, presets)
        from_presets = carried(brought, catalog.server_tools)
        inside |= from_presets
    found = route_for(request, inner=inside.models + more)
    if "preset" in found.strip:
        presets, brought, from_presets, more = NO_PRESETS, {}, NOTHING, ()
    sent = as_sent(request, found, brought)
    if sent is not request:
        meant = carried(sent.fields, catalog.server_tools) | from_presets
        if meant.models != inside.models:
            found = route_for(request, inner=meant.models + more)
            sent = as_sent(request, found, brought)
        inside = meant
    if found.stands_in:
        inside |= by_routers((*request.models, found.model_sent, *more), inside)
    return Routed(
        request,
        sent,
        found,
        inside,
        presets,
        partial(_terms_for, route_for) if found.stands_in else None,
    )


def _asks_for_one(name: str, raw: msgspec.Raw) -> bool:
    return is_given(raw) and bytes(raw).strip() not in _TIERS[name]


def _terms_for(route_for: Callable[[Request], Route], model: str) -> Terms:
    return route_for(request_for(model)).terms
