"""Whether one endpoint, or one provider of which no more is known, is inside the preferences.

Three answers: True, it is; False, it is not; None, it can't be told from here. Only clauses that
an answer can prove or disprove are asked for: `only`, `ignore` and `quantizations`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.catalog.endpoint import Endpoint, names

JUDGED = ("only", "ignore", "quantizations", "max_price")
UNCHECKED = ("data_collection", "zdr", "enforce_distillable_text")


def unchecked(preferences: Mapping[str, Any]) -> tuple[str, ...]:
    """The clauses in force that no answer can show."""
    return tuple(name for name in UNCHECKED if preferences.get(name) in ("deny", True))


def allows(preferences: Mapping[str, Any], endpoint: Endpoint) -> bool:
    """Whether the preferences admit this endpoint, going by what it is listed as."""
    only, ignore = _slugs(preferences, "only"), _slugs(preferences, "ignore")
    if only and not any(names(entry, endpoint) for entry in only):
        return False
    if any(names(entry, endpoint) for entry in ignore):
        return False
    labels = preferences.get("quantizations") or ()
    return not labels or endpoint.quantization in labels


def allows_provider(preferences: Mapping[str, Any], provider: str) -> bool | None:
    """The same for a provider of whose endpoints nothing is known; `provider` is a slug."""
    only, ignore = _slugs(preferences, "only"), _slugs(preferences, "ignore")
    own = [entry for entry in only if entry.partition("/")[0] == provider]
    if (only and not own) or provider in ignore:
        return False
    if (own and provider not in own) or preferences.get("quantizations"):
        return None
    return None if any(entry.startswith(provider + "/") for entry in ignore) else True


def _slugs(preferences: Mapping[str, Any], name: str) -> Iterable[str]:
    return [str(entry).lower() for entry in preferences.get(name) or ()]
