"""The policy version for a page: rules, the endpoints that each allows, findings. PURE."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from ..catalog.audits import Audit
from ..catalog.catalog import Catalog, listing_key
from ..ledger.stats import Figures, Stats
from ..policy.book import Book
from ..policy.forecast.forecast import Forecast
from ..policy.forecast.funnel import Step
from ..policy.forecast.scenarios import Case, cases_of
from ..policy.lint.checks import lint
from ..policy.lint.finding import Finding
from ..policy.rule import Alias, Clause, Rule
from ..wording import plural, rules_and_aliases
from .audit_view import SIGNS
from .formats import inline_json
from .shell import AUDIT

_MOST_FUNNELS = 40  # of one rule
_LIST_ENTRY = re.compile(r"\.[0-9]+$")  # budget.0 is an entry of the key budget


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """One clause."""

    key: str
    value: str
    line: int
    anchor: str  # the link target for findings; empty if the line has one already


@dataclass(frozen=True, slots=True)
class StepLine:
    """One filter that removed endpoints, with these endpoints and the lines responsible."""

    label: str
    left: str
    fell: str


@dataclass(frozen=True, slots=True)
class AuditChip:
    """The last audit of one endpoint, and the page that has it."""

    text: str  # different, 2026-11-21
    sign: str
    href: str


@dataclass(frozen=True, slots=True)
class FunnelLine:
    """The funnel of one model's endpoints."""

    model: str
    listed: int
    steps: tuple[StepLine, ...]
    survivors: tuple[str, ...]
    audits: Mapping[str, AuditChip]  # by tag
    way_out: str | None


@dataclass(frozen=True, slots=True)
class RuleCard:
    """One rule, its results, and the endpoints that it allows."""

    name: str
    place: str
    anchor: str
    models: tuple[str, ...]
    callers: tuple[str, ...]
    user_agents: tuple[str, ...]
    headers: tuple[str, ...]
    clauses: tuple[ClauseLine, ...]
    figures: Figures | None
    funnels: tuple[FunnelLine, ...]
    funnel_note: str
    has_empty: bool


@dataclass(frozen=True, slots=True)
class AliasLine:
    """One alias."""

    name: str
    model: str
    rule: str | None
    place: str
    anchor: str
    preferences: tuple[ClauseLine, ...]


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding of lint."""

    level: str
    message: str
    place: str
    about: str  # `rule careful`, `alias fast`; empty: the files as a whole


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The findings and funnels for a policy version and a catalog, computed once for both."""

    book: Book
    catalog: Catalog
    funnels: Mapping[str, tuple[FunnelLine, ...]]  # by rule
    findings: tuple[FindingLine, ...]

    def is_of(self, book: Book, catalog: Catalog) -> bool:
        """Whether this was computed for this policy version and this catalog."""
        return self.book is book and self.catalog == catalog


def foresee(book: Book, catalog: Catalog) -> Foreseen:
    """Compute funnels by rule, and findings."""
    funnels: dict[str, dict[str, FunnelLine]] = defaultdict(dict)
    for case in cases_of(book, catalog):
        if case.forecast is not None:
            line = _funnel(case, case.forecast)
            for rule in case.route.rules:
                funnels[rule][line.model] = line
    return Foreseen(
        book,
        catalog,
        {rule: tuple(lines.values()) for rule, lines in funnels.items()},
        tuple(_finding(each, book) for each in sorted(lint(book, catalog), key=_gravity)),
    )


class Anchors:
    """Link targets for findings: each is on the page only once, even if lines are shared."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def at(self, file: str, line: int) -> str:
        """The anchor of a place; empty if it is already in use."""
        place = place_of(file, line)
        taken = place in self._used
        self._used.add(place)
        return "" if taken else place

    def href(self, place: str) -> str:
        """The link to a place on the page; empty if it is not there."""
        return f"#{place}" if place in self._used else ""


def grouped(findings: Iterable[FindingLine]) -> tuple[tuple[str, tuple[FindingLine, ...]], ...]:
    """Findings by the rule or alias that they are about, the most severe first."""
    found: dict[str, list[FindingLine]] = {}
    for finding in findings:
        found.setdefault(finding.about, []).append(finding)
    return tuple((about, tuple(each)) for about, each in found.items())


def rule_cards(foreseen: Foreseen, by_rule: Stats | None, anchors: Anchors) -> tuple[RuleCard, ...]:
    """Every rule, in the order of files and lines."""
    groups = by_rule.groups if by_rule else ()
    figures = {group.names[0]: group.figures for group in groups}
    return tuple(
        _card(rule, figures.get(rule.name), foreseen.funnels.get(rule.name, ()), anchors)
        for rule in foreseen.book.rules
    )


def alias_lines(aliases: Iterable[Alias], anchors: Anchors) -> tuple[AliasLine, ...]:
    """Every alias, with its own preferences."""
    return tuple(
        AliasLine(
            each.name,
            each.model,
            each.rule,
            place_of(each.file, each.line),
            anchors.at(each.file, each.line),
            _clauses((one for one in each.clauses.values() if one.key != "model"), anchors),
        )
        for each in aliases
    )


def place_of(file: str, line: int) -> str:
    """The file and line, without the folder, which the page names once."""
    name = file.replace(chr(92), "/").rpartition("/")[2]
    return f"{name}:{line}" if line else name


def counts_of(book: Book) -> str:
    """The size of a policy version: `2 rules and 1 alias`."""
    return rules_and_aliases(len(book.rules), len(book.aliases))


def _clauses(clauses: Iterable[Clause], anchors: Anchors) -> tuple[ClauseLine, ...]:
    return tuple(
        ClauseLine(
            _LIST_ENTRY.sub("", each.key),
            inline_json(each.value),
            each.line,
            anchors.at(each.file, each.line),
        )
        for each in clauses
    )


def _card(
    rule: Rule, figures: Figures | None, funnels: tuple[FunnelLine, ...], anchors: Anchors
) -> RuleCard:
    # Funnels that leave no endpoint come first: they matter most.
    sorted_funnels = sorted(funnels, key=lambda each: (bool(each.survivors), each.model))
    empty = sum(1 for each in funnels if not each.survivors)
    return RuleCard(
        name=rule.name,
        place=place_of(rule.file, rule.line),
        anchor=anchors.at(rule.file, rule.line),
        models=tuple(pattern.text for pattern in rule.models),
        callers=tuple(sorted(rule.callers)),
        user_agents=rule.user_agents,
        headers=tuple(f"{name}: {value}" for name, value in sorted(rule.headers)),
        clauses=_clauses(rule.clauses.values(), anchors),
        figures=figures,
        funnels=tuple(sorted_funnels[:_MOST_FUNNELS]),
        funnel_note=_funnel_note(len(funnels), empty),
        has_empty=empty > 0,
    )


def _funnel_note(models: int, empty: int) -> str:
    known = f"{plural(models, 'case')} in use"
    shown = f", the first {_MOST_FUNNELS} shown" if models > _MOST_FUNNELS else ""
    return f"{known}, {empty} without an endpoint{shown}" if empty else known + shown


def _funnel(case: Case, forecast: Forecast) -> FunnelLine:
    found = forecast.funnel
    told = (step for step in found.steps if step.dropped or step.unsure)
    return FunnelLine(
        model=str(case),
        listed=len(found.endpoints),
        steps=tuple(map(_step, told)),
        survivors=tuple(dict.fromkeys(endpoint.tag for endpoint in found.survivors)),
        audits={tag: _audit(forecast.model, audit) for tag, audit in forecast.audits.items()},
        way_out=f"Smallest change: {forecast.way_out}" if forecast.way_out else None,
    )


def _audit(model: str, audit: Audit) -> AuditChip:
    page = f"{AUDIT}?{urlencode({'model': listing_key(model)}, safe='/:')}"
    return AuditChip(f"{audit.verdict}, {audit.date}", SIGNS[audit.verdict], page)


def _step(step: Step) -> StepLine:
    fell = "; ".join(f"{drop.endpoint.tag}: {drop.because}" for drop in step.dropped)
    unsure = f"{step.unsure} of them uncertain from the listing" if step.unsure else ""
    left = f"{step.left}{'?' if step.unsure else ''}"
    return StepLine(step.label, left, "; ".join(filter(None, (fell, unsure))))


def _gravity(finding: Finding) -> int:
    return ("error", "warning", "note").index(finding.severity)


def _finding(finding: Finding, book: Book) -> FindingLine:
    place = place_of(finding.file, finding.line)
    return FindingLine(finding.severity, finding.message, place, _about(finding.where, book))


def _about(where: str, book: Book) -> str:
    """The rule or alias that `rules.precise.only` is in; names may contain dots."""
    kind, _, rest = where.partition(".")
    known = book.aliases if kind == "aliases" else (rule.name for rule in book.rules)
    names = [name for name in known if rest == name or rest.startswith(f"{name}.")]
    return f"{'alias' if kind == 'aliases' else 'rule'} {max(names, key=len)}" if names else ""
