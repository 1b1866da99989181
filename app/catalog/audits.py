"""Audits: the last verdict on each endpoint's behaviour, by model and tag. PURE.

Rule 1  A verdict belongs to a tag. If several rows of a listing share a tag, it covers all of them.
Rule 2  The reference of an audit is admitted wherever `same` is: the others are compared with it.
Rule 3  The newest audit of an endpoint counts, whatever its reference.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

SAME, UNDECIDED, DIFFERENT, REFERENCE = "same", "undecided", "different", "reference"
VERDICTS = (SAME, UNDECIDED, DIFFERENT)


class Audit(NamedTuple):
    """What the last audit of one endpoint found; the ratio with its 95 % interval."""

    tag: str  # lower case
    verdict: str  # one of VERDICTS, or REFERENCE
    id: str
    date: str  # 2026-11-21, UTC
    age: int = 0  # days
    against: str = ""  # the reference's tag
    ratio: float | None = None  # None: undecided before there was one
    low: float | None = None
    high: float | None = None
    said: str = ""  # all that may be said of it, in sentences

    @property
    def found(self) -> str:
        """Render as `ratio .54, 95 % .44 to .64`; empty without a ratio."""
        if self.ratio is None:
            return ""
        if self.low is None or self.high is None:
            return f"ratio {share(self.ratio)}"
        return f"ratio {share(self.ratio)}, 95 % {share(self.low)} to {share(self.high)}"


class Audited(NamedTuple):
    """What is known of one model's audits: all that a policy's `audited` depends on."""

    model: str
    audits: tuple[Audit, ...] = ()  # one for each tag
    tags: frozenset[str] = frozenset()  # that the model's listing has; empty: not listed
    why_none: str = ""  # why there are none; empty: none was run

    def of(self, tag: str) -> Audit | None:
        """The last audit of an endpoint."""
        return next((each for each in self.audits if each.tag == tag), None)


@dataclass(frozen=True, slots=True)
class Audits:
    """The last audits of all models; without any, perhaps the reason."""

    by_model: Mapping[str, tuple[Audit, ...]] = field(default_factory=dict)  # by slug
    why_none: str = ""

    def of(self, model: str, dated: str | None = None, tags: Iterable[str] = ()) -> Audited:
        """A model's audits, run under its slug or its dated one; `tags` are of its listing."""
        audits = self.by_model.get(model) or self.by_model.get(dated or "", ())
        return Audited(model, audits, frozenset(tags), self.why_none)


NO_AUDITS = Audits()


def newest(audits: Iterable[tuple[str, Audit]]) -> dict[str, tuple[Audit, ...]]:
    """The audits that count, by model, given the newest first: one for each tag.

    References count as well. Other verdicts than those of VERDICTS are left out.
    """
    found: dict[str, dict[str, Audit]] = {}
    for model, each in audits:
        of_model = found.setdefault(model.lower(), {})
        if each.verdict == REFERENCE or each.verdict in VERDICTS:
            of_model.setdefault(each.tag, each)
            of_model.setdefault(each.against, _reference(each))
    return {
        model: tuple(sorted(each for each in of_model.values() if each.tag))
        for model, of_model in found.items()
    }


def _reference(of: Audit) -> Audit:
    return Audit(of.against, REFERENCE, of.id, of.date, of.age, of.against)


def share(value: float) -> str:
    """A ratio as people write it: .54, 1.02."""
    return f"{value:.2f}".removeprefix("0")
