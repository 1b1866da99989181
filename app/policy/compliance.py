"""Whether one endpoint, or one provider of which no more is known, is inside the preferences.

Three answers: True, it is; False, it is not; None, it can't be told from here. Only clauses that
an answer can prove or disprove are asked for: `only`, `ignore` and `quantizations`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from app.catalog.endpoint import Endpoint, names
from app.catalog.providers import SLUGS
from app.policy.cost import PRICED

_JUDGED = ("only", "ignore", "quantizations", "max_price")
_UNCHECKED = ("data_collection", "zdr", "enforce_distillable_text")


class Terms(msgspec.Struct, frozen=True, gc=False):
    """Preferences as an answer can be held to them, read once for many answers."""

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    caps: Mapping[str, Any] = {}
    unchecked: tuple[str, ...] = ()  # the clauses in force that no answer can show
    asked: bool = False  # whether there are preferences at all
    judged: bool = False  # whether there are any that an answer could break

    def allows(self, endpoint: Endpoint) -> bool:
        """Whether the preferences admit this endpoint, going by what it is listed as."""
        if self.only and not any(names(entry, endpoint) for entry in self.only):
            return False
        if self.ignore and any(names(entry, endpoint) for entry in self.ignore):
            return False
        return not self.labels or endpoint.quantization in self.labels

    def allows_provider(self, provider: str) -> bool | None:
        """The same for a provider of whose endpoints nothing is known; `provider` is a slug."""
        own = [entry for entry in self.only if entry.partition("/")[0] == provider]
        if (self.only and not own) or provider in self.ignore:
            return False
        if (own and provider not in own) or self.labels:
            return None
        return None if any(entry.startswith(provider + "/") for entry in self.ignore) else True


def terms_of(preferences: Mapping[str, Any] | None) -> Terms:
    """The terms that preferences set; where no rule matched these are the caller's, unchecked."""
    if not preferences:
        return Terms()
    caps = preferences.get("max_price")
    caps = caps if isinstance(caps, Mapping) else {}
    return Terms(
        only=_slugs(preferences, "only"),
        ignore=_slugs(preferences, "ignore"),
        labels=_entries(preferences, "quantizations"),
        caps=caps,
        unchecked=(
            *(name for name in _UNCHECKED if preferences.get(name) in ("deny", True)),
            *(f"max_price.{key}" for key in caps if key not in PRICED),
        ),
        asked=True,
        judged=any(preferences.get(name) for name in _JUDGED),
    )


def _slugs(preferences: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Slugs and tags; a caller may have written a display name, and upstream may have taken it."""
    return tuple(SLUGS.get(entry, entry) for entry in _entries(preferences, name))


def _entries(preferences: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts, lower case; whatever else a caller may have sent in its place is none.

    An empty list filters nothing (contract §1.1), and neither does what is no list.
    """
    value = preferences.get(name)
    texts = value if isinstance(value, list | tuple) else ()
    return tuple(entry.lower() for entry in texts if isinstance(entry, str))
