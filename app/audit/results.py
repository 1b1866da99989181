"""The records of an audit, which the ledger keeps as JSON. None has a prompt or an answer."""

from decimal import Decimal
from typing import Literal

import msgspec

Verdict = Literal["same", "different", "undecided"]
Change = Literal["unchanged", "changed", "undecided"]

Chosen = Literal["named", "author", "listed"]
ChangeReason = Literal["two_days_differ", "same", "needs_another_day", "days_disagree", "undecided"]
Reason = Literal[
    "no_larger_difference",  # same
    "parts_sooner",  # different, as the next
    "repeats_itself_less",
    "too_few_answers",  # undecided, as all that follow
    "mostly_empty",
    "mostly_reasoning",
    "reference_does_not_repeat",
    "reference_too_unsteady",
    "does_not_repeat",
    "small_difference",
    "needs_more_prompts",
    "on_the_edge",
]
Check = Literal[
    "template",
    "system_prompt",
    "prompt_lengths_unknown",
    "ignores_max_tokens",
    "empty",
    "reasoning",
    "reference_unsteady",
    "reference_may_be_cached",
]
Drop = Literal["other_provider", "cached", "no_usage", "failed"]
Refusal = Literal[
    "outside_policy",
    "no_temperature",
    "no_max_tokens",
    "reasoning_mandatory",
    "free",
    "degraded",
    "tier",
    "tag_not_unique",
    "no_price",
    "not_listed",
]


class Compared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One endpoint beside the reference, with all that the verdict rests on.

    `ratio` (rho) is how much of two answers agrees across, over how much agrees within; its bounds
    are those of its 95 % interval. `own_reference` (sA) and `own` (sB): how much two answers to the
    same prompt agree, from 0 to 1. Differences are 1 - ratio: `ruled_out` is the one that `same`
    rules out, and `could_find` the smallest that such an audit finds in 80 % of cases. Prices in
    USD per million tokens. None: not known, or not defined.
    """

    tag: str
    provider: str
    label: str | None  # listed quantization, which the provider declares
    prompt_price: Decimal | None = None
    completion_price: Decimal | None = None
    verdict: Verdict
    reason: Reason
    prompts: int  # complete ones: with every answer of both endpoints
    prompts_needed: int | None = None  # by `needs_more_prompts`
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    own_reference: float | None = None
    own: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    ruled_out: float | None = None
    could_find: float | None = None
    checks: tuple[Check, ...] = ()
    dropped: dict[Drop, int] = {}


class Refused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An endpoint that is not audited, and why. `others`: the tags that its tag also selects."""

    tag: str
    provider: str
    label: str | None
    reason: Refusal
    others: tuple[str, ...] = ()


class Reference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the endpoints are compared with. `chosen`: why this one."""

    tag: str
    provider: str
    label: str | None
    chosen: Chosen
    dropped: dict[Drop, int] = {}


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """Which prompts were asked. Audits compare only if all of it is equal."""

    pool: str  # the digest of the pool of prompts
    seed: int
    prompts: int
    answers: int  # to each prompt
    tokens: int  # at most, of an answer


class Audit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One audit of a model. `day`: the UTC date on which it began, as 2026-11-28."""

    model: str
    day: str
    closed: bool  # the weights are not published
    drawn: Drawn
    reference: Reference | None  # None: with stored answers of each endpoint (`--since`)
    compared: tuple[Compared, ...]
    refused: tuple[Refused, ...] = ()
    spent_usd: Decimal | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether an endpoint changed since its answers were stored (`--since`).

    `days`: the audits it rests on, oldest first, each with its day. `changed` takes two of them.
    """

    tag: str
    since: str
    verdict: Change
    reason: ChangeReason
    days: tuple[tuple[str, Compared], ...]
