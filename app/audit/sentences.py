"""The sentence of each code that a result can have, as far as it needs no numbers.

The tables are whole: `tests/audit/test_words.py` compares them with the codes.
"""

from collections.abc import Mapping

from .plan import NoPlan
from .results import ChangeReason, Check, Chosen, Drop, Refusal

SPOT_CHECK = (
    "This is a spot check of short prompts at one time. A provider can recognise an audit, and an "
    "endpoint that sends a tenth of its requests elsewhere is not noticed."
)

LEGEND = (
    "ratio: how much of two answers agrees between the endpoint and the reference, over how much "
    "agrees between two of the same endpoint; 1 is no difference. own, ref.: the latter, of the "
    "endpoint and of the reference. p adj.: how often chance alone shows as much of a difference. "
    "finds: the smallest difference (1 - ratio) that such an audit finds in 80 % of cases."
)

CHOSEN: Mapping[Chosen, str] = {
    "named": "named by --reference",
    "author": "the author's own endpoint",
    "listed": "the best endpoint listed as bf16 or fp16",
}

CHECKS: Mapping[Check, str] = {
    "template": (
        "Its numbers of prompt tokens differ from the reference's: it uses another chat template, "
        "or a system prompt."
    ),
    "system_prompt": (
        "Each prompt has the same number of tokens more than at the reference: it adds a system "
        "prompt, or uses a longer chat template."
    ),
    "prompt_lengths_unknown": "Not all answers state how many tokens their prompt had.",
    "ignores_max_tokens": "It ignores max_tokens: some answers were longer, and were cut.",
    "empty": "Some answers were empty.",
    "reasoning": "Some answers have reasoning tokens, although none were asked for.",
    "reference_unsteady": (
        "The reference's own answers agree with each other so little that only large differences "
        "can be seen."
    ),
    "reference_may_be_cached": (
        "The reference repeated itself exactly and this endpoint did not: the reference's answers "
        "may come from a cache. Repeat the audit with --spread 1h."
    ),
}

DROPS: Mapping[Drop, str] = {
    "other_provider": "not shown to be served by its provider",
    "cached": "from OpenRouter's response cache",
    "no_usage": "without usage",
    "failed": "failed twice",
}

# Which endpoints are not audited, and the way out if there is one.
REFUSALS: Mapping[Refusal, tuple[str, str]] = {
    "outside_policy": (
        "outside your own policy",
        "--outside-policy TAG audits one all the same: the prompts have no data of yours.",
    ),
    "reasoning_mandatory": (
        "since the model's reasoning can't be switched off, so the first tokens would be thoughts",
        "",
    ),
    "no_temperature": ("without temperature among their parameters", ""),
    "no_max_tokens": ("without max_tokens among their parameters", ""),
    "tier": ("service tiers, which serve only requests that ask for them", ""),
    "tag_not_unique": ("since requests for the tag could be served by other endpoints, too", ""),
    "no_price": ("without a listed price, so the cost would have no ceiling", ""),
    "free": ("free, with few requests allowed", "--include TAG audits one all the same."),
    "degraded": (
        "listed by OpenRouter as degraded",
        "--include TAG audits one all the same.",
    ),
    "not_listed": ("since the model has no such endpoint", ""),
}


NO_PLAN: Mapping[NoPlan, str] = {
    "no_endpoint": "None of its endpoints can be audited.",
    "single_endpoint": (
        "Only one endpoint can be audited, so there is none to compare it with. With --since it is "
        "compared with its own stored answers."
    ),
    "no_reference": (
        "There is no endpoint of the author's own, and none listed as bf16 or fp16. Name a "
        "reference with --reference."
    ),
    "reference_refused": "The reference can't be audited.",
}

FINDINGS: Mapping[ChangeReason, str] = {
    "two_days_differ": "Two audits on different days found that its answers changed.",
    "same": "The last audit found no difference.",
    "needs_another_day": (
        "One audit found a difference. Repeat it on another day: a single day proves nothing, "
        "since answers of one day are alike."
    ),
    "days_disagree": "The last audit found a difference, and the one of the day before it did not.",
    "undecided": "The last audit was undecided.",
}
