"""The ways to loosen each filter for one endpoint: the values that its side would need."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from ...catalog.audits import DIFFERENT
from ...catalog.endpoint import Endpoint
from ...exact_numbers import exact, plainly
from .. import tags
from ..audited import KEY as AUDITED
from ..audited import AuditedOnly
from ..filters import Asked, caps_exceeded
from ..precision import UNKNOWN
from ..prices import listed_price, per_million
from ..rule import Clause
from ..score_floor import KEY as SCORE_FLOOR
from ..score_floor import ScoreFloor
from ..sides import Side
from .blame import Cause, clauses_of, must_be_named
from .nearness import strangers

# The harm of a change, the least first: naming a provider before paying more, that before scores
# and precision, that before privacy; the request's own needs come last: no policy can give them up.
NAME, PRICE, IGNORED, PARAMETERS, QUALITY, PRECISION, PRIVACY, NEED = range(8)

_MOST_NAMED = 3  # parameters in one message


@dataclass(frozen=True, slots=True)
class Change:
    """One change, in words and as the side's new value."""

    text: str
    side: Side | None  # None: another field of the request
    key: str  # the preference, or the price in it: max_price.completion; else the need
    value: Any  # None: left out
    harm: int  # one of the above
    amount: Decimal = Decimal(0)  # how much of it, to compare with the same kind of harm

    def __str__(self) -> str:
        """Render as `max_price.completion: 2 -> 2.5`."""
        return self.text


@dataclass(frozen=True, slots=True)
class Fall:
    """One endpoint that is dropped by one cause, among the other endpoints of its model."""

    cause: Cause
    asked: Asked
    endpoint: Endpoint
    everybody: Sequence[Endpoint]

    @property
    def side(self) -> Side:
        """The side to change: the cause, else the last side: the request's own, if it has one."""
        return self.cause.side or self.asked.sides[-1]


Way = Callable[[Fall], Iterator[Change]]


def changes_for(fall: Fall) -> Iterator[Change]:
    """The changes that would let the endpoint pass, for this cause."""
    return WAYS[fall.cause.filter.name](fall)


def _entries(side: Side, name: str) -> list[str]:
    return Asked(side.own).entries(name)


def _text(side: Side, name: str, what: str, otherwise: str = "") -> str:
    """What to change, and where: in a policy the key is enough, since its line is shown too."""
    if side.is_request:
        return f"provider.{name} in the request: {what}{otherwise}"
    return f"{name}: {what}"


def _or_without(fall: Fall, name: str) -> str:
    """The alternative of removing the request's value; none if a policy's would replace it."""
    filled = any(name in (side.whole or {}) for side in fall.asked.sides)
    return "" if filled else " (or remove it)"


# --- which providers --------------------------------------------------------------------------


def _add_to(fall: Fall, side: Side, name: str) -> Iterator[Change]:
    endpoint = fall.endpoint
    pinned = any(clause.key == "pin" for clause in side.clauses(name))
    entry = endpoint.tag if must_be_named(fall.asked, endpoint) else endpoint.provider
    entries = _entries(side, name)
    providers = fall.asked.providers | {each.provider for each in fall.everybody}
    odd = strangers(entries, providers)
    slip = next((each for each, meant in odd.items() if meant == endpoint.provider), None)
    if slip is not None:
        what = f"{slip} is not a provider, write {entry}"
        value = [entry if each == slip else each for each in entries]
    else:
        unknown = f"{next(iter(odd))} is not a provider, " if odd else ""
        what, value = f"{unknown}add {entry}", [*entries, entry]
    text = _text(side, "pin" if pinned else name, what, _or_without(fall, name) if entries else "")
    yield Change(text, side, name, value, NAME)


def _add(fall: Fall) -> Iterator[Change]:
    """Add to the side's own list; a side that only forbids fallbacks has none."""
    name = fall.cause.filter.name
    if _entries(fall.side, name):
        yield from _add_to(fall, fall.side, name)


def _name_it(fall: Fall) -> Iterator[Change]:
    asked, need = fall.asked, fall.cause.filter.name
    if need == "service_tier" and asked.needs.service_tier == "flex" != fall.endpoint.tier:
        yield from _do_without(fall)
    if must_be_named(asked, fall.endpoint):
        name = "only" if asked.entries("only") else "order"
        yield from _add_to(fall, _names_it(fall, name), name)


def _names_it(fall: Fall, name: str) -> Side:
    """The side to name an endpoint: one that already names others, if its value is in force.

    A policy that allows one endpoint accepts no order but its own.
    """
    asked = fall.asked
    takes_one = (
        side
        for side in asked.sides
        if name == "order"
        and not side.is_request
        and side.preferences.get("allow_fallbacks") is False
    )
    stating = (side for side in asked.sides if _entries(side, name))
    own = next(takes_one, None) if asked.merge != "fill" else None
    return own or next(stating, fall.side)


def _stop_ignoring(fall: Fall) -> Iterator[Change]:
    entries = _entries(fall.side, "ignore")
    kept = [entry for entry in entries if not tags.means(entry, fall.endpoint)]
    named = ", ".join(entry for entry in entries if entry not in kept)
    yield Change(_text(fall.side, "ignore", f"remove {named}"), fall.side, "ignore", kept, IGNORED)


# --- scores and audits ------------------------------------------------------------------------


def _lower_the_floor(fall: Fall) -> Iterator[Change]:
    """To the endpoint's own scores, or without the need of any.

    None if it is dropped for the score of another endpoint of its provider.
    """
    side, bar = fall.side, fall.side.bar(SCORE_FLOOR)
    assert isinstance(bar, ScoreFloor)  # noqa: S101 - only a side with a floor is the cause here
    scores = {n: s for n, s in bar.scores.items() if tags.means(n, fall.endpoint) is not False}
    short = {name: least for each in scores for name, least in bar.falls_short(each).items()}
    lacks = not any(found.keys() >= bar.floors.keys() for found in scores.values())
    value: dict[str, Any] = {**bar.value, **{n: float(least) for n, least in short.items()}}
    texts = [
        f"{SCORE_FLOOR}.{name}: {plainly(bar.floors[name])} -> {plainly(least)}"
        for name, least in short.items()
    ]
    if not bar.is_lax and (bar.doubt or lacks):
        value["unscored"] = "allow"
        texts.append(f"{SCORE_FLOOR}.unscored: deny -> allow")
    lost = sum((bar.floors[name] - least for name, least in short.items()), Decimal(0))
    if texts:
        yield Change(" and ".join(texts), side, SCORE_FLOOR, value, QUALITY, lost)


def _accept_the_verdict(fall: Fall) -> Iterator[Change]:
    """By the endpoint's own verdict, or without the need of one.

    None if it is dropped for the verdict on another endpoint of its provider.
    """
    side, bar = fall.side, fall.side.bar(AUDITED)
    assert isinstance(bar, AuditedOnly)  # noqa: S101 - only a side with one is the cause here
    audit = bar.of(fall.endpoint.tag)
    if audit is None:
        if not bar.is_lax:
            value = {**bar.value, bar.lax: "allow"}
            yield Change(f"{AUDITED}.unaudited: deny -> allow", side, AUDITED, value, QUALITY, _A)
    elif audit.verdict == DIFFERENT:
        text = f"{AUDITED}: remove it (the last audit says {DIFFERENT})"
        yield Change(text, side, AUDITED, None, QUALITY, _A * 2)
    elif not bar.passes(audit):
        value = {**bar.value, "verdict": "not_different"}
        yield Change(f"{AUDITED}.verdict: same -> not_different", side, AUDITED, value, QUALITY, _A)


_A = Decimal(1)  # as much as a whole benchmark

# --- precision and price ----------------------------------------------------------------------


def _loosen_precision(fall: Fall) -> Iterator[Change]:
    label, ladder = fall.endpoint.quantization, fall.asked.ladder
    lost = Decimal(1) / Decimal(str(1 + ladder.get(label or "", 0)))
    for side in (fall.side, *_next_to_speak(fall)):
        value = None if label is None else [*_entries(side, "quantizations"), label]
        for text in _precision_texts(fall, side):
            yield Change(text, side, "quantizations", value, PRECISION, lost)


def _next_to_speak(fall: Fall) -> list[Side]:
    """The policies whose list applies once the request leaves its own out."""
    if not fall.side.is_request or fall.endpoint.quantization is not None:
        return []
    return [side for side in fall.asked.sides if "quantizations" in (side.whole or {})]


def _precision_texts(fall: Fall, side: Side) -> list[str]:
    label = fall.endpoint.quantization
    clauses = clauses_of(fall.cause.filter, side, fall.asked, fall.endpoint)
    if side.is_request:
        otherwise = _or_without(fall, "quantizations") if label else ""
        what = f"add {label}" if label else "remove it"
        return [_text(side, "quantizations", what, otherwise)]
    return [_precision_text(clause, label, fall.asked.ladder) for clause in clauses]


def _precision_text(clause: Clause, label: str | None, ladder: Mapping[str, float]) -> str:
    """The value that would stop a clause from excluding a label."""
    if clause.key == "quantizations":
        return f"quantizations: add {label}" if label else "quantizations: remove it"
    if clause.key == "unknown_quantization":
        return f"unknown_quantization: {clause.value} -> allow"
    if label == UNKNOWN:
        return "unknown_quantization: auto -> allow"
    return f"quantization_floor: {clause.value} -> {label if label in ladder else 'removed'}"


def _pay(fall: Fall) -> Iterator[Change]:
    side = fall.side
    alone = fall.asked.alone(side)
    for key in caps_exceeded(alone, fall.endpoint):
        price = listed_price(key, fall.endpoint) or Decimal(0)
        cap = exact(alone.caps[key]) or Decimal(0)
        otherwise = _or_without(fall, "max_price")
        text = _text(side, f"max_price.{key}", f"{plainly(cap)} -> {plainly(price)}", otherwise)
        added = per_million(key, price - cap)
        yield Change(text, side, f"max_price.{key}", _number(price), PRICE, added)


def _number(price: Decimal) -> float | str:
    """As a JSON number if that is exactly the same value, else as text; both are in use."""
    number = float(price)
    return number if Decimal(str(number)) == price else plainly(price)


def _turn_off(name: str, to: Any) -> Way:
    def turn_off(fall: Fall) -> Iterator[Change]:
        yield Change(_switched(fall.side, name, to), fall.side, name, to, PRIVACY)

    return turn_off


def _switched(side: Side, name: str, to: Any) -> str:
    now, then = (msgspec.json.encode(each).decode() for each in (side.preferences[name], to))
    return _text(side, name, f"{now} -> {then}".replace('"', ""))


# --- capabilities -----------------------------------------------------------------------------


def _leave_parameters(fall: Fall) -> Iterator[Change]:
    name, asked = "require_parameters", fall.asked
    missing = sorted(asked.needs.parameters.difference(fall.endpoint.supported_parameters))
    supported = {each for endpoint in fall.everybody for each in endpoint.supported_parameters}
    lacking = (
        "no endpoint supports" if supported.isdisjoint(missing) else f"{fall.endpoint.tag} lacks"
    )
    where = "`set`" if set(missing) <= asked.set_by.keys() else "the request"
    text = (
        f"{lacking} {_some(missing)}: remove it from {where}, "
        f"or {_switched(fall.side, name, to=False)}"
    )
    yield Change(text, fall.side, name, False, PARAMETERS, Decimal(len(missing)))


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - _MOST_NAMED} more" if len(words) > _MOST_NAMED else ""
    return ", ".join(words[:_MOST_NAMED]) + more


def _do_without(fall: Fall) -> Iterator[Change]:
    need = fall.cause.filter.name
    set_here = [name for name in fall.cause.filter.needs if name in fall.asked.set_by]
    if set_here:
        yield Change(f"set.{set_here[0]}: remove it", None, need, None, PARAMETERS)
    else:
        yield Change(f"a request without {NEEDS[need][0]}", None, need, None, NEED)


# A request without each need: in words, and as needs.
NEEDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "service_tier": ("its service_tier", {"service_tier": None}),
    "tools": ("tools", {"tools": False}),
    "tool_choice": ("its tool_choice", {"tool_choice": None}),
    "images": ("images", {"images": False}),
    "modalities": ("these output modalities", {"outputs": frozenset()}),
    "context_length": ("so many tokens", {"max_tokens": 0, "prompt_tokens": 0}),
}

WAYS: Mapping[str, Way] = {
    "regional_surcharge": _name_it,
    "service_tier": _name_it,
    "score_floor": _lower_the_floor,
    "audited": _accept_the_verdict,
    "only": _add,
    "ignore": _stop_ignoring,
    "quantizations": _loosen_precision,
    "data_collection": _turn_off("data_collection", "allow"),
    "zdr": _turn_off("zdr", to=False),
    "enforce_distillable_text": _turn_off("enforce_distillable_text", to=False),
    "max_price": _pay,
    "tools": _do_without,
    "tool_choice": _do_without,
    "images": _do_without,
    "modalities": _do_without,
    "context_length": _do_without,
    "require_parameters": _leave_parameters,
    "order": _add,
}
