"""What answers show for free, beside how soon they part."""

from collections.abc import Sequence

from .answers import Answer
from .decide import Measured
from .results import Check, Reason

Prompt = tuple[Sequence[Answer], Sequence[Answer]]  # the reference's answers, the endpoint's

_UNSTEADY = 0.6  # a reference that agrees with itself less lets only large differences be seen
_PLACES = 3  # decimals in which shares are told
_SYSTEM_PROMPT = 8  # tokens; fewer more on each prompt are a template's


def checks(prompts: Sequence[Prompt], what: Measured) -> tuple[Check, ...]:
    """The codes of what is odd about an endpoint's answers, or about the reference's own."""
    own = [answer for _, answers in prompts for answer in answers]
    cached = round(what.reference, _PLACES) == 1 > round(what.own, _PLACES)
    found: dict[Check, bool] = {
        "ignores_max_tokens": any(answer.overlong for answer in own),
        "empty": any(answer.length == 0 for answer in own),
        "reasoning": any(answer.reasoning_tokens > 0 for answer in own),
        "reference_unsteady": what.reference < _UNSTEADY,
        "reference_may_be_cached": cached,
    }
    return (*lengths(prompts), *(code for code, holds in found.items() if holds))


def lengths(prompts: Sequence[Prompt]) -> tuple[Check, ...]:
    """Whether the endpoint counts other numbers of prompt tokens than the reference does."""
    both = [(_tokens(ours), _tokens(theirs)) for ours, theirs in prompts]
    if not all(ours and theirs for ours, theirs in both):
        return ("prompt_lengths_unknown",)
    if all(ours == theirs and len(ours) == 1 for ours, theirs in both):
        return ()
    more = {min(theirs) - max(ours) for ours, theirs in both}
    return ("system_prompt",) if len(more) == 1 and more.pop() >= _SYSTEM_PROMPT else ("template",)


def unfit(prompts: Sequence[Prompt]) -> Reason | None:
    """Why the answers of one of the two say nothing about a model; None if they do."""
    for side in (0, 1):
        answers = [answer for prompt in prompts for answer in prompt[side]]
        if 2 * sum(answer.reasoning_tokens > 0 for answer in answers) > len(answers):
            return "mostly_reasoning"
        if 2 * sum(answer.length == 0 for answer in answers) > len(answers):
            return "mostly_empty"
    return None


def _tokens(answers: Sequence[Answer]) -> set[int]:
    counted = {answer.prompt_tokens for answer in answers}
    return set() if None in counted else {count for count in counted if count is not None}
