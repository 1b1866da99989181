"""From the twins of an endpoint to a verdict. docs/audit.md has the rule and where it comes from.

A p-value alone never decides: an endpoint counts as different only by a margin, which is wider
where the two repeat themselves less.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

from .results import Reason, Verdict
from .twin import Twin

ALPHA = 0.05
SURE = ALPHA / 12  # the p-value at which the rule was measured: no fewer endpoints make it laxer
FEWEST = 40  # complete prompts
NO_REFERENCE = 0.15  # a reference that agrees with itself less proves nothing
FIT_FOR_SAME = 0.4  # and below this, never that something is the same
_NEAR = 0.10  # up to this difference, both say how much answers agree within one endpoint
_LESS = 0.25  # less agreement than the reference's: different by itself
_LEAST_MARGIN = 0.05
_LEAST_RULED_OUT = 0.10
_LEAST_SE = 0.01  # fifty prompts on which nothing moved still are fifty prompts
_ONE_SIDED = 1.645  # 95 %
_TWO_SIDED = 1.96
_POWER = 0.842  # 80 %


@dataclass(frozen=True, slots=True)
class Measured:
    """The means over the prompts: `reference` is sA, `own` sB, `ratio` rho with its `error`.

    The ratio is None where an endpoint's answers have nothing in common with each other.
    """

    prompts: int
    reference: float
    own: float
    ratio: float | None
    error: float

    @property
    def margin(self) -> float:
        """How far below 1 the ratio must lie to count as different: d."""
        return max(_LEAST_MARGIN, (1 - min(self.reference, self.own)) / 2)

    @property
    def ruled_out(self) -> float:
        """The difference that `same` rules out."""
        return max(_LEAST_RULED_OUT, self.margin / 2)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the ratio."""
        if self.ratio is None:
            return None
        half = _TWO_SIDED * self.error
        return max(0.0, self.ratio - half), self.ratio + half

    def could_find(self, tests: int) -> float | None:
        """The smallest difference (1 - ratio) that is found in 80 % of cases, beside other tests.

        It must pass the margin, and be significant both at the strictest step of Holm's correction
        and at `SURE`. By the normal approximation; None where no difference is.
        """
        if self.ratio is None or self.reference < NO_REFERENCE:
            return None
        significant = NormalDist().inv_cdf(1 - min(ALPHA / tests, SURE))
        found = max(self.margin, significant * self.error) + _POWER * self.error
        return found if found < 1 else None


def measured(twins: Sequence[Twin]) -> Measured:
    """The means of two prompts or more, and the ratio's standard error (of a ratio estimator).

    See Cochran, Sampling Techniques (1977), 6.3.
    """
    reference, own = (
        fmean(each) for each in ((t.reference for t in twins), (t.own for t in twins))
    )
    within = [_within(each, reference, own) for each in twins]
    base = fmean(within)
    if base <= 0:
        return Measured(len(twins), reference, own, None, 0.0)
    ratio = fmean(each.across for each in twins) / base
    rest = [each.across - ratio * own_i for each, own_i in zip(twins, within, strict=True)]
    error = stdev(rest) / (math.sqrt(len(twins)) * base)
    return Measured(len(twins), reference, own, ratio, max(error, _LEAST_SE))


def _within(each: Twin, reference: float, own: float) -> float:
    """How much own answers to a prompt agree: the mean of both if they are near, else the less."""
    if abs(reference - own) < _NEAR:
        return (each.reference + each.own) / 2
    return each.own if own < reference else each.reference


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and its reason; `needed`: about how many prompts it would take."""

    verdict: Verdict
    reason: Reason
    needed: int | None = None


def decide(what: Measured, p: float, p_adjusted: float) -> Decision:
    """Judge an endpoint. The order of the conditions is a part of the rule."""
    if what.reference < NO_REFERENCE:
        return Decision("undecided", "reference_does_not_repeat")
    if p_adjusted <= ALPHA and what.own < what.reference - _LESS:
        return _different("repeats_itself_less", p)
    if what.ratio is None:
        return Decision("undecided", "does_not_repeat")
    if p_adjusted <= ALPHA:
        if what.ratio <= 1 - what.margin:
            return _different("parts_sooner", p)
        return Decision("undecided", "small_difference")
    return _same(what, what.ratio)


def _different(reason: Reason, p: float) -> Decision:
    return Decision("different", reason) if p <= SURE else Decision("undecided", "on_the_edge")


def _same(what: Measured, ratio: float) -> Decision:
    """Whether a difference of `ruled_out` can be ruled out; if not yet, what it would take."""
    if what.reference < FIT_FOR_SAME:
        return Decision("undecided", "reference_too_unsteady")
    above = ratio - (1 - what.ruled_out)
    if above >= _ONE_SIDED * what.error:
        return Decision("same", "no_larger_difference")
    if above <= 0:
        return Decision("undecided", "on_the_edge")
    target = above / _ONE_SIDED
    return Decision(
        "undecided", "needs_more_prompts", math.ceil(what.prompts * (what.error / target) ** 2)
    )
