"""The funnel: a model's endpoints, filter by filter, and the cause of each drop.

It predicts which endpoints of a listing OpenRouter's router would leave, and explains a 404
afterwards (openrouter.md §1.3 to §1.6, §2.7, §3.5).

Rule 1  Filters come before any fallback, so an endpoint that is dropped here is never tried.
Rule 2  Facts that no listing has (zero retention, data policy, distillation) are not guessed: such
        an endpoint stays, and is counted as unsure. Counts after it are "at most".
Rule 3  An order is a filter only with `allow_fallbacks: false`. That setting without an order
        leaves one of the remaining endpoints; which one is unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ...catalog.endpoint import Endpoint
from ..filters import FILTERS, Asked, Filter, Passes
from ..rule import Clause
from ..sides import Behind
from .blame import behind

_FOR_THOSE_WHO_NAME_IT = "only requests that name its tag use it"


@dataclass(frozen=True, slots=True)
class Drop:
    """One dropped endpoint, and the cause."""

    endpoint: Endpoint
    filter: str
    behind: Behind

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """The policy's clauses that caused it."""
        return self.behind.clauses

    @property
    def because(self) -> str:
        """The cause, for people."""
        return str(self.behind) or _FOR_THOSE_WHO_NAME_IT


@dataclass(frozen=True, slots=True)
class Step:
    """One filter that ran, and the endpoints left after it."""

    filter: str
    label: str  # the name for people: fp8+ for a floor
    left: int
    dropped: tuple[Drop, ...]
    unsure: int  # of those left, how many may not really pass

    def __str__(self) -> str:
        """Render as `only 5`; `zdr 3?` if it is unknown for some of the three."""
        return f"{self.label} {self.left}{'?' if self.unsure else ''}"


@dataclass(frozen=True, slots=True)
class Funnel:
    """The filters run over a model's endpoints, and their results."""

    endpoints: tuple[Endpoint, ...]
    steps: tuple[Step, ...]  # every filter that ran, even if it dropped nothing
    survivors: tuple[Endpoint, ...]

    @property
    def dropped(self) -> tuple[Drop, ...]:
        """All dropped endpoints, in the order of the filters."""
        return tuple(drop for step in self.steps for drop in step.dropped)

    @property
    def unsure(self) -> tuple[str, ...]:
        """The filters that a listing can't decide."""
        return tuple(step.filter for step in self.steps if step.unsure)

    def __str__(self) -> str:
        """Render as `11 -> only 5 -> fp8+ 3 -> zdr 1 -> max_price 0`."""
        told = (step for step in self.steps if step.dropped or step.unsure)
        return " -> ".join((str(len(self.endpoints)), *map(str, told)))


def funnel(endpoints: Sequence[Endpoint], asked: Asked) -> Funnel:
    """Run every requested filter over a model's endpoints."""
    left: _Left = [(endpoint, True) for endpoint in endpoints]
    steps: list[Step] = []
    for each in FILTERS:
        if each.runs(asked):
            left, step = _run(each, asked, left, endpoints)
            steps.append(step)
    return Funnel(tuple(endpoints), tuple(steps), tuple(endpoint for endpoint, _ in left))


_Left = list[tuple[Endpoint, bool]]  # each with whether it certainly remains


def _run(
    each: Filter, asked: Asked, left: _Left, everybody: Sequence[Endpoint]
) -> tuple[_Left, Step]:
    answers = [each.passes(asked, endpoint, everybody) for endpoint, _ in left]
    if each.gentle:
        answers = _gently(answers, [sure for _, sure in left])
    pairs = list(zip(left, answers, strict=True))
    kept = [(e, sure and passes is True) for (e, sure), passes in pairs if passes is not False]
    fell = [endpoint for (endpoint, _), passes in pairs if passes is False]
    drops = tuple(Drop(e, each.name, behind(each, asked, e, everybody)) for e in fell)
    return kept, Step(each.name, _label(each, asked), len(kept), drops, answers.count(None))


def _gently(answers: list[Passes], sure: Sequence[bool]) -> list[Passes]:
    """Drop failing endpoints only if others pass; if all others are unsure, they stay, unsure."""
    if True not in answers:
        return [True] * len(answers)
    if (True, True) in zip(answers, sure, strict=True):
        return answers
    return [passes or None for passes in answers]


def _label(each: Filter, asked: Asked) -> str:
    """The policy's name for a filter, if the filter uses the policy's own value."""
    sent = asked.preferences.get(each.name)
    for side in asked.sides:
        own = side.clauses(each.name) if side.preferences.get(each.name) == sent else ()
        for clause in own:
            if clause.key == "quantization_floor":
                return f"{clause.value}+"
            if clause.key == "pin":
                return clause.key
    return each.name
