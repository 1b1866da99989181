"""Lint's findings, and the input of its checks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ...catalog.catalog import Catalog
from ..book import Book
from ..forecast.forecast import Forecast
from ..forecast.scenarios import Case
from ..rule import ALIAS, Alias, Clause, Rule

Place = Clause | Rule | Alias
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem found by lint, and the remedy."""

    severity: Severity
    code: str
    file: str
    line: int  # 0: it is about the file or folder as a whole
    where: str  # rules.precise.only; empty: about the whole file or folder
    message: str

    def __str__(self) -> str:
        """Render with the place first, which terminals and editors link."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        where = f"{self.where}: " if self.where else ""
        return f"{place}: {self.severity}: {where}{self.message} [{self.code}]"


@dataclass(frozen=True, slots=True)
class Subject:
    """The input of a check: a book, the catalog, and the models that rules apply to.

    `callers`: the names that callers can have; None if not known. `forwarded`: the headers that
    the settings add to those that are forwarded, by name or prefix; None if not known.
    """

    book: Book
    catalog: Catalog
    cases: tuple[Case, ...]
    callers: frozenset[str] | None = None
    forwarded: tuple[str, ...] | None = None

    @property
    def clauses(self) -> Iterator[Clause]:
        """Every clause that was written."""
        things: tuple[Rule | Alias, ...] = (*self.book.rules, *self.book.aliases.values())
        for thing in things:
            yield from thing.clauses.values()

    @property
    def foreseen(self) -> Iterator[tuple[Case, Forecast]]:
        """The cases whose endpoints are known."""
        return ((case, case.forecast) for case in self.cases if case.forecast is not None)

    def cases_under(self, clause: Clause) -> list[Case]:
        """The cases that a clause's rule or alias applies to."""
        alias = clause.rule.removeprefix(ALIAS) if clause.rule.startswith(ALIAS) else None
        return [
            case
            for case in self.cases
            if (case.route.alias == alias if alias else clause.rule in case.route.rules)
        ]


def at(place: Place, severity: Severity, message: str) -> Finding:
    """A finding at a clause, a rule or an alias; the table of checks gives it its code."""
    if isinstance(place, Clause):
        own = place.rule.startswith(ALIAS)
        thing = f"aliases.{place.rule.removeprefix(ALIAS)}" if own else f"rules.{place.rule}"
        where = f"{thing}.{place.key}"
    else:
        where = f"{'rules' if isinstance(place, Rule) else 'aliases'}.{place.name}"
    return Finding(severity, "", place.file, place.line, where, message)
