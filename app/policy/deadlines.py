"""The deadlines of a rule: how long an answer may take to begin, how long it may pause, and in all.

A duration is written with its unit (`30s`) and kept in clauses as it was written, so that
explanations and errors show it like the file does.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from .rule import Clause

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = r"[1-9][0-9]{0,4}(?:ms|s|m|h)"
_PARTS = re.compile(r"(?<![0-9])([0-9]+)([a-z]+)")  # a long number is read once


class Deadlines(NamedTuple):
    """In seconds; None: no deadline."""

    first_token: float | None = None  # from sending to the first event that carries a token
    stall: float | None = None  # between two pieces of progress after that
    total: float | None = None  # from the request's arrival to the end of its answer

    def tightest(self, other: Self | None) -> "Deadlines":
        """Each of the two sides' deadlines that ends first."""
        if other is None:
            return self
        return Deadlines(*map(_earlier, self, other))


DEADLINES = Deadlines._fields


def seconds_of(duration: str) -> float:
    """The seconds of a text that fits `DURATION`."""
    number, unit = _PARTS.findall(duration)[0]
    return int(number) * UNITS[unit]


def deadlines_of(standing: Mapping[str, Clause]) -> Deadlines | None:
    """The deadlines in the clauses in force; None if there is none, which is nearly always."""
    found = {key: seconds_of(standing[key].value) for key in DEADLINES if key in standing}
    return Deadlines(**found) if found else None


def behind(seconds: float, clauses: Iterable[Clause]) -> tuple[Clause, ...]:
    """The clauses, of those that set one deadline, that set it to so many seconds."""
    return tuple(clause for clause in clauses if seconds_of(clause.value) == seconds)


def in_force(
    deadlines: Deadlines | None, origins: Mapping[str, tuple[Clause, ...]]
) -> tuple[Clause, ...]:
    """The clauses behind a route's deadlines."""
    found = deadlines._asdict().items() if deadlines else ()
    return tuple(
        clause
        for key, seconds in found
        if seconds is not None
        for clause in behind(seconds, origins[key])
    )


def _earlier(one: float | None, other: float | None) -> float | None:
    return min((each for each in (one, other) if each is not None), default=None)
