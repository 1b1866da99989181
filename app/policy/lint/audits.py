"""Audits that a rule needs and doesn't have, and endpoints that one found to differ."""

from collections.abc import Iterator

from app.catalog.audits import DIFFERENT
from app.policy.audited import KEY
from app.policy.lint.bars import barred
from app.policy.lint.finding import Finding, Subject, at
from app.policy.lint.funnels import place_of
from app.wording import listed

_WAY_OUT = "To exclude it, write `audited: {verdict: not_different, unaudited: allow}`"


def no_audits(subject: Subject) -> Iterator[Finding]:
    """Clauses for models of which no audit can be used."""
    for clause, found in barred(subject, KEY).items():
        doubted = {str(case): bar for case, bar in found if bar.doubt}
        if doubted:
            first, *others = doubted
            bar = doubted[first]
            effect = (
                "this clause excludes no endpoint of it"
                if bar.is_lax
                else f"requests for {first} are refused (403)"
            )
            more = f"; the same for {listed(others)}" if others else ""
            yield at(clause, "warning", f"{bar.doubt}, so {effect}; {bar.command}{more}")


def audited_different(subject: Subject) -> Iterator[Finding]:
    """Endpoints that may serve although their last audit says that they are different.

    What is said of them is what the audit saw: nothing of weights or precision.
    """
    for case, each in subject.foreseen:
        known = subject.catalog.audited(each.model)
        for tag in dict.fromkeys(endpoint.tag for endpoint in each.funnel.survivors):
            audit = known.of(tag) if known else None
            if audit and audit.verdict == DIFFERENT:
                message = (
                    f"{tag} may serve {case}, but was different in the audit of {audit.date} "
                    f"({audit.id}): {audit.said} {_WAY_OUT}"
                )
                yield at(place_of(subject, case), "warning", message)
