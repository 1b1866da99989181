"""Predicts the endpoints left for each model of a request, and the way out if there are none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...catalog.audits import Audit, Audited
from ...catalog.catalog import Catalog
from ...catalog.endpoint import Endpoint
from ...exact_numbers import exact
from ..as_sent import as_sent
from ..filters import FILTERS, Asked, Passes, Tells, nobody_tells
from ..precision import LADDER
from ..preferences import in_slugs
from ..request import Request
from ..requirements import needs_of
from ..route import Route
from ..sides import Side, sides_of
from ..slug import read_slug
from .funnel import Funnel, funnel
from .relaxation import Relaxation, smallest_relaxation

# The filters that OpenRouter runs before those that no listing shows (openrouter.md §7).
_BEFORE_HIDDEN = frozenset({"regional_surcharge", "service_tier", "only", "ignore"})


@dataclass(frozen=True, slots=True)
class Forecast:
    """One model's funnel; with a way out if it leaves no endpoint."""

    model: str
    asked: Asked
    funnel: Funnel
    relaxation: Relaxation | None
    free_variant: str | None = None  # served instead, if only free endpoints may serve
    audited: Audited | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no endpoint is left to serve."""
        return not self.funnel.survivors

    @property
    def audits(self) -> dict[str, Audit]:
        """The last audits of the endpoints that are left, by tag."""
        known = self.audited.audits if self.audited else ()
        left = {endpoint.tag for endpoint in self.funnel.survivors}
        return {audit.tag: audit for audit in known if audit.tag in left}

    @property
    def way_out(self) -> str | None:
        """The smallest change that helps, for people."""
        free = [f"use {self.free_variant}, which is free"] if self.free_variant else []
        ways = free + ([str(self.relaxation)] if self.relaxation else [])
        return ", or ".join(ways) or None


def forecasts(
    request: Request,
    route: Route,
    preferences: Mapping[str, Any] | None,
    catalog: Catalog,
    *,
    ladder: Mapping[str, float] = LADDER,
    tells: Tells = nobody_tells,
    prompt_tokens: int = 0,
    emptied: Sequence[str] = (),
) -> Iterator[Forecast]:
    """The funnels of a request that is sent with `preferences`, for each model with a listing.

    `emptied` names filters one of which left no endpoint, according to OpenRouter. It is used if
    the request is for one model; with several, OpenRouter doesn't say which model it refers to.
    """
    common = asked_by(request, route, preferences, prompt_tokens=prompt_tokens)
    providers = catalog.providers or common.providers
    names = tuple(dict.fromkeys(route.names_sent(request.models)))
    believed = emptied if len(names) == 1 else ()
    for name in names:
        listing = catalog.listing(name)
        if listing is None:
            continue
        asked = replace(
            common,
            variants=read_slug(name).variants,
            model=catalog.model(name),
            providers=providers,
            ladder=ladder,
            tells=tells,
        )
        found = forecast(name, listing.endpoints, asked, emptied=believed)
        free = _served_for_free(found, catalog)
        yield replace(found, free_variant=free, audited=catalog.audited(name))


def asked_by(
    request: Request,
    route: Route,
    preferences: Mapping[str, Any] | None,
    *,
    prompt_tokens: int = 0,
) -> Asked:
    """The constraints of a request that is sent with `preferences`, for any model."""
    return Asked(
        preferences=preferences or {},
        needs=needs_of(as_sent(request, route), prompt_tokens=prompt_tokens),
        sides=sides_asked(request, route),
        merge=route.merge,
        tiers=route.spelling.tiers,
        set_by=route.set,
    )


def sides_asked(request: Request, route: Route) -> tuple[Side, ...]:
    """The sides of a request: the policy of each model that has one, and the request's own."""
    asked = request.provider
    if asked and route.matched:
        asked = in_slugs(asked, route.spelling)
    return sides_of(route.parts, route.merge, asked)


def forecast(
    model: str, endpoints: tuple[Endpoint, ...], asked: Asked, *, emptied: Sequence[str] = ()
) -> Forecast:
    """One model's forecast; `emptied` as for `forecasts`."""
    if emptied:
        asked = replace(asked, tells=_as_said(asked, endpoints, emptied))
    found = funnel(endpoints, asked)
    way_out = None
    if not found.survivors:
        way_out = smallest_relaxation(endpoints, asked, first=emptied)
    return Forecast(model, asked, found, way_out)


def _as_said(asked: Asked, endpoints: Sequence[Endpoint], emptied: Sequence[str]) -> Tells:
    """Build `tells` from OpenRouter's report that a filter dropped every endpoint that reached it.

    A listing can't show which endpoints OpenRouter's hidden filters removed earlier, so all that
    pass the filters before those count as dropped here.
    """
    before = [each for each in FILTERS if each.name in _BEFORE_HIDDEN]
    came = {
        id(endpoint)
        for endpoint in endpoints
        if not any(each.drops(asked, endpoint, endpoints) for each in before)
    }

    def tells(name: str, endpoint: Endpoint) -> Passes:
        fell = name in emptied and id(endpoint) in came
        return False if fell else asked.tells(name, endpoint)

    return tells


def free_variant(model: str, asked: Asked, catalog: Catalog) -> str | None:
    """A model's free variant, if there is one and prices are capped at zero."""
    name = f"{read_slug(model).name}:free"
    free_only = asked.caps and all(exact(cap) == 0 for cap in asked.caps.values())
    is_listed = name in catalog.models or catalog.listing(name) is not None
    return name if free_only and is_listed and name != model else None


def _served_for_free(found: Forecast, catalog: Catalog) -> str | None:
    """The free variant, if no endpoint of the model is left and one of the free variant's is."""
    name = free_variant(found.model, found.asked, catalog) if found.is_empty else None
    listing = catalog.listing(name) if name else None
    if name is None or listing is None:
        return None
    asked = replace(found.asked, variants=("free",), model=catalog.model(name))
    return name if funnel(listing.endpoints, asked).survivors else None


def audit_as_json(audit: Audit) -> dict[str, Any]:
    """What the last audit of an endpoint says, for machines."""
    return {
        "tag": audit.tag,
        "verdict": audit.verdict,
        "date": audit.date,
        "audit": audit.id,
        "against": audit.against,
        "ratio": audit.ratio,
        "ratio_low": audit.low,
        "ratio_high": audit.high,
    }


def as_json_object(each: Forecast) -> dict[str, Any]:
    """A forecast for machines."""
    return {
        "model": each.model,
        "line": str(each.funnel),
        "endpoints": len(each.funnel.endpoints),
        "survivors": [endpoint.tag for endpoint in each.funnel.survivors],
        "audits": [audit_as_json(audit) for audit in each.audits.values()],
        "steps": [
            {
                "filter": step.filter,
                "left": step.left,
                "unsure": step.unsure,
                "dropped": [
                    {"tag": drop.endpoint.tag, "because": drop.because} for drop in step.dropped
                ],
            }
            for step in each.funnel.steps
        ],
        "relaxation": None
        if each.relaxation is None
        else {
            "changes": list(each.relaxation.texts),
            "lets_through": each.relaxation.endpoint.tag,
        },
        "free_variant": each.free_variant,
    }
