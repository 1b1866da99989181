"""From the answers of all endpoints to a result for each."""

from collections.abc import Sequence
from dataclasses import dataclass

from .answers import Answer, Collected
from .chance import Chance
from .checks import checks, unfit
from .decide import FEWEST, Measured, decide, measured
from .holm import holm
from .permutation import DRAWS, p_value
from .plan import Planned
from .results import Compared, Reason
from .twin import twin

Pair = tuple[tuple[Answer, ...], tuple[Answer, ...]]


@dataclass(frozen=True, slots=True)
class _Tested:
    prompts: tuple[Pair, ...]
    what: Measured
    p: float


def compared(
    reference: Collected,
    endpoints: Sequence[tuple[Planned, Collected]],
    answers: int,
    chance: Chance,
    draws: int = DRAWS,
) -> tuple[Compared, ...]:
    """Compare each endpoint with the reference, which is not among them.

    `answers`: how many there should be to each prompt. `chance`: a `random.Random` with a seed of
    its own, so that the p-values can be reproduced. Holm's correction is over the endpoints that
    could be tested.
    """
    triples = [(planned, reference, own) for planned, own in endpoints]
    return compared_with_own(triples, answers, chance, draws)


def compared_with_own(
    endpoints: Sequence[tuple[Planned, Collected, Collected]],
    answers: int,
    chance: Chance,
    draws: int = DRAWS,
) -> tuple[Compared, ...]:
    """Compare each endpoint with answers given beside it, such as its own of an earlier day.

    Each is a plan, the answers that stand for the reference's, and the answers of now. Else as
    `compared`.
    """
    found = [_test(other, own, answers, chance, draws) for _, other, own in endpoints]
    tested = [each for each in found if isinstance(each, _Tested)]
    adjusted = iter(holm([each.p for each in tested]))
    return tuple(
        _result(planned, own, each, next(adjusted), len(tested))
        if isinstance(each, _Tested)
        else _untested(planned, own, *each)
        for (planned, _, own), each in zip(endpoints, found, strict=True)
    )


def _test(
    reference: Collected, own: Collected, answers: int, chance: Chance, draws: int
) -> _Tested | tuple[Reason, int]:
    prompts = tuple(
        (ours, theirs)
        for ours, theirs in zip(reference.answers, own.answers, strict=True)
        if len(ours) == len(theirs) == answers
    )
    if len(prompts) < FEWEST:
        return "too_few_answers", len(prompts)
    why = unfit(prompts)
    if why is not None:
        return why, len(prompts)
    twins = [twin(ours, theirs) for ours, theirs in prompts]
    p = p_value([each.effects for each in twins], chance, draws)
    return _Tested(prompts, measured(twins), p)


def _result(
    planned: Planned, own: Collected, tested: _Tested, p_adjusted: float, tests: int
) -> Compared:
    what = tested.what
    decision = decide(what, tested.p, p_adjusted)
    low, high = what.interval or (None, None)
    return Compared(
        tag=planned.tag,
        provider=planned.provider,
        label=planned.label,
        prompt_price=planned.prompt_price,
        completion_price=planned.completion_price,
        verdict=decision.verdict,
        reason=decision.reason,
        prompts=what.prompts,
        prompts_needed=decision.needed,
        ratio=what.ratio,
        ratio_low=low,
        ratio_high=high,
        own_reference=what.reference,
        own=what.own,
        p=tested.p,
        p_adjusted=p_adjusted,
        ruled_out=what.ruled_out if decision.verdict == "same" else None,
        could_find=what.could_find(tests),
        checks=checks(tested.prompts, what),
        dropped=own.dropped,
    )


def _untested(planned: Planned, own: Collected, reason: Reason, prompts: int) -> Compared:
    return Compared(
        tag=planned.tag,
        provider=planned.provider,
        label=planned.label,
        prompt_price=planned.prompt_price,
        completion_price=planned.completion_price,
        verdict="undecided",
        reason=reason,
        prompts=prompts,
        dropped=own.dropped,
    )
