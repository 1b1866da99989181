"""A plain model of OpenRouter's filters, and strategies for what they filter and by what.

The model is written from openrouter.md §1.1 and §1.3 alone, so that it can catch our mistakes: it
knows nothing of how the proxy joins two objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from app.policy import tags

Preferences = Mapping[str, Any]


@dataclass(frozen=True)
class Offer:
    """One endpoint of one model, as OpenRouter sees it."""

    tag: str
    quantization: str | None
    prompt: str  # USD per million tokens
    completion: str
    zero_retention: bool
    keeps_data: bool
    distillable: bool
    all_parameters: bool

    def is_named_by(self, entry: str) -> bool:
        """A base slug names every endpoint of its provider but the service tiers."""
        provider, *rest = self.tag.split("/")
        in_tier = bool(rest) and rest[-1] in {"priority", "flex", "ultrafast"}
        return entry == self.tag or (entry == provider and not in_tier)

    def is_in(self, entries: list[str]) -> bool:
        return any(self.is_named_by(entry) for entry in entries)


def admits(preferences: Preferences, offer: Offer) -> bool:
    """Whether an endpoint may serve under a `provider` object."""
    said = {key: value for key, value in preferences.items() if value not in (None, [])}
    prices = said.get("max_price", {})
    a_strict_list = said.get("allow_fallbacks") is False and "order" in said
    return (
        ("only" not in said or offer.is_in(said["only"]))
        and not offer.is_in(said.get("ignore", []))
        and (not a_strict_list or offer.is_in(said["order"]))
        and ("quantizations" not in said or offer.quantization in said["quantizations"])
        and Decimal(offer.prompt) <= Decimal(str(prices.get("prompt", "Infinity")))
        and Decimal(offer.completion) <= Decimal(str(prices.get("completion", "Infinity")))
        and (said.get("zdr") is not True or offer.zero_retention)
        and (said.get("data_collection") != "deny" or not offer.keeps_data)
        and (said.get("enforce_distillable_text") is not True or offer.distillable)
        and (said.get("require_parameters") is not True or offer.all_parameters)
    )


def admitted(preferences: Preferences, catalog: list[Offer]) -> set[Offer]:
    return {offer for offer in catalog if admits(preferences, offer)}


TAGS = ("a", "a/fp8", "a/us", "a/priority", "a/us/flex", "b", "b/fp4", "b/flex", "c", "c/turbo")
LABELS = ("int4", "fp4", "int8", "fp8", "mxfp8", "fp16", "bf16", "unknown")
PRICES = ("0", "0.1", "0.25", "1", "2.50", "10")

ENTRIES = st.lists(st.sampled_from(TAGS), min_size=1, max_size=4, unique=True)
NUMBERS = st.sampled_from([0, 0.1, 0.25, 1, 1.0, 2.5, 10])

OFFERS = st.builds(
    Offer,
    tag=st.sampled_from(TAGS),
    quantization=st.sampled_from((*LABELS, None)),
    prompt=st.sampled_from(PRICES),
    completion=st.sampled_from(PRICES),
    zero_retention=st.booleans(),
    keeps_data=st.booleans(),
    distillable=st.booleans(),
    all_parameters=st.booleans(),
)
CATALOGS = st.lists(OFFERS, max_size=30)


def every_offer(quantizations: tuple[str | None, ...] = LABELS) -> list[Offer]:
    """One good endpoint for each tag and label: nothing is out of reach but by the lists."""
    return [
        Offer(tag, label, "0", "0", True, False, True, True)
        for tag in TAGS
        for label in quantizations
    ]


_SPEEDS = st.one_of(NUMBERS, st.dictionaries(st.sampled_from(["p50", "p90"]), NUMBERS, min_size=1))
_WANTED: dict[str, st.SearchStrategy[Any]] = {
    "only": ENTRIES,
    "order": ENTRIES,
    "ignore": ENTRIES,
    "allow_fallbacks": st.booleans(),
    "require_parameters": st.booleans(),
    "data_collection": st.sampled_from(["allow", "deny"]),
    "zdr": st.booleans(),
    "enforce_distillable_text": st.booleans(),
    "quantizations": st.lists(st.sampled_from(LABELS), min_size=1, max_size=6, unique=True),
    "max_price": st.dictionaries(st.sampled_from(["prompt", "completion"]), NUMBERS, min_size=1),
    "sort": st.sampled_from(["price", "throughput", "latency"]),
    "preferred_min_throughput": _SPEEDS,
    "preferred_max_latency": _SPEEDS,
    "options": st.dictionaries(st.sampled_from("ab"), st.just({"x": 1}), min_size=1),
}


def _shuts_out_all(ours: Any) -> bool:
    allowed, ignored = ours.get("only"), tags.with_tiers(ours.get("ignore") or ())
    return bool(allowed) and all(tags.covered(entry, ignored) for entry in allowed)


# What a policy's own object may say.
OURS = st.fixed_dictionaries({}, optional=_WANTED).filter(
    lambda ours: not _shuts_out_all(ours)  # which is an error in a policy file
)

# What a caller may send: nulls, empty lists, prices as text, and fields nobody knows besides.
_LOOSER: dict[str, st.SearchStrategy[Any]] = {
    **{
        key: st.one_of(
            st.none(), *([st.just([])] if key in {"only", "order", "ignore"} else []), value
        )
        for key, value in _WANTED.items()
    },
    "quantizations": st.one_of(st.none(), st.just([]), _WANTED["quantizations"]),
    "max_price": st.dictionaries(
        st.sampled_from(["prompt", "completion"]), NUMBERS | st.sampled_from(PRICES)
    ),
    "unheard_of": st.sampled_from([None, 1, [], {"x": [1.0]}]),
}
THEIRS = st.fixed_dictionaries({}, optional=_LOOSER)
