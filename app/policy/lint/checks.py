"""Lint: finds parts of a book that will not do what they seem to say.

Syntax errors and contradictions are refused when files are read; findings here are valid, but
probably not intended. A check is a function in a table; docs/check.md has an example of each.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ...catalog.catalog import EMPTY, Catalog
from ...wording import listed
from ..book import Book
from ..forecast.scenarios import Case, cases_of
from ..precision import UNKNOWN, weights_of
from ..rule import Clause
from ..slug import read_slug
from .affinity import hint_beside_order, order_without_stickiness
from .audits import audited_different, no_audits
from .budgets import budget_without_callers
from .caps import cap_refuses
from .finding import Finding, Subject, at
from .funnels import conflict, empty_funnel, single_endpoint, tight_max_price
from .headers import header_not_forwarded
from .names import (
    unknown_alias_model,
    unknown_caller,
    unknown_model,
    unknown_provider,
    unmatched_entry,
)
from .scores import (
    no_scores,
    stale_scores,
    unknown_benchmark,
    unreached_floor,
)
from .shadowed import shadowed_rule
from .sorts import sort_against_variant, sort_beside_order
from .units import long_latency, tiny_max_price


def lint(
    book: Book,
    catalog: Catalog = EMPTY,
    callers: frozenset[str] | None = None,
    forwarded: tuple[str, ...] | None = None,
) -> tuple[Finding, ...]:
    """Return all findings, in the order of files and lines.

    `callers` are the names that callers can have; None skips the check for other names in rules.
    `forwarded` are the headers in `POINTSMAN_FORWARD_HEADERS`; None skips the check for others.
    """
    subject = Subject(book, catalog, tuple(cases_of(book, catalog)), callers, forwarded)
    found = {
        replace(finding, code=check.code): None
        for check in CHECKS
        for finding in check.find(subject)
    }
    return tuple(sorted(found, key=lambda each: (each.file, each.line, each.code, each.message)))


def _pin_without_precision(subject: Subject) -> Iterator[Finding]:
    for case in subject.cases:
        slug = read_slug(case.route.model_sent)
        closed = weights_of(slug, subject.catalog) == "closed"
        if closed or "quantizations" in case.route.preferences:
            continue
        for clause in case.route.origins.get("only", ()):
            bare = [e for e in clause.value if "/" not in e and e != slug.author]
            if clause.key == "pin" and (vague := [e for e in bare if _may_differ(e, case)]):
                message = (
                    f"{listed(vague)} means all endpoints of that provider, whatever their "
                    "quantization; "
                    "add a quantization_floor, or pin a tag such as novita/fp8"
                )
                yield at(clause, "warning", message)


def _may_differ(provider: str, case: Case) -> bool:
    """Whether a provider may have endpoints of several labels, as far as is known."""
    if case.forecast is None:
        return True
    endpoints = case.forecast.funnel.endpoints
    return len({e.quantization for e in endpoints if e.provider == provider}) > 1


def _unranked_label(subject: Subject) -> Iterator[Finding]:
    ranked = {*subject.book.ladder, UNKNOWN, None}
    for case, each in subject.foreseen:
        for clause in case.route.origins.get("quantizations", ()):
            strange = {e.quantization for e in each.funnel.endpoints} - ranked
            if strange and clause.key == "quantization_floor":
                labels = listed(filter(None, strange))
                message = (
                    f"{case} is listed with {labels}, which is not on the ladder, so it "
                    "never passes; "
                    f"add it in the file: ladder: {{{min(filter(None, strange))}: BITS}}"
                )
                yield at(clause, "warning", message)


def _late_evidence(subject: Subject) -> Iterator[Finding]:
    for case in subject.cases:
        for clause in case.route.origins.get("on_violation", ()):
            if clause.value != "log" and case.route.router_metadata:
                message = (
                    "streams on /responses name the provider only at the end, so they are "
                    "held back until then"
                )
                yield at(clause, "note", message)
                yield from _told_apart_by_the_bill(case, clause)
            elif clause.value != "log":
                then = {"block": "nothing is blocked"}.get(clause.value, "every answer is refused")
                message = (
                    "without router metadata, /responses never names the provider, so "
                    f"{then} there; "
                    "remove `router_metadata: off`"
                )
                yield at(clause, "warning", message)


def _told_apart_by_the_bill(case: Case, clause: Clause) -> Iterator[Finding]:
    """Providers for which only the bill shows whether the endpoint that served is inside."""
    if case.forecast is None:
        return
    inside = set(map(id, case.forecast.funnel.survivors))
    told: dict[str, set[tuple[bool, object]]] = {}
    for row in case.forecast.funnel.endpoints:
        prices = (row.prompt_price, row.completion_price)
        told.setdefault(row.provider, set()).add((id(row) in inside, prices))
    mixed = [
        provider
        for provider, found in told.items()
        if len({is_inside for is_inside, _ in found}) > 1
        and len({prices for _, prices in found}) > 1
    ]
    if mixed:
        message = (
            f"of {case}, {listed(mixed)} has endpoints inside and outside the policy at different "
            "prices, so streams from there are held back to their end, which has the bill"
        )
        yield at(clause, "note", message)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its stable code, what it finds, and how."""

    code: str
    title: str
    find: Callable[[Subject], Iterator[Finding]]


CHECKS: tuple[Check, ...] = (
    Check("conflict", "Rules contradict each other", conflict),
    Check("empty-funnel", "No endpoint is left for a model", empty_funnel),
    Check("single-endpoint", "Only one endpoint is left for a model", single_endpoint),
    Check("unknown-provider", "An unknown provider", unknown_provider),
    Check("unmatched-entry", "A slug or tag that names no endpoint", unmatched_entry),
    Check("unknown-model", "A pattern that matches no model", unknown_model),
    Check("unknown-alias-model", "An alias for an unknown model", unknown_alias_model),
    Check("unknown-caller", "A caller that has no key", unknown_caller),
    Check("shadowed-rule", "A rule that never has an effect", shadowed_rule),
    Check("pin-without-precision", "A pin that does not fix the precision", _pin_without_precision),
    Check("unranked-label", "A label that is not on the ladder", _unranked_label),
    Check("tight-max-price", "A price cap that excludes every endpoint", tight_max_price),
    Check("tiny-max-price", "A price cap that may use another unit", tiny_max_price),
    Check("cap-refuses", "A cap that refuses requests", cap_refuses),
    Check("long-latency", "A latency that may be in milliseconds", long_latency),
    Check("sort-beside-order", "A sort that an order disables", sort_beside_order),
    Check("sort-against-variant", "A sort against the model's variant", sort_against_variant),
    Check("no-scores", "A score floor without scores", no_scores),
    Check("stale-scores", "A score floor with scores that are too old", stale_scores),
    Check("unknown-benchmark", "A benchmark without scores", unknown_benchmark),
    Check("unreached-floor", "A score floor that no provider reaches", unreached_floor),
    Check("no-audits", "A required audit that can't be used", no_audits),
    Check("audited-different", "An endpoint that an audit found different", audited_different),
    Check(
        "order-without-stickiness",
        "An order, which disables sticky routing",
        order_without_stickiness,
    ),
    Check("hint-beside-order", "A hint that an order disables", hint_beside_order),
    Check("header-not-forwarded", "A header that is not forwarded anyway", header_not_forwarded),
    Check("budget-without-callers", "A budget for each of no callers", budget_without_callers),
    Check("late-evidence", "Blocking where the evidence comes late", _late_evidence),
)
