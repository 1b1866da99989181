"""The way out of an empty funnel: the fewest clauses to loosen so that one endpoint is left.

Every endpoint is looked at by itself: which filters it fails, and what each would have to let
through. Of the ways that change the fewest clauses, the one is told that costs least of what a
policy is for: naming a provider before paying more, that before precision, that before privacy;
and what the request itself needs comes last, since no policy can give that up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec

from app.catalog.endpoint import Endpoint
from app.exact_numbers import exact, plainly
from app.policy.filters import FILTERS, Asked, caps_exceeded, listed_price, means
from app.policy.funnel import funnel
from app.policy.precision import UNKNOWN
from app.policy.rule import Clause

Way = Callable[[Asked, Endpoint], Iterator["Change"]]

REQUEST = "request."  # how the key of a change begins that the request would have to make


@dataclass(frozen=True, slots=True)
class Change:
    """One clause to loosen, and the preference that would be sent then (None: left out)."""

    key: str  # the preference, or the price in it: max_price.completion
    text: str
    sent: Any
    clauses: tuple[Clause, ...]
    harm: float  # what is given up: the lower, the sooner

    def __str__(self) -> str:
        """Render as `max_price.completion: 2 -> 2.5`."""
        return self.text


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Changes that, made together, let one endpoint through."""

    endpoint: Endpoint
    changes: tuple[Change, ...]

    def __str__(self) -> str:
        """Render for people, with the endpoint that it would let through."""
        return f"{' and '.join(self.clauses)} (lets {self.endpoint.tag} through)"

    @property
    def clauses(self) -> tuple[str, ...]:
        """What to change, each thing once: a pin is two preferences, but one clause."""
        return tuple(dict.fromkeys(map(str, self.changes)))


def smallest_relaxation(endpoints: Sequence[Endpoint], asked: Asked) -> Relaxation | None:
    """The least that must be loosened so that somebody is left of an empty funnel.

    None where nothing is offered, or nothing that the policy or the request asks stands in the way.
    """
    ways = [Relaxation(e, tuple(_changes(asked, e, endpoints))) for e in endpoints]
    helpful = (way for way in sorted(ways, key=_cost) if _helps(way, asked, endpoints))
    return next(helpful, None)


def _helps(way: Relaxation, asked: Asked, endpoints: Sequence[Endpoint]) -> bool:
    """Whether somebody is left then: a gentle filter could still prefer who falls later."""
    without: dict[str, Any] = {}
    for change in way.changes:
        if change.key.startswith(REQUEST):
            without |= _NEEDS[change.key.removeprefix(REQUEST)][1]
    loose = replace(
        asked,
        preferences=loosened(asked.preferences, way),
        needs=replace(asked.needs, **without),
    )
    return bool(way.changes and funnel(endpoints, loose).survivors)


def loosened(preferences: Mapping[str, Any], relaxation: Relaxation) -> dict[str, Any]:
    """The preferences after a relaxation, which `REQUEST` changes leave alone."""
    loose = dict(preferences)
    for change in relaxation.changes:
        name, _, part = change.key.partition(".")
        if part and name in loose:
            loose[name] = {**loose[name], part: change.sent}
        elif not change.key.startswith(REQUEST):
            loose[name] = change.sent
    return loose


def _cost(way: Relaxation) -> tuple[bool, int, float, str]:
    impossible = any(change.key.startswith(REQUEST) for change in way.changes)
    harm = sum(change.harm for change in way.changes)
    return (impossible, len(way.clauses), harm, way.endpoint.tag)


def _changes(asked: Asked, endpoint: Endpoint, everybody: Sequence[Endpoint]) -> Iterable[Change]:
    failed = [
        each.name
        for each in FILTERS
        if each.runs(asked) and not each.gentle and each.passes(asked, endpoint, everybody) is False
    ]
    changes = (change for name in failed for change in _WAYS[name](asked, endpoint))
    return {(change.key, change.text): change for change in changes}.values()


# --- one way for each filter ------------------------------------------------------------------


def _must_be_named(asked: Asked, endpoint: Endpoint) -> bool:
    """Whether a row is only for those who name it by its tag."""
    return bool(endpoint.tier) or asked.tells("regional_surcharge", endpoint) is False


def _add_to(name: str) -> Way:
    def add(asked: Asked, endpoint: Endpoint) -> Iterator[Change]:
        clauses = asked.origins.get(name, ())
        called = "pin" if any(clause.key == "pin" for clause in clauses) else name
        entry = endpoint.tag if _must_be_named(asked, endpoint) else endpoint.provider
        yield Change(name, f"{called}: add {entry}", [*asked.entries(name), entry], clauses, 0)

    return add


def _name_it(asked: Asked, endpoint: Endpoint) -> Iterator[Change]:
    if asked.needs.service_tier == "flex" and endpoint.tier != "flex":
        yield from _without("service_tier")(asked, endpoint)
    if _must_be_named(asked, endpoint):
        yield from _add_to("only" if asked.entries("only") else "order")(asked, endpoint)


def _stop_ignoring(asked: Asked, endpoint: Endpoint) -> Iterator[Change]:
    entries = asked.entries("ignore")
    kept = [entry for entry in entries if not means(entry, endpoint)]
    named = ", ".join(entry for entry in entries if entry not in kept)
    text = f"ignore: leave out {named}"
    yield Change("ignore", text, kept, asked.origins.get("ignore", ()), 2)


def _loosen_precision(asked: Asked, endpoint: Endpoint) -> Iterator[Change]:
    label = endpoint.quantization
    sent = None if label is None else [*asked.entries("quantizations"), label]
    harm = 4 + 1 / (1 + asked.ladder.get(label or "", 0))
    clauses = asked.origins.get("quantizations", ())
    told = [text for clause in clauses if (text := _precision_text(clause, label, asked.ladder))]
    if label == UNKNOWN and not any(c.key == "unknown_quantization" for c in clauses):
        told += [
            "unknown_quantization: auto -> allow"
            for clause in clauses
            if clause.key == "quantization_floor"
        ]
    for text in told or [f"quantizations: {f'add {label}' if label else 'leave it out'}"]:
        yield Change("quantizations", text, sent, clauses, harm)


def _precision_text(clause: Clause, label: str | None, ladder: Mapping[str, float]) -> str | None:
    """What one clause would have to say to let a label through; None where it does."""
    if clause.key == "quantization_floor" and label != UNKNOWN:
        if label is None or label not in ladder:
            return f"quantization_floor: {clause.value} -> left out"
        below = ladder[label] < ladder[clause.value]
        return f"quantization_floor: {clause.value} -> {label}" if below else None
    if clause.key == "unknown_quantization" and label not in ladder:
        return None if clause.value == "allow" else f"unknown_quantization: {clause.value} -> allow"
    if clause.key == "quantizations" and label not in clause.value:
        return f"quantizations: add {label}" if label else "quantizations: leave it out"
    return None


def _pay(asked: Asked, endpoint: Endpoint) -> Iterator[Change]:
    for key in caps_exceeded(asked, endpoint):
        name, cap = f"max_price.{key}", asked.caps[key]
        price = listed_price(key, endpoint) or Decimal(0)
        clauses = tuple(c for c in asked.origins.get("max_price", ()) if c.key == name)
        text = f"{name}: {cap} -> {plainly(price)}"
        yield Change(name, text, _number(price), clauses, 1 + _share(price, exact(cap)))


def _share(price: Decimal, cap: Decimal | None) -> float:
    """How much dearer, from 0 to 1: what a price is above its cap, as a share of the price."""
    return float((price - max(cap or Decimal(0), Decimal(0))) / price) if price else 1.0


def _number(price: Decimal) -> float | str:
    """As JSON's number where that says exactly the same, else as text; both are in use."""
    number = float(price)
    return number if Decimal(str(number)) == price else plainly(price)


def _turn_off(name: str, to: Any, harm: float) -> Way:
    def turn_off(asked: Asked, _endpoint: Endpoint) -> Iterator[Change]:
        now, then = (msgspec.json.encode(value).decode() for value in (asked.preferences[name], to))
        text = f"{name}: {now} -> {then}".replace('"', "")
        yield Change(name, text, to, asked.origins.get(name, ()), harm)

    return turn_off


def _without(need: str) -> Way:
    def without(_asked: Asked, _endpoint: Endpoint) -> Iterator[Change]:
        yield Change(f"{REQUEST}{need}", f"a request without {_NEEDS[need][0]}", None, (), 6)

    return without


# What a request would be without each need: in words, and as needs.
_NEEDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "service_tier": ("its service_tier", {"service_tier": None}),
    "tools": ("tools", {"tools": False}),
    "tool_choice": ("its tool_choice", {"tool_choice": None}),
    "images": ("images", {"images": False}),
    "modalities": ("these output modalities", {"outputs": frozenset()}),
    "context_length": ("so many tokens", {"max_tokens": 0, "prompt_tokens": 0}),
}

_WAYS: Mapping[str, Way] = {
    "regional_surcharge": _name_it,
    "service_tier": _name_it,
    "only": _add_to("only"),
    "ignore": _stop_ignoring,
    "quantizations": _loosen_precision,
    "data_collection": _turn_off("data_collection", "allow", 5),
    "zdr": _turn_off("zdr", to=False, harm=5),
    "enforce_distillable_text": _turn_off("enforce_distillable_text", to=False, harm=5),
    "max_price": _pay,
    **{
        need: _without(need)
        for need in ("tools", "tool_choice", "images", "modalities", "context_length")
    },
    "require_parameters": _turn_off("require_parameters", to=False, harm=3),
    "order": _add_to("order"),
}
