"""What the router will leave of each model that a request may get, and the way out of nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.catalog.catalog import Catalog
from app.catalog.endpoint import Endpoint
from app.policy.filters import Asked, Tells, nobody_tells
from app.policy.funnel import Funnel, funnel
from app.policy.needs import needs_of
from app.policy.precision import LADDER
from app.policy.relaxation import Relaxation, smallest_relaxation
from app.policy.request import Request
from app.policy.route import Route
from app.policy.rule import Clause, named
from app.policy.slug import read_slug


@dataclass(frozen=True, slots=True)
class Forecast:
    """One model's funnel; with a way out where it leaves nobody."""

    model: str
    asked: Asked
    funnel: Funnel
    relaxation: Relaxation | None

    @property
    def is_empty(self) -> bool:
        """Whether nobody is left to serve."""
        return not self.funnel.survivors


def forecasts(
    request: Request,
    route: Route,
    preferences: Mapping[str, Any] | None,
    catalog: Catalog,
    *,
    ladder: Mapping[str, float] = LADDER,
    tells: Tells = nobody_tells,
    prompt_tokens: int = 0,
) -> Iterator[Forecast]:
    """The funnels of a request that is sent with `preferences`, by model, as far as listings go."""
    needs = needs_of(request, prompt_tokens=prompt_tokens)
    for name in dict.fromkeys(route.names_sent(request.models)):
        listing = catalog.listing(name)
        if listing is None:
            continue
        asked = Asked(
            preferences=preferences or {},
            needs=needs,
            variants=read_slug(name).variants,
            origins=route.origins,
            model=catalog.model(name),
            ladder=ladder,
            tells=tells,
        )
        yield forecast(name, listing.endpoints, asked)


def forecast(model: str, endpoints: tuple[Endpoint, ...], asked: Asked) -> Forecast:
    """One model's forecast."""
    found = funnel(endpoints, asked)
    way_out = None if found.survivors else smallest_relaxation(endpoints, asked)
    return Forecast(model, asked, found, way_out)


def as_json_object(each: Forecast) -> dict[str, Any]:
    """A forecast for machines."""
    return {
        "model": each.model,
        "line": str(each.funnel),
        "endpoints": len(each.funnel.endpoints),
        "survivors": [endpoint.tag for endpoint in each.funnel.survivors],
        "steps": [
            {
                "filter": step.filter,
                "left": step.left,
                "unsure": step.unsure,
                "dropped": [
                    {"tag": drop.endpoint.tag, "because": _because(drop.clauses)}
                    for drop in step.dropped
                ],
            }
            for step in each.funnel.steps
        ],
        "relaxation": None
        if each.relaxation is None
        else {
            "changes": list(each.relaxation.clauses),
            "lets_through": each.relaxation.endpoint.tag,
        },
    }


def _because(clauses: tuple[Clause, ...]) -> str:
    return named(clauses) or "the request"
