"""Audits that a rule needs and doesn't have, and endpoints that one found to differ."""

from collections.abc import Iterator, Mapping

from ...catalog.audits import DIFFERENT, Audit
from ...wording import listed
from ..audited import KEY
from .bars import barred
from .finding import Finding, Subject, at
from .funnels import place_of

_WAY_OUT = "write `audited: {verdict: not_different, unaudited: allow}`"
_MOST_TAGS = 10


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

    What is said of one is what the audit saw: nothing of weights or precision. Several that
    differed in one audit are one finding, which names them.
    """
    for case, each in subject.foreseen:
        known = subject.catalog.audited(each.model)
        differing: dict[tuple[str, str], dict[str, Audit]] = {}
        for tag in dict.fromkeys(endpoint.tag for endpoint in each.funnel.survivors):
            audit = known.of(tag) if known else None
            if audit and audit.verdict == DIFFERENT:
                differing.setdefault((audit.date, audit.id), {})[tag] = audit
        for (date, name), found in differing.items():
            message = _told(found, f"may serve {case}", f"in the audit of {date} ({name})")
            yield at(place_of(subject, case), "warning", message)


def _told(found: Mapping[str, Audit], may: str, where: str) -> str:
    if len(found) == 1:
        (tag, audit), *_ = found.items()
        return f"{tag} {may}, but was different {where}: {audit.said} To exclude it, {_WAY_OUT}"
    return (
        f"{len(found)} endpoints {may}, but were different {where}: {listed(found, _MOST_TAGS)}; "
        f"the dashboard's Audit page says how. To exclude them, {_WAY_OUT}"
    )
