"""Whether one endpoint, or one provider of which no more is known, is inside the preferences.

Three answers: True, it is; False, it is not; None, it can't be told from here. Only clauses that
an answer can prove or disprove are asked for: `only`, `ignore` and `quantizations`.
"""

from collections.abc import Mapping
from typing import Any

from app.catalog.endpoint import Endpoint, names
from app.catalog.providers import SLUGS
from app.policy.cost import PRICED

JUDGED = ("only", "ignore", "quantizations", "max_price")
UNCHECKED = ("data_collection", "zdr", "enforce_distillable_text")


def unchecked(preferences: Mapping[str, Any]) -> tuple[str, ...]:
    """The clauses in force that no answer can show."""
    return (
        *(name for name in UNCHECKED if preferences.get(name) in ("deny", True)),
        *(f"max_price.{key}" for key in caps_in(preferences) if key not in PRICED),
    )


def caps_in(preferences: Mapping[str, Any]) -> Mapping[str, Any]:
    """The price caps; none where `max_price` isn't what it should be."""
    caps = preferences.get("max_price")
    return caps if isinstance(caps, Mapping) else {}


def allows(preferences: Mapping[str, Any], endpoint: Endpoint) -> bool:
    """Whether the preferences admit this endpoint, going by what it is listed as."""
    only, ignore = _slugs(preferences, "only"), _slugs(preferences, "ignore")
    if only and not any(names(entry, endpoint) for entry in only):
        return False
    if any(names(entry, endpoint) for entry in ignore):
        return False
    labels = _entries(preferences, "quantizations")
    return not labels or endpoint.quantization in labels


def allows_provider(preferences: Mapping[str, Any], provider: str) -> bool | None:
    """The same for a provider of whose endpoints nothing is known; `provider` is a slug."""
    only, ignore = _slugs(preferences, "only"), _slugs(preferences, "ignore")
    own = [entry for entry in only if entry.partition("/")[0] == provider]
    if (only and not own) or provider in ignore:
        return False
    if (own and provider not in own) or _entries(preferences, "quantizations"):
        return None
    return None if any(entry.startswith(provider + "/") for entry in ignore) else True


def _slugs(preferences: Mapping[str, Any], name: str) -> list[str]:
    """Slugs and tags; a caller may have written a display name, and upstream may have taken it."""
    return [SLUGS.get(entry, entry) for entry in _entries(preferences, name)]


def _entries(preferences: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts, lower case; where no rule matched it is the caller's, and may be anything.

    An empty list filters nothing (contract §1.1), and neither does what is no list.
    """
    value = preferences.get(name)
    texts = value if isinstance(value, list | tuple) else ()
    return [entry.lower() for entry in texts if isinstance(entry, str)]
