"""Whether one endpoint, or one provider of which no more is known, is inside the preferences.

Three answers: True, it is; False, it is not; None, it can't be told from here. `CLAUSES` says of
every field of the provider object whether an answer can be held to it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from app.catalog.endpoint import Endpoint, names
from app.catalog.providers import as_slug
from app.policy import tags
from app.policy.prices import PRICED

# judged: an answer can show it, by its provider, the provider's listed endpoints and the bill;
# unseen: a filter upstream of which no answer shows anything; wish: it arranges, and bars no host.
Showing = Literal["judged", "unseen", "wish"]
CLAUSES: Mapping[str, Showing] = MappingProxyType(
    {
        "only": "judged",
        "ignore": "judged",
        "quantizations": "judged",
        "max_price": "judged",  # for input and output; its other keys are unseen
        "order": "wish",  # but with `allow_fallbacks: false` nothing may leave it: then judged
        "allow_fallbacks": "unseen",  # without an order: which endpoint was best isn't told
        "data_collection": "unseen",
        "zdr": "unseen",
        "enforce_distillable_text": "unseen",
        "require_parameters": "unseen",
        "sort": "wish",
        "preferred_min_throughput": "wish",
        "preferred_max_latency": "wish",
        "options": "wish",
    }
)
_IN_FORCE: Mapping[str, object] = {"allow_fallbacks": False, "data_collection": "deny"}  # else True

# A broader label may stand for these upstream: the guide says so, no traffic shows it (§1.5).
FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"fp4": ("mxfp4", "nvfp4"), "fp8": ("mxfp8",)}
)


class Terms(msgspec.Struct, frozen=True, gc=False):
    """Preferences as an answer can be held to them, read once for many answers."""

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    order: tuple[str, ...] = ()  # only where nothing may leave it
    labels: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()  # labels that those may stand for
    caps: Mapping[str, Any] = {}
    unchecked: tuple[str, ...] = ()  # the clauses in force that no answer can show
    tiers: bool = False  # whether endpoints of a service tier may have been asked for
    asked: bool = False  # whether there are preferences at all
    judged: bool = False  # whether there are any that an answer could break

    def allows(self, endpoint: Endpoint) -> bool | None:
        """Whether the filters admit this endpoint, going by what it is listed as.

        An order is no filter: see `in_order`.
        """
        if self.only and not any(_means(entry, endpoint) for entry in self.only):
            return False
        if self.ignore and any(_means(entry, endpoint) for entry in self.ignore):
            return False
        if not self.labels or endpoint.quantization in self.labels:
            return True
        return None if endpoint.quantization in self.perhaps else False

    def in_order(self, endpoint: Endpoint) -> bool:
        """Whether a strict order lists this endpoint; it does where there is none."""
        return not self.order or any(_means(entry, endpoint) for entry in self.order)

    def allows_provider(self, provider: str) -> bool | None:
        """What `allows` says of a provider of whose endpoints nothing is known; a slug."""
        own = _own(self.only, provider)
        if self.only and not own:
            return False
        if provider in self.ignore:
            return None if self._lets_tiers_through(provider) else False
        if self.labels or (own and not self._names_all_of(provider, own)):
            return None
        return None if any(entry.startswith(provider + "/") for entry in self.ignore) else True

    def _lets_tiers_through(self, provider: str) -> bool:
        """Whether an ignored provider may serve by a service tier, which its slug doesn't cover.

        Only a listing tells of every tag whether it is a tier's.
        """
        tagged = [entry for entry in self.only if entry.startswith(f"{provider}/")]
        _, *tiers = tags.with_tiers([provider])
        reachable = tagged if self.only else tiers
        return any(tag not in self.ignore for tag in reachable)

    def provider_in_order(self, provider: str) -> bool | None:
        """What `in_order` says of such a provider."""
        own = _own(self.order, provider)
        if not self.order:
            return True
        return None if own and not self._names_all_of(provider, own) else bool(own)

    def _names_all_of(self, provider: str, own: list[str]) -> bool:
        """Whether entries name all that a provider may have served by: its slug covers no tier."""
        return provider in own and not (self.tiers and set(tags.with_tiers([provider])) - set(own))

    def with_tiers(self) -> "Terms":
        """The same terms for a request that may have asked for a service tier."""
        return msgspec.structs.replace(self, tiers=True)


def terms_of(preferences: Mapping[str, Any] | None) -> Terms:
    """The terms that preferences set; where no rule matched these are the caller's, unchecked."""
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
                for name, showing in CLAUSES.items()
                if showing == "unseen"
                and preferences.get(name) == _IN_FORCE.get(name, True)
                and not (name == "allow_fallbacks" and order)
            ),
            *(f"max_price.{key}" for key in caps if key not in PRICED),
        ),
        asked=True,
    )
    judged = terms.only or terms.ignore or order or labels or caps
    return msgspec.structs.replace(terms, judged=bool(judged))


def _own(entries: tuple[str, ...], provider: str) -> list[str]:
    return [entry for entry in entries if entry.partition("/")[0] == provider]


def _means(entry: str, endpoint: Endpoint) -> bool:
    """Whether an entry means an endpoint, also by the display name that its listing has."""
    named = not endpoint.tier and entry == endpoint.provider_name.lower()
    return named or names(entry, endpoint)


def _slugs(preferences: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Slugs and tags; a caller may have written a display name, and upstream may have taken it."""
    return tuple(map(as_slug, _entries(preferences, name)))


def _entries(preferences: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts, lower case; whatever else a caller may have sent in its place is none.

    An empty list filters nothing (contract §1.1), and neither does what is no list.
    """
    value = preferences.get(name)
    texts = value if isinstance(value, list | tuple) else ()
    return tuple(entry.lower() for entry in texts if isinstance(entry, str))
