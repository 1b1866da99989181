"""Refuses a request that uses a refused field, or a model name with the same effect."""

from collections.abc import Callable, Mapping

import msgspec

from ..errors import PolicyRefused
from .entries import is_entry, used
from .preferences import joined
from .request import Request, is_given
from .route import Route
from .rule import Clause
from .slug import Slug, read_slug

# Two names of one thing: a rule that strips or refuses one of them covers the other too.
COUNTS_AS: Mapping[str, tuple[str, ...]] = {
    "models": ("models", "fallbacks"),
    "service_tier": ("service_tier", "speed"),  # Anthropic's clients send `speed`
}

# Variants that admit endpoints of a service tier, with the field's values that do so too.
_TIERED: Mapping[str, frozenset[str]] = {
    "nitro": frozenset({"priority", "fast", "ultrafast"}),
    "floor": frozenset({"flex"}),
}

# Fields whose effect the name of a model can have too.
_IN_A_NAME: Mapping[str, Callable[[Slug], bool]] = {
    "preset": lambda slug: slug.preset is not None,
    "plugins": lambda slug: "online" in slug.variants,  # the web plugin under another name
    "service_tier": lambda slug: not _TIERED.keys().isdisjoint(slug.variants),
    "model": lambda _: True,
}


def refuse(request: Request, route: Route) -> None:
    """Raise `PolicyRefused` if the request uses what the route refuses."""
    for field, clause in route.refuse.items():
        by = _field_used(request, route, field) or _name_used(request, route, field)
        if by:
            raise PolicyRefused(
                f"{clause} refuses requests with {field}, and this one has {by}; remove it"
            )
    nameless = [name for name, sent in route.sent_as.items() if not sent]
    if nameless:
        raise PolicyRefused(
            f"{route.strip['preset']} removes presets, but {nameless[0]} names only a preset; "
            "name a model too"
        )


def stripped(route: Route) -> dict[str, Clause]:
    """The fields that are left out, each with the clause behind it."""
    strip = route.strip.items()
    return {name: clause for field, clause in strip for name in COUNTS_AS.get(field, (field,))}


def _field_used(request: Request, route: Route, field: str) -> str | None:
    """The field that the request uses; a value set by the policy itself doesn't count."""
    if is_entry(field):
        named = None if field.partition(".")[0] in route.set else used(request.fields, field)
        return f"`{named}`" if named else None
    for name in COUNTS_AS.get(field, (field,)):
        raw, ours = request.fields.get(name), route.set.get(name)
        if raw is None or not is_given(raw):
            continue
        if ours is None or bytes(raw) != msgspec.json.encode(ours.value):
            return f"`{name}`"
    return None


def _name_used(request: Request, route: Route, field: str) -> str | None:
    """The model whose name has the effect; the model behind an alias is the policy's choice."""
    does_it = _IN_A_NAME.get(field)
    if does_it is None:
        return None
    asked = (name for name in request.models if name not in route.aliases)
    using = [name for name in asked if does_it(read_slug(name))]
    if field == "service_tier":
        using = [name for name in using if _admits_a_tier(read_slug(name), request, route)]
    why = ", whose variant allows endpoints of a service tier" if field == "service_tier" else ""
    return f"the model {using[0]}{why}" if using else None


def _admits_a_tier(slug: Slug, request: Request, route: Route) -> bool:
    """Whether a variant admits a tier that the policy doesn't, as it is sent (openrouter.md §2.2).

    An order cancels that, the request's own too, and so does a default tier from the policy.
    """
    tier = route.set["service_tier"].value if "service_tier" in route.set else None
    own = all(tier in _TIERED.get(variant, {tier}) for variant in slug.variants)
    return not own and tier != "default" and not (joined(request, route) or {}).get("order")
