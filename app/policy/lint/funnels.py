"""Findings from each model's funnel: which endpoints are left, and which ones prices exclude."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from ...catalog.endpoint import Endpoint
from ...exact_numbers import exact, plainly
from ...wording import listed
from ..bar import Bar
from ..forecast.forecast import Forecast
from ..forecast.funnel import funnel
from ..forecast.scenarios import Case
from ..prices import PER_MILLION, listed_price
from ..rule import Alias, Clause, Rule
from ..score_floor import KEY as SCORE_FLOOR
from .finding import Finding, Place, Severity, Subject, at


def conflict(subject: Subject) -> Iterator[Finding]:
    """Cases for which the rules contradict each other, so that requests are always refused."""
    for case in subject.cases:
        if case.route.conflict and not any(map(_is_told_apart, case.route.bars)):
            message = f"{case} is always refused: {case.route.conflict}"
            yield at(place_of(subject, case), "error", message)


def _is_told_apart(bar: Bar) -> bool:
    """Whether another check finds what this bar refuses: facts that are missing, or floors."""
    return bool(bar.refusal) and (bar.doubt is not None or bar.key == SCORE_FLOOR)


def empty_funnel(subject: Subject) -> Iterator[Finding]:
    """Models with no endpoint left; an error if the model is named in full."""
    told: list[_Told] = [
        (case, "error" if case.named else "warning", _nobody_left(case, each))
        for case, each in subject.foreseen
        if each.is_empty
    ]
    yield from _by_place(subject, told)


def _nobody_left(case: Case, each: Forecast) -> str:
    way_out = f"; smallest change: {each.way_out}" if each.way_out else ""
    return f"no endpoint is left for {case}: {each.funnel}{way_out}"


def single_endpoint(subject: Subject) -> Iterator[Finding]:
    """Models with one endpoint left of several; only a note if the policy asked for that."""
    told: list[_Told] = []
    for case, each in subject.foreseen:
        left = each.funnel.survivors
        if len(left) == 1 and len(each.funnel.endpoints) > 1:
            meant = not case.named or len(each.asked.entries("only")) == 1
            message = (
                f"only {left[0].tag} is left for {case}: {each.funnel}; "
                "if it is down, requests fail"
            )
            told.append((case, "note" if meant else "warning", message))
    yield from _by_place(subject, told)


_Told = tuple[Case, Severity, str]


def _by_place(subject: Subject, told: Iterable[_Told]) -> Iterator[Finding]:
    """A finding for each model named in full; those of patterns share one finding per place."""
    of_patterns: dict[Place, list[_Told]] = {}
    for each in told:
        case, severity, message = each
        place = _last_to_drop(subject, case)
        if case.named:
            yield at(place, severity, message)
        else:
            of_patterns.setdefault(place, []).append(each)
    for place, ((_, severity, message), *others) in of_patterns.items():
        more = f"; the same for {listed(str(case) for case, *_ in others)}" if others else ""
        yield at(place, severity, message + more)


def place_of(subject: Subject, case: Case) -> Rule | Alias:
    """The source of a case, if no clause is the cause."""
    if case.route.alias:
        return subject.book.aliases[case.route.alias]
    return next(rule for rule in subject.book.rules if rule.name == case.route.rules[0])


def _last_to_drop(subject: Subject, case: Case) -> Place:
    """The clause that dropped the last endpoints."""
    drops = case.forecast.funnel.dropped if case.forecast else ()
    blamed = [drop.clauses[0] for drop in drops if drop.clauses]
    return blamed[-1] if blamed else place_of(subject, case)


def tight_max_price(subject: Subject) -> Iterator[Finding]:
    """Caps at or below every price of the endpoints that pass all other filters."""
    below: dict[Clause, list[str]] = {}
    equal: dict[Clause, list[str]] = {}
    for case, each in subject.foreseen:
        uncapped = {k: v for k, v in each.asked.preferences.items() if k != "max_price"}
        others = funnel(each.funnel.endpoints, replace(each.asked, preferences=uncapped)).survivors
        for clause in case.route.origins.get("max_price", ()):
            least = _lowest(clause.key.removeprefix("max_price."), others)
            cap = exact(clause.value)
            if least and cap is not None and cap <= least:
                (equal if cap == least else below).setdefault(clause, []).append(
                    f"{case} (from {plainly(least)})"
                )
    for clause, models in below.items():
        message = f"{clause.value} is below every list price of {listed(models)}"
        yield at(clause, "warning", message)
    for clause, models in equal.items():
        message = (
            f"{clause.value} is exactly the lowest list price of {listed(models)}, and OpenRouter "
            "has refused that; write slightly more"
        )
        yield at(clause, "warning", message)


def _lowest(key: str, endpoints: Iterable[Endpoint]) -> Decimal | None:
    """The lowest price per million; None if there is none, or if it is zero."""
    if key not in PER_MILLION:
        return None
    prices = [price for e in endpoints if (price := listed_price(key, e)) is not None]
    return min(prices, default=None) or None
