"""The bars of a policy: each key that admits endpoints by known facts, and the facts it needs."""

from collections.abc import Mapping
from typing import NamedTuple

from ..catalog.audits import Audited
from ..catalog.scores import Scored
from .audited import KEY as AUDITED
from .audited import AuditedOnly
from .bar import Bar, Preferences
from .merge import Tiers
from .rule import Clause
from .score_floor import KEY as SCORE_FLOOR
from .score_floor import ScoreFloor

KEYS = (SCORE_FLOOR, AUDITED)  # in the order of the funnel


class Facts(NamedTuple):
    """What is known of one model; None: not looked for, so that no such bar applies."""

    scored: Scored | None = None
    audited: Audited | None = None


NO_FACTS = Facts()


def bars_of(
    standing: Mapping[str, Clause], facts: Facts, before: Preferences, tiers: Tiers
) -> tuple[Bar, ...]:
    """The bars among the clauses in force, over the preferences that they narrow."""
    bars: list[Bar] = []
    floor, audited = standing.get(SCORE_FLOOR), standing.get(AUDITED)
    if floor is not None and facts.scored is not None:
        bars.append(
            ScoreFloor(
                clause=floor, value=floor.value, before=before, tiers=tiers, scored=facts.scored
            )
        )
    if audited is not None and facts.audited is not None:
        bars.append(
            AuditedOnly(
                clause=audited,
                value=audited.value,
                before=before,
                tiers=tiers,
                audited=facts.audited,
            )
        )
    return tuple(bars)
