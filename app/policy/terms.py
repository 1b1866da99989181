"""Decides whether an endpoint, or a provider with unknown endpoints, is inside the preferences.

Three results: True, it is; False, it is not; None, unknown. `FIELDS` says for every field of the
provider object whether an answer can be judged by it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from ..catalog.endpoint import Endpoint
from ..catalog.providers import as_slug
from . import tags
from .fields import FIELDS
from .prices import PRICED

# The fields that no answer shows, each with the value that excludes endpoints.
_UNSEEN = tuple(
    sorted((name, field.binds_at) for name, field in FIELDS.items() if field.showing == "unseen")
)

# A broader label may stand for these upstream: the guide says so, no traffic has shown it
# (openrouter.md §1.5).
FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"fp4": ("mxfp4", "nvfp4"), "fp8": ("mxfp8",)}
)


class Terms(msgspec.Struct, frozen=True, gc=False):
    """The preferences that an answer can be judged by, read once for many answers."""

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    order: tuple[str, ...] = ()  # only if there are no fallbacks
    labels: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()  # labels that the required ones may stand for
    caps: Mapping[str, Any] = {}
    unchecked: tuple[str, ...] = ()  # clauses in force that no answer can show
    tiers: bool = False  # whether the request may have asked for a service tier
    asked: bool = False  # whether there are preferences at all
    judged: bool = False  # whether an answer could break any of them

    def allows(self, endpoint: Endpoint) -> bool | None:
        """Whether the filters admit this endpoint, according to its listing.

        An order is not a filter: see `in_order`.
        """
        if self.only and not _named(self.only, endpoint):
            return False
        if self.ignore and _named(self.ignore, endpoint):
            return False
        if not self.labels or endpoint.quantization in self.labels:
            return True
        return None if endpoint.quantization in self.perhaps else False

    def in_order(self, endpoint: Endpoint) -> bool:
        """Whether a strict order lists this endpoint; True if there is no strict order."""
        return not self.order or _named(self.order, endpoint)

    def allows_provider(self, provider: str) -> bool | None:
        """As `allows`, for the slug of a provider whose endpoints are unknown."""
        own = tags.of_provider(self.only, provider)
        if self.only and not own:
            return False
        if provider in self.ignore:
            return None if self._lets_tiers_through(provider) else False
        if self.labels or (own and not self._names_all_of(provider, own)):
            return None
        return None if tags.of_provider(self.ignore, provider) else True

    def _lets_tiers_through(self, provider: str) -> bool:
        """Whether an ignored provider may serve by a service tier, which its slug doesn't cover.

        Only a listing shows for every tag whether it is a tier's.
        """
        reachable = tags.of_provider(self.only, provider) or tags.with_tiers([provider])
        return any(tag not in self.ignore for tag in reachable)

    def provider_in_order(self, provider: str) -> bool | None:
        """As `in_order`, for the slug of a provider whose endpoints are unknown."""
        own = tags.of_provider(self.order, provider)
        if not self.order:
            return True
        return None if own and not self._names_all_of(provider, own) else bool(own)

    def _names_all_of(self, provider: str, own: list[str]) -> bool:
        """Whether entries cover all that the provider may have served: a slug covers no tier."""
        return provider in own and not (self.tiers and set(tags.with_tiers([provider])) - set(own))

    def with_tiers(self) -> "Terms":
        """The same terms for a request that may have asked for a service tier."""
        return msgspec.structs.replace(self, tiers=True)


def terms_of(preferences: Mapping[str, Any] | None) -> Terms:
    """Read terms from preferences; if no rule matched, these are the caller's, unchecked."""
    if not preferences:
        return Terms()
    caps = preferences.get("max_price")
    caps = caps if isinstance(caps, Mapping) else {}
    strict = preferences.get("allow_fallbacks") is False
    order = _slugs(preferences, "order") if strict else ()
    labels = _entries(preferences, "quantizations")
    terms = Terms(
        only=_slugs(preferences, "only"),
        ignore=_slugs(preferences, "ignore"),
        order=order,
        labels=labels,
        perhaps=tuple(each for label in labels for each in FAMILIES.get(label, ())),
        caps=caps,
        unchecked=(
            *(
                name
                for name, binding in _UNSEEN
                if preferences.get(name) == binding and not (name == "allow_fallbacks" and order)
            ),
            *(f"max_price.{key}" for key in caps if key not in PRICED),
        ),
        asked=True,
    )
    judged = terms.only or terms.ignore or order or labels or caps
    return msgspec.structs.replace(terms, judged=bool(judged))


def _named(entries: tuple[str, ...], endpoint: Endpoint) -> bool:
    """Whether one of the entries means an endpoint, also by its display name."""
    return any(tags.means(entry, endpoint) is not False for entry in entries)


def _slugs(preferences: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Slugs and tags; callers may write a display name, and upstream may accept it."""
    return tuple(map(as_slug, _entries(preferences, name)))


def _entries(preferences: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts, lower case; any other value from a caller counts as an empty list.

    An empty list filters nothing (openrouter.md §1.1), and neither does a value of another type.
    """
    value = preferences.get(name)
    texts = value if isinstance(value, list | tuple) else ()
    return tuple(entry.lower() for entry in texts if isinstance(entry, str))
