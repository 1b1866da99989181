"""`audited`: the endpoints of a model whose last audit says what a rule accepts.

Rule 1  `verdict: same` accepts endpoints of which the last audit says same, `not_different` also
        those that are undecided. The reference of an audit is accepted by both.
Rule 2  An endpoint without an audit, or with one that is older than `max_age`, is unaudited.
        `unaudited` decides for it, by default `deny`: hosts appear and are replaced at any time,
        and a rule that asks for a verdict doesn't have one on them.
Rule 3  Audits are by tag. In a list of providers a tag without a slash means all of a provider, so
        it passes only if every other endpoint of that provider passes that such an entry covers;
        and if it fails under `unaudited: allow`, they are excluded with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..catalog.audits import DIFFERENT, REFERENCE, SAME, UNDECIDED, Audit, Audited
from ..wording import first_of, listed
from . import tags
from .bar import Bar, max_days

KEY = "audited"
ACCEPTED: Mapping[str, tuple[str, ...]] = {  # strictest first
    "same": (REFERENCE, SAME),
    "not_different": (REFERENCE, SAME, UNDECIDED),
}
_MOST_NAMED = 3  # audits in one message


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedOnly(Bar):
    """`audited` over one model's audits."""

    key: ClassVar[str] = KEY
    facts: ClassVar[str] = "audits"
    lax: ClassVar[str] = "unaudited"

    audited: Audited

    @property
    def fresh(self) -> tuple[Audit, ...]:
        """The audits that are not older than `max_age`."""
        most = max_days(self.value)
        return tuple(each for each in self.audited.audits if most is None or each.age <= most)

    def passes(self, audit: Audit) -> bool:
        """Whether an audit's verdict is accepted."""
        return audit.verdict in ACCEPTED[self.value["verdict"]]

    def of(self, tag: str) -> Audit | None:
        """The audit of an endpoint that counts; None: it is unaudited."""
        return next((each for each in self.fresh if each.tag == tag), None)

    @property
    def doubt(self) -> str | None:
        """Why no audit can be used; None if one can."""
        known = self.audited
        if self.fresh:
            return None
        if known.audits:
            age = min(each.age for each in known.audits)
            return (
                f"the last audit of {known.model} is {age} days old, over {self.value['max_age']}"
            )
        return known.why_none or f"no endpoint of {known.model} has been audited"

    def failing(self) -> list[str]:
        """The tags with a verdict that is not accepted."""
        return [each.tag for each in self.fresh if not self.passes(each)]

    def passing(self) -> list[str]:
        """The tags with an accepted verdict, as far as an entry can name them alone."""
        passing = [each.tag for each in self.fresh if self.passes(each)]
        others = {*self.audited.tags, *(each.tag for each in self.audited.audits)} - {*passing}
        return [
            tag
            for tag in passing
            if not any(tags.covers(tag, other, self.tiers) for other in others)
        ]

    @property
    def command(self) -> str:
        """How to audit the model."""
        return f"run `pointsman audit {self.audited.model}`"

    @property
    def accept(self) -> str:
        """How to accept endpoints without an audit."""
        return "write `unaudited: allow` to accept endpoints without an audit"

    @property
    def unreached(self) -> str:
        """What the last audits say instead, and the way out."""
        said = "; ".join(
            f"{verdict} of {listed(named)}"
            for verdict in (DIFFERENT, UNDECIDED)
            if (named := [each.tag for each in self.fresh if each.verdict == verdict])
        )
        shared = f"{said or 'same only of endpoints that no list can name alone'}"
        wider = "write `verdict: not_different`, " if self._may_widen else ""
        return f"the last audits say {shared}; {wider}{self.command} again, or {self.accept}"

    @property
    def _may_widen(self) -> bool:
        return any(each.verdict == UNDECIDED and not self.passes(each) for each in self.fresh)

    @property
    def _applied(self) -> str:
        """The audits that count, the newest first: `c0ffee of 2026-11-21`."""
        newest = sorted(self.fresh, key=lambda each: (each.age, each.id))
        return first_of((f"{each.id} of {each.date}" for each in newest), _MOST_NAMED)

    @property
    def source(self) -> str | None:
        """The audits that it applied, as evidence; None if it applied none."""
        return None if self.doubt else f"audits {self._applied}"

    @property
    def told(self) -> str:
        """The audits that it applied, or why it applied none, for people."""
        return f"{KEY} not applied: {self.doubt}" if self.doubt else f"{KEY} by {self._applied}"
