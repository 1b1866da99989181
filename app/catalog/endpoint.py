"""Endpoint: one provider's offer of one model, as OpenRouter lists it (openrouter.md §5.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any

from ..exact_numbers import MOST_COUNT, exact, whole
from .rates import Rates, read_rates

TIERS = frozenset({"priority", "flex", "ultrafast"})
# Other names for tiers: `service_tier: fast` is OpenAI's priority tier, at twice the price
# (openrouter.md §2.7). The name alone proves nothing: `baseten/fast` is an ordinary endpoint.
OTHER_TIERS: Mapping[str, str] = {"openai/fast": "priority"}
_DEAREST = 1_000_000  # USD per token; a listing's -1 or 1e999 stands for "it depends"
_ALL = 100  # percent
_LONGEST_NAME = 256  # characters
_MOST_PARAMETERS = 500


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of a listing. Prices in USD per token, after discount; None where not listed.

    `price_varies`: the listing names conditions (time of day, long prompts) under which other
    prices apply, so the cost can't identify this row.
    """

    tag: str  # lower case, as the label and the tier
    provider_name: str  # as answers name it
    quantization: str | None
    prompt_price: Decimal | None
    completion_price: Decimal | None
    cache_read_price: Decimal | None
    price_varies: bool
    context_length: int | None
    max_completion_tokens: int | None
    supported_parameters: tuple[str, ...]
    status: int | None
    uptime: float | None  # percent, last 30 minutes
    tier: str | None
    cache_write_price: Decimal | None = None  # the shortest that is offered, usually five minutes
    request_price: Decimal | None = None  # USD each, as the next two; most rows have no such fee
    image_price: Decimal | None = None
    audio_price: Decimal | None = None
    tool_choices_refused: frozenset[str] = frozenset()  # of none, auto, required, function
    tier_told: bool = False  # stated by the listing, not only by the tag
    rates: Rates = field(default=Rates(), repr=False, compare=False)  # all prices, and overrides
    provider: str = field(init=False, repr=False, compare=False)  # its slug

    def __post_init__(self) -> None:
        """Take the slug from the tag once, since every answer is judged by it."""
        object.__setattr__(self, "provider", self.tag.partition("/")[0])


def read_endpoint(row: object) -> Endpoint | None:
    """An endpoint from a listing's row; None where it lacks a tag or a provider's name.

    Fields of an unexpected type count as not listed; they don't reject the row.
    """
    if not isinstance(row, dict):
        return None
    tag, name = readable_name(row.get("tag")), readable_name(row.get("provider_name"))
    if tag is None or name is None:
        return None
    prices = row.get("pricing")
    prices = prices if isinstance(prices, dict) else {}
    return Endpoint(
        tag=tag.lower(),
        provider_name=name,
        quantization=_lower(readable_name(row.get("quantization"))),
        prompt_price=_price(prices, "prompt"),
        completion_price=_price(prices, "completion"),
        cache_read_price=_price(prices, "input_cache_read"),
        price_varies=bool(prices.get("overrides")),
        context_length=whole(row.get("context_length")),
        max_completion_tokens=whole(row.get("max_completion_tokens")),
        supported_parameters=_texts(row.get("supported_parameters")),
        status=whole(row.get("status"), least=-MOST_COUNT),
        uptime=_percent(row.get("uptime_last_30m")),
        tier=_lower(readable_name(row.get("service_tier"))) or tier_in(tag),
        cache_write_price=_price(prices, "input_cache_write"),
        request_price=_price(prices, "request"),
        image_price=_price(prices, "image"),
        audio_price=_price(prices, "audio"),
        tool_choices_refused=_refused(row.get("supports_tool_choice")),
        tier_told=readable_name(row.get("service_tier")) is not None,
        rates=read_rates(prices),
    )


def with_tiers_by_price(endpoints: Sequence[Endpoint]) -> tuple[Endpoint, ...]:
    """A listing's endpoints, without tiers that only a tag's name suggests and that cost no more.

    `openai/fast` is OpenAI's priority tier because it is dearer than OpenAI's other endpoints; a
    listing that says `service_tier`, or a tag such as `openai/priority`, needs no such proof.
    """
    if not any(endpoint.tag in OTHER_TIERS for endpoint in endpoints):
        return tuple(endpoints)
    return tuple(
        replace(each, tier=None)
        if each.tag in OTHER_TIERS and not (each.tier_told or _is_dearer(each, endpoints))
        else each
        for each in endpoints
    )


def _is_dearer(endpoint: Endpoint, endpoints: Sequence[Endpoint]) -> bool:
    """Whether a row costs more than its provider's cheapest; True if prices can't decide it."""
    others = [
        each.completion_price
        for each in endpoints
        if each.provider == endpoint.provider and each.tier is None and each.completion_price
    ]
    own = endpoint.completion_price
    return own is None or not others or own > min(others)


def tier_in(tag: str) -> str | None:
    """The service tier that a tag names; a listing's `service_tier` is more reliable."""
    tag = tag.lower()
    _, slash, last = tag.rpartition("/")
    return last if slash and last in TIERS else OTHER_TIERS.get(tag)


def readable_name(value: object) -> str | None:
    """`value` if it can be a name in a listing: a string, neither empty nor too long."""
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME else None


def _lower(word: str | None) -> str | None:
    return None if word is None else word.lower()


def _texts(value: object) -> tuple[str, ...]:
    listed = islice(value, _MOST_PARAMETERS) if isinstance(value, list) else ()
    return tuple(item for item in listed if readable_name(item))


def _refused(choices: object) -> frozenset[str]:
    if not isinstance(choices, dict):
        return frozenset()
    refused = (str(kind) for kind, taken in choices.items() if taken is False)
    return frozenset(islice(refused, _MOST_PARAMETERS))


def _percent(value: object) -> float | None:
    share = None if isinstance(value, str) else exact(value)
    return float(share) if share is not None and 0 <= share <= _ALL else None


def _price(prices: Mapping[str, Any], name: str) -> Decimal | None:
    price = exact(prices.get(name))
    return price if price is not None and 0 <= price < _DEAREST else None
