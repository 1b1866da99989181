"""Whether an endpoint changed since its answers were stored (`--since`).

The statistic is the twin test's, with the stored answers as the reference. Answers within a day are
not independent, so what one day shows is not enough: an unchanged endpoint looked different from
itself in 28 % of pairs of days (docs/audit.md). Two audits on different days must agree.
"""

from collections.abc import Sequence

from ..wording import listed
from .results import (
    Audit,
    Change,
    ChangeReason,
    Compared,
    Drawn,
    Finding,
    Verdict,
)

Audited = tuple[str, Compared]  # the UTC date, as 2026-11-28, and what was found then


def unlike(one: Drawn, other: Drawn, marks: tuple[str, str]) -> str | None:
    """Why the answers of two audits can't be compared, for a message; None if they can.

    `marks`: the names of the keys that they are hashed with (`answers.mark_of`).
    """
    differ = {
        "pool of prompts": one.pool != other.pool,
        "seed": one.seed != other.seed,
        "number of prompts": one.prompts != other.prompts,
        "number of answers": one.answers != other.answers,
        "limit of tokens": one.tokens != other.tokens,
        "key of the hashes": marks[0] != marks[1],
    }
    found = [name for name, does in differ.items() if does]
    return listed(found, len(found)) if found else None


def audits_of(audits: Sequence[Audit], tag: str) -> tuple[Audited, ...]:
    """What some audits say of one endpoint, each with its day, in their order."""
    return tuple(
        (audit.day, each) for audit in audits for each in audit.compared if each.tag == tag
    )


def finding(tag: str, since: str, audits: Sequence[Audited]) -> Finding:
    """Judge an endpoint by the audits since its answers were stored on the day `since`.

    The last two days decide, each by its last audit. The day of the stored answers does not count.

    Raises:
        ValueError: there is no audit of another day.
    """
    by_day = {day: each for day, each in audits if day != since}
    days = tuple(sorted(by_day.items()))[-2:]
    if not days:
        raise ValueError(f"{tag}: no audit since {since}, and none of another day than it")
    verdict, reason = _judged([each.verdict for _, each in days])
    return Finding(tag=tag, since=since, verdict=verdict, reason=reason, days=days)


def _judged(verdicts: Sequence[Verdict]) -> tuple[Change, ChangeReason]:
    if verdicts[-1] == "same":
        return "unchanged", "same"
    if verdicts[-1] == "undecided":
        return "undecided", "undecided"
    if len(verdicts) == 1:
        return "undecided", "needs_another_day"
    if verdicts[0] == "different":
        return "changed", "two_days_differ"
    return "undecided", "days_disagree"
