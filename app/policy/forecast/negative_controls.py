"""Negative controls: for each clause of a policy, a request that must be refused.

A router that enforces a clause has no endpoint left for such a request; it answers 404, which
costs nothing and is the proof. A router that serves it anyway does not enforce that clause.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...catalog.catalog import Listing
from ...catalog.endpoint import Endpoint
from ..fields import FIELDS
from ..precision import LADDER
from ..route import Route
from ..rule import Clause
from ..terms import FAMILIES

_NOBODY = "pointsman-nobody"  # a well-formed slug that no provider has
_RARE_PARAMETERS: Mapping[str, Any] = {
    "top_a": 0.5,
    "logit_bias": {"1": 0},
    "min_p": 0.01,
    "verbosity": "low",
    "top_logprobs": 1,
    "seed": 1,
}


@dataclass(frozen=True, slots=True)
class Control:
    """One clause's negative control, or why there is none."""

    field: str
    clauses: tuple[Clause, ...]
    provider: Mapping[str, Any] | None  # the preferences to send; None: it can't be tested
    why: str  # why it must be refused, or why it can't be tested
    extra: Mapping[str, Any]  # other fields of the request


@dataclass(frozen=True, slots=True)
class Facts:
    """The public facts about the model's endpoints."""

    listing: Listing | None
    zdr_tags: frozenset[str] | None  # tags listed as zero data retention; None: not known


def controls(route: Route, facts: Facts) -> Iterator[Control]:
    """One control for each preference of the policy, in the order they are sent."""
    for name in route.preferences:
        clauses = tuple(route.origins.get(name, ()))
        provider, why, extra = _ways(name, route.preferences, facts)
        yield Control(name, clauses, provider, why, extra)


Way = tuple[Mapping[str, Any] | None, str, Mapping[str, Any]]
Endpoints = Sequence[Endpoint]
ZdrTags = frozenset[str] | None


def _ways(name: str, preferences: Mapping[str, Any], facts: Facts) -> Way:
    if name == "only":
        return {"only": [_NOBODY]}, "no provider has that name", {}
    if name == "order" and preferences.get("allow_fallbacks") is False:
        asked = {"order": [_NOBODY], "allow_fallbacks": False}
        return asked, "no provider has that name, and fallbacks are off", {}
    if FIELDS[name].untestable:
        return None, FIELDS[name].untestable, {}
    if facts.listing is None:
        return None, "the model's endpoints are not listed", {}
    return WAYS[name](preferences, facts.listing.endpoints, facts.zdr_tags)


def _ignore(_: Mapping[str, Any], endpoints: Endpoints, __: ZdrTags) -> Way:
    everybody = {row.provider: None for row in endpoints}
    tiers = {row.tag: None for row in endpoints if row.tier}
    return {"ignore": [*everybody, *tiers]}, "every listed provider is ignored", {}


def _quantizations(_: Mapping[str, Any], endpoints: Endpoints, __: ZdrTags) -> Way:
    listed = {row.quantization for row in endpoints}
    for label in LADDER:
        if listed.isdisjoint({label, *FAMILIES.get(label, ())}):
            return {"quantizations": [label]}, f"no endpoint is listed as {label}", {}
    return None, "every label has a listed endpoint", {}


def _max_price(preferences: Mapping[str, Any], endpoints: Endpoints, _: ZdrTags) -> Way:
    keys = [key for key in ("prompt", "completion") if key in preferences["max_price"]]
    if not keys:
        return None, "only prices for input and output can be tested", {}
    for row in endpoints:
        prices = {"prompt": row.prompt_price, "completion": row.completion_price}
        if not any(prices[key] for key in keys):
            return None, f"{row.tag} costs nothing", {}
    return {"max_price": dict.fromkeys(keys, 0)}, "no endpoint is free", {}


def _zdr(_: Mapping[str, Any], endpoints: Endpoints, zdr_tags: ZdrTags) -> Way:
    if zdr_tags is None:
        return None, "the list of endpoints with zero data retention can't be read", {}
    others = [row.tag for row in endpoints if "/" in row.tag]
    for tag in others:
        if tag not in zdr_tags:
            asked = {"zdr": True, "only": [tag]}
            return asked, f"{tag} is not listed with zero data retention", {}
    return None, "every endpoint with a tag of its own has zero data retention", {}


def _require_parameters(_: Mapping[str, Any], endpoints: Endpoints, __: ZdrTags) -> Way:
    supported = {name for row in endpoints for name in row.supported_parameters}
    for name, value in _RARE_PARAMETERS.items():
        if name not in supported:
            return {"require_parameters": True}, f"no endpoint supports {name}", {name: value}
    return None, "every parameter that could be tested is supported by an endpoint", {}


WAYS: Mapping[str, Callable[[Mapping[str, Any], Endpoints, ZdrTags], Way]] = {
    "ignore": _ignore,
    "quantizations": _quantizations,
    "max_price": _max_price,
    "zdr": _zdr,
    "require_parameters": _require_parameters,
}
