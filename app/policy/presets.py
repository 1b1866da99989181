"""Presets in a request: which it names, and how a policy is combined with them (T-56).

Upstream, a request's `provider` object replaces a preset's whole one. So if a rule applies, the
preset is read and its object joins as one more layer that may only narrow; a preset that can't be
read is refused if a rule has a filter, because the preset's own filters would be erased unseen.
"""

from collections.abc import Iterator, Mapping

import msgspec

from ..catalog.preset import Preset, Unusable
from ..errors import MalformedBody, PolicyConflict, PolicyRefused
from .entries import is_entry, used
from .fields import FIELDS
from .merge import Conflict, tighten
from .overruled import Overruled, overruled
from .refuse import COUNTS_AS
from .request import UNREADABLE, Request
from .route import Route
from .rule import rules_named
from .slices import Fields, split
from .slug import read_slug

Presets = Mapping[str, Preset | Unusable]
NO_PRESETS: Presets = {}

_WAYS_OUT = "use another preset, remove it, or set `presets: pass` in the rule"


def presets_named(request: Request) -> tuple[str, ...]:
    """The slugs of all presets that a request names, in any form, as they are spelled."""
    if "preset" not in request.fields and "@" not in "".join(request.models):
        return ()  # nearly always
    return tuple(dict.fromkeys(_named(request)))


def _named(request: Request) -> Iterator[str]:
    for name in request.models:
        if "@" in name and read_slug(name).preset is not None:
            yield name[name.lower().index("@preset/") + len("@preset/") :].strip()
    raw = request.fields.get("preset")
    if raw is None or bytes(raw).strip() == b"null":
        return
    try:
        slug = msgspec.json.decode(raw)
    except UNREADABLE:
        slug = None
    if not isinstance(slug, str):
        raise MalformedBody("`preset` must be a string")
    yield slug.strip().removeprefix("@preset/")


def models_of(request: Request, presets: Presets) -> tuple[str, ...]:
    """The models from presets, for a request that leaves the choice of the model to them.

    Such a request names a preset in place of a model, or no `model`, with or without fallbacks.
    """
    bare = {
        slug.preset for slug in map(read_slug, request.models) if slug.base.startswith("@preset/")
    }
    return tuple(
        model
        for name, preset in presets.items()
        if isinstance(preset, Preset) and (name.lower() in bare or not request.names_model)
        for model in preset.models
    )


def fields_of(presets: Presets) -> dict[str, msgspec.Raw]:
    """Fields from presets except models and `provider`; the request's fields take precedence."""
    found: dict[str, msgspec.Raw] = {}
    for preset in presets.values():
        if isinstance(preset, Preset):
            _, fields = split(bytes(preset.config))
            found |= fields
    return {name: raw for name, raw in found.items() if name not in {"model", "models", "provider"}}


def hold(route: Route, presets: Presets) -> None:
    """Raise `PolicyRefused` for a preset with which the route's rules can't be enforced."""
    by = _rules(route)
    if route.presets == "refuse":
        named = ", ".join(presets)
        raise PolicyRefused(
            f"presets are refused by {by}, and this request names {named}; remove it"
        )
    for preset in presets.values():
        if isinstance(preset, Unusable):
            if route.presets == "join" and _has_filter(route):
                raise PolicyRefused(
                    f"the filters of {by} can't be enforced with the preset {preset.slug}: "
                    f"{preset.why}; "
                    f"{_WAYS_OUT}"
                )
            continue
        _, fields = split(bytes(preset.config))
        brought = next(filter(None, (_brings(fields, each) for each in _kept_out(route))), None)
        if brought is not None:
            raise PolicyRefused(
                f"the preset {preset.slug} sets {brought}, which {by} removes or refuses; "
                "remove it from the preset, or use another preset"
            )


def _kept_out(route: Route) -> Iterator[str]:
    """The names a route strips or refuses: left out of a request, the preset's would apply."""
    yield from (name for name in (*route.strip, *route.refuse) if name != "preset")


def _brings(fields: Fields, name: str) -> str | None:
    if is_entry(name):
        return used(fields, name)
    return next((each for each in COUNTS_AS.get(name, (name,)) if each in fields), None)


def joined_with(
    route: Route, presets: Presets, preferences: Mapping[str, object] | None
) -> tuple[Mapping[str, object] | None, tuple[Overruled, ...]]:
    """The preferences to send together with presets, and the presets' own that are dropped.

    If neither policy nor caller has any, nothing is sent and the presets' own stay in force.
    Raises `PolicyConflict` if a preset leaves nothing.
    """
    lost: list[Overruled] = []
    for preset in presets.values() if preferences and route.merge != "replace" else ():
        if not isinstance(preset, Preset) or not preset.provider:
            continue
        met = tighten(preferences or {}, preset.provider, route.spelling.tiers)
        if isinstance(met, Conflict):
            raise PolicyConflict(
                f"{_rules(route)} and the preset {preset.slug} have no provider in common "
                f"({met.field}); {_WAYS_OUT}"
            )
        lost += overruled(preset.provider, met, route)
        preferences = met
    return preferences, tuple(lost)


def _has_filter(route: Route) -> bool:
    """Whether a route excludes endpoints, and doesn't only order them."""
    fields = route.preferences.keys()
    return any(FIELDS[name].showing != "wish" for name in fields if name in FIELDS) or (
        "order" in fields and route.preferences.get("allow_fallbacks") is False
    )


def _rules(route: Route) -> str:
    return rules_named(route.rules) if route.rules else f"alias {route.alias}"
