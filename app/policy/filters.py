"""OpenRouter's endpoint filters, as far as they are known (openrouter.md §1.3 to §1.6, §2.7).

Each filter decides for one endpoint: it passes, it doesn't, or that is unknown here. This is
deliberately not the simulator's code: each of the two catches the other's mistakes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..catalog.endpoint import Endpoint
from ..catalog.model import Model
from ..catalog.providers import SLUGS
from ..exact_numbers import exact
from . import tags
from .bar import Bar
from .bars import KEYS as BARS
from .fields import FIELDS
from .merge import Tiers
from .precision import LADDER
from .prices import listed_price
from .requirements import LIMITS, NOTHING, TALK, Needs
from .rule import Clause
from .sides import Side
from .tags import NO_TIERS
from .terms import FAMILIES

Passes = bool | None  # None: unknown here
Tells = Callable[[str, Endpoint], Passes]

_PRICED = ("prompt", "completion", "request", "image", "audio")
# The endpoints that a request's tier admits, besides those without a tier (openrouter.md §2.7).
_ADMITTED: Mapping[str | None, tuple[str, ...]] = {
    "priority": ("priority",),
    "fast": ("priority",),
    "ultrafast": ("ultrafast", "priority"),
    "flex": ("flex",),
}
_ADMITTED_BY_VARIANT = {"nitro": "priority", "floor": "flex"}


def nobody_tells(_filter: str, _endpoint: Endpoint) -> Passes:
    """Return None: a public listing has no information about privacy and surcharges."""
    return None


@dataclass(frozen=True, slots=True)
class Asked:
    """The constraints sent to the router for one model.

    `preferences` are sent, and `sides` are their sources: if none are given, the request itself.
    `merge` and `tiers` say how they were joined.
    `set_by` has the clauses that set other fields of the request. `tells` returns, if it is known,
    whether an endpoint passes a filter on which listings have no information: `data_collection`,
    `zdr`, `enforce_distillable_text`, `regional_surcharge`; and whether a label stands for its
    family, `label_family`.
    """

    preferences: Mapping[str, Any] = field(default_factory=dict)
    needs: Needs = NOTHING
    variants: tuple[str, ...] = ()
    sides: tuple[Side, ...] = ()
    merge: str = "tighten"
    tiers: Tiers = NO_TIERS
    set_by: Mapping[str, Clause] = field(default_factory=dict)
    model: Model | None = None
    providers: frozenset[str] = frozenset(SLUGS.values())  # the slugs that providers have
    ladder: Mapping[str, float] = field(default_factory=lambda: LADDER)
    tells: Tells = nobody_tells
    bars: tuple[Bar, ...] | None = None  # None: those of all sides
    _alone: dict[int, "Asked"] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Use the request's own preferences as the only side if no sides are given."""
        if not self.sides:
            object.__setattr__(self, "sides", (Side(self.preferences),))

    def alone(self, side: Side) -> "Asked":
        """The constraints of this side only; cached, since each dropped endpoint needs them."""
        found = self._alone.get(id(side))
        if found is None:
            found = replace(self, preferences=side.own, bars=side.bars)
            self._alone[id(side)] = found
        return found

    def entries(self, name: str) -> list[str]:
        """A list of slugs, tags or labels; empty for null and for anything that is not a list."""
        value = self.preferences.get(name)
        texts = value if isinstance(value, list | tuple) else ()
        return [entry for entry in texts if isinstance(entry, str)]

    def bars_of(self, key: str) -> tuple[Bar, ...]:
        """The bars of a key that are in force."""
        of_sides = (bar for side in self.sides for bar in side.bars)
        bars = of_sides if self.bars is None else self.bars
        return tuple(bar for bar in bars if bar.key == key)

    @property
    def caps(self) -> dict[str, Any]:
        """The price caps in force."""
        caps = self.preferences.get("max_price")
        stated = caps if isinstance(caps, Mapping) else {}
        return {key: stated[key] for key in _PRICED if stated.get(key) is not None}


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: when it runs, which endpoints pass, and which parts of a request it uses.

    A gentle filter keeps every endpoint if none passes.
    """

    name: str
    runs: Callable[[Asked], bool]
    passes: Callable[[Asked, Endpoint, Sequence[Endpoint]], Passes]
    fields: tuple[str, ...] = ()  # preferences
    needs: tuple[str, ...] = ()  # other fields of the request
    gentle: bool = False

    def drops(self, asked: Asked, endpoint: Endpoint, everybody: Sequence[Endpoint]) -> bool:
        """Whether this filter certainly drops an endpoint."""
        return self.runs(asked) and self.passes(asked, endpoint, everybody) is False


# --- providers by name ------------------------------------------------------------------------


def _named(entries: Sequence[str], endpoint: Endpoint) -> Passes:
    answers = [tags.means(entry, endpoint) for entry in entries]
    return True if True in answers else (None if None in answers else False)


def _only(asked: Asked, endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    return _named(asked.entries("only"), endpoint)


def _clears(key: str) -> Callable[[Asked, Endpoint, Sequence[Endpoint]], Passes]:
    return lambda asked, endpoint, _: all(bar.admits(endpoint) for bar in asked.bars_of(key))


def _not_ignored(asked: Asked, endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    named = _named(asked.entries("ignore"), endpoint)
    return None if named is None else not named


def _in_order(asked: Asked, endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    return _named(asked.entries("order"), endpoint)


def _asked_by_tag(asked: Asked, endpoint: Endpoint) -> bool:
    return endpoint.tag in (*asked.entries("only"), *asked.entries("order"))


def _without_surcharge(asked: Asked, endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    """Whether a regional row is free of a surcharge, or named; listings don't mark surcharges."""
    charged = asked.tells("regional_surcharge", endpoint) is False
    return not charged or _asked_by_tag(asked, endpoint)


def _in_tier(asked: Asked, endpoint: Endpoint, everybody: Sequence[Endpoint]) -> Passes:
    tier = asked.needs.service_tier
    if tier == "flex" and any(other.tier == "flex" for other in everybody):
        return endpoint.tier == "flex"
    if endpoint.tier is None or _asked_by_tag(asked, endpoint):
        return True
    admitted = set(_ADMITTED.get(tier, ()))
    if tier != "default" and not asked.entries("order"):
        admitted |= {_ADMITTED_BY_VARIANT.get(variant, "") for variant in asked.variants}
    return endpoint.tier in admitted


# --- precision, privacy and price -------------------------------------------------------------


def _has_label(asked: Asked, endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    """Labels are compared as they are; a row without one matches none (openrouter.md §1.5).

    A broader label may stand for its family: the guide says so, but no traffic has shown it.
    """
    labels = asked.entries("quantizations")
    if endpoint.quantization in labels:
        return True
    family = {each for label in labels for each in FAMILIES.get(label, ())}
    return asked.tells("label_family", endpoint) if endpoint.quantization in family else False


def _is_told(name: str) -> Callable[[Asked, Endpoint, Sequence[Endpoint]], Passes]:
    return lambda asked, endpoint, _: asked.tells(name, endpoint)


def caps_exceeded(asked: Asked, endpoint: Endpoint) -> list[str]:
    """The keys of `max_price` that an endpoint is listed above."""
    return [key for key in asked.caps if _within(asked, key, endpoint) is False]


def _within(asked: Asked, key: str, endpoint: Endpoint) -> Passes:
    """Whether one price is within its cap; an equal one is, by the guide (openrouter.md §1.1)."""
    price, cap = listed_price(key, endpoint), exact(asked.caps[key])
    return None if price is None or cap is None else price <= cap


def _affordable(asked: Asked, endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    answers = [_within(asked, key, endpoint) for key in asked.caps]
    return False if False in answers else (None if None in answers else True)


# --- capabilities -----------------------------------------------------------------------------


def _supports(parameter: str) -> Callable[[Asked, Endpoint, Sequence[Endpoint]], Passes]:
    return lambda _asked, endpoint, _: parameter in endpoint.supported_parameters


def _takes_tool_choice(asked: Asked, endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    return asked.needs.tool_choice not in endpoint.tool_choices_refused


def _sees(asked: Asked, _endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    inputs = asked.model.inputs if asked.model else None
    return None if inputs is None else "image" in inputs


def _speaks(asked: Asked, _endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    outputs = asked.model.outputs if asked.model else None
    return None if outputs is None else asked.needs.outputs <= outputs


def _is_long_enough(asked: Asked, endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    """Whether prompt and answer fit the context, and the answer its own limit."""
    most, together = asked.needs.max_tokens, asked.needs.prompt_tokens + asked.needs.max_tokens
    if most > (endpoint.max_completion_tokens or most):
        return False
    return None if endpoint.context_length is None else together <= endpoint.context_length


def _takes_all_parameters(asked: Asked, endpoint: Endpoint, _: Sequence[Endpoint]) -> Passes:
    return asked.needs.parameters <= set(endpoint.supported_parameters)


def _always(_asked: Asked) -> bool:
    return True


def _lists(name: str) -> Callable[[Asked], bool]:
    return lambda asked: bool(asked.entries(name))


def _is_on(name: str) -> Callable[[Asked], bool]:
    return lambda asked: asked.preferences.get(name) == FIELDS[name].binds_at


def _has_bar(key: str) -> Callable[[Asked], bool]:
    return lambda asked: bool(asked.bars_of(key))


def _gives(parameter: str) -> Callable[[Asked], bool]:
    return lambda asked: parameter in asked.needs.parameters


# Surcharges and tiers first, then the policy's filters in the order people read them, then the
# request's needs and parameters. The order of filters changes which of them is reported for a
# dropped endpoint, never which endpoints are left; but the gentle filters look at those left, and
# an order without fallbacks comes last (openrouter.md §7).
FILTERS: tuple[Filter, ...] = (
    Filter("regional_surcharge", _always, _without_surcharge),
    Filter("service_tier", _always, _in_tier, ("order",), ("service_tier",)),
    *(Filter(key, _has_bar(key), _clears(key), (key,)) for key in BARS),
    Filter("only", _lists("only"), _only, ("only",)),
    Filter("ignore", _lists("ignore"), _not_ignored, ("ignore",)),
    Filter("quantizations", _lists("quantizations"), _has_label, ("quantizations",)),
    *(
        Filter(name, _is_on(name), _is_told(name), (name,))
        for name in ("data_collection", "zdr", "enforce_distillable_text")
    ),
    Filter("max_price", lambda asked: bool(asked.caps), _affordable, ("max_price",)),
    Filter("tools", lambda asked: asked.needs.tools, _supports("tools"), needs=("tools",)),
    Filter(
        "tool_choice",
        lambda asked: asked.needs.tools and asked.needs.tool_choice is not None,
        _takes_tool_choice,
        needs=("tool_choice",),
    ),
    Filter("images", lambda asked: asked.needs.images, _sees, needs=TALK),
    Filter("modalities", lambda asked: bool(asked.needs.outputs), _speaks, needs=("modalities",)),
    Filter(
        "context_length",
        lambda asked: bool(asked.needs.max_tokens or asked.needs.prompt_tokens),
        _is_long_enough,
        needs=LIMITS,
    ),
    Filter(
        "require_parameters",
        _is_on("require_parameters"),
        _takes_all_parameters,
        ("require_parameters",),
    ),
    *(
        Filter(name, _gives(name), _supports(name), needs=(name,), gentle=True)
        for name in ("response_format", "verbosity")
    ),
    Filter(
        "order",
        lambda asked: (
            asked.preferences.get("allow_fallbacks") is False and bool(asked.entries("order"))
        ),
        _in_order,
        ("order", "allow_fallbacks"),
    ),
)

# Those that a listing of the model's endpoints can decide by itself, whatever the request needs.
BY_LISTING: tuple[Filter, ...] = tuple(
    each
    for each in FILTERS
    if each.name in {"service_tier", "only", "ignore", "quantizations", "max_price", "order"}
)
