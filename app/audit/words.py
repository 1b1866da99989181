"""Every sentence that an audit may say, in plain English. No more is ever claimed.

A label is what a provider declares: "listed as fp8", never "is fp8". A difference is one of
behaviour: its cause is not named, except where the prompts' lengths show it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from ..wording import first_of, listed, plural
from .plan import Plan, Unplanned
from .results import Audit, Compared, Finding, Reason, Reference, Refusal, Refused
from .sentences import (
    CHECKS,
    CHOSEN,
    DROPS,
    FINDINGS,
    NO_PLAN,
    REFUSALS,
    SPOT_CHECK,
)

_MOST_TAGS = 20  # in one sentence

_UNDECIDED: Mapping[Reason, Callable[[Compared], str]] = {
    "too_few_answers": lambda it: (
        f"Too few answers: only {plural(it.prompts, 'prompt')} had all of them."
    ),
    "mostly_empty": lambda _: "Most answers, here or of the reference, were empty.",
    "mostly_reasoning": lambda _: (
        "Most answers, here or of the reference, began with reasoning, so their text was not seen."
    ),
    "reference_does_not_repeat": lambda it: (
        "The reference does not repeat itself: its own answers agree to "
        f"{_share(it.own_reference)}."
    ),
    "reference_too_unsteady": lambda it: (
        f"No difference was found, but the reference's own answers agree only to "
        f"{_share(it.own_reference)}, which is too little to say that something is the same."
    ),
    "does_not_repeat": lambda _: "Its own answers have nothing in common with each other.",
    "small_difference": lambda it: (
        f"A small difference ({_ratio(it)}), within what other engines show with the same weights."
    ),
    "needs_more_prompts": lambda it: (
        f"No difference was found ({_ratio(it)}), and to rule one out would take about "
        f"{plural(it.prompts_needed or 0, 'prompt')}."
    ),
    "on_the_edge": lambda it: (
        f"The difference that was seen ({_ratio(it)}) may be chance. --deep asks more prompts."
    ),
}


def verdict(it: Compared, *, closed: bool = False) -> str:
    """What may be said of one endpoint. `closed`: nothing is said of quantization or weights."""
    subject = it.tag if closed else f"{it.tag} ({label(it.label)})"
    if it.verdict == "same":
        return (
            f"{subject}: no difference larger than {_difference(it)} found in "
            f"{plural(it.prompts, 'prompt')}. This does not mean that the weights are the same."
            if not closed
            else f"{subject}: another host of the same name; no difference larger than "
            f"{_difference(it)} found in {plural(it.prompts, 'prompt')}."
        )
    if it.verdict == "different":
        return f"{subject}: {_different(it)}{_cause(it)}"
    return f"{subject}: {_UNDECIDED[it.reason](it)}"


def label(listed_as: str | None) -> str:
    """What a listing says of an endpoint's precision: `listed as fp8`."""
    known = listed_as is not None and listed_as != "unknown"
    return f"listed as {listed_as}" if known else "listed without a quantization"


def warnings(it: Compared) -> tuple[str, ...]:
    """What is odd about its answers, a sentence each; and how many were left out."""
    dropped = [f"{number:,} {DROPS[why]}" for why, number in sorted(it.dropped.items()) if number]
    left_out = (f"Answers left out: {', '.join(dropped)}.",) if dropped else ()
    return (*(CHECKS[code] for code in it.checks), *left_out)


def power(it: Compared) -> str:
    """Which differences would have been found at all; empty for one that was found otherwise."""
    if it.could_find is None:
        return "" if it.verdict == "different" else "No difference could have been found."
    return (
        f"Differences of {it.could_find:.2f} and more (ratio {1 - it.could_find:.2f} or less) are "
        "found in 80 % of such audits."
    )


def refusals(them: Iterable[Refused]) -> tuple[str, ...]:
    """Why endpoints are not audited: each reason once, with the endpoints that it applies to."""
    tags: dict[Refusal, list[str]] = {}
    for it in them:
        others = {*it.others} - {it.tag}
        also = ["more than one of this tag"] * (it.tag in it.others) + sorted(others)
        tags.setdefault(it.reason, []).append(f"{it.tag} ({first_of(also, 3)})" if also else it.tag)
    return tuple(_refusal(reason, those) for reason, those in tags.items())


def _refusal(reason: Refusal, tags: Sequence[str]) -> str:
    why, way_out = REFUSALS[reason]
    return f"Not audited, {why}: {listed(tags, _MOST_TAGS)}.{way_out and f' {way_out}'}"


def unplanned(it: Unplanned) -> str:
    """Why there is no audit of a model."""
    return f"{it.model}: {NO_PLAN[it.reason]}"


def planned(it: Plan) -> str:
    """What an audit is about to do, and its price."""
    return (
        f"{plural(it.requests, 'request')} to {plural(len(it.endpoints), 'endpoint')} of "
        f"{it.model}, about {it.tokens:,} tokens: about ${it.expected_usd:.3f}, at most "
        f"${it.most_usd:.2f} by the listed prices."
    )


def too_dear(ceiling: Decimal) -> str:
    """What happens to an audit that is expected to cost more than its ceiling, and the way out."""
    return (
        f"That is more than the ceiling of ${ceiling} (--max-usd), so it will stop before its end, "
        "without verdicts. Raise --max-usd, or name fewer endpoints with --endpoints."
    )


def rest(it: Plan, answered: int, spent: Decimal) -> str:
    """What an audit that goes on is about to do, and what it has cost so far."""
    left = it.requests - answered
    return (
        f"{plural(left, 'request')} of {it.requests:,} to endpoints of {it.model} are left, about "
        f"${it.expected_usd * left / it.requests:.3f}; ${spent:.4f} are spent or reserved."
    )


def reference(it: Reference | None, *, closed: bool = False) -> str:
    """Which endpoint the others are compared with, and why this one."""
    if it is None:
        return "Each endpoint is compared with its own stored answers."
    named = it.tag if closed else f"{it.tag} ({label(it.label)})"
    return f"The reference is {named}: {CHOSEN[it.chosen]}."


def finding(it: Finding) -> str:
    """What may be said of an endpoint beside what it was."""
    days = " and ".join(day for day, _ in it.days)
    return f"{it.tag}, {it.verdict} since {it.since} ({days}): {FINDINGS[it.reason]}"


def audit(it: Audit) -> tuple[str, ...]:
    """Everything that one audit says, a paragraph each."""
    return (
        reference(it.reference, closed=it.closed),
        *(
            " ".join(filter(None, (verdict(each, closed=it.closed), *warnings(each), power(each))))
            for each in it.compared
        ),
        *refusals(it.refused),
        SPOT_CHECK,
    )


def _different(it: Compared) -> str:
    if it.reason == "repeats_itself_less":
        return (
            f"at temperature 0, its answers to {plural(it.prompts, 'prompt')} agree with each "
            f"other to {_share(it.own)}, the reference's to {_share(it.own_reference)}: it repeats "
            "itself less."
        )
    return (
        f"at temperature 0, its answers to {plural(it.prompts, 'prompt')} part from the "
        f"reference's sooner ({_ratio(it)}) than either's part from its own."
    )


def _cause(it: Compared) -> str:
    """What the prompts' lengths say of the cause: nothing else may be said of it."""
    if it.checks[:1] in (("template",), ("system_prompt",)):
        return " The prompts were of another length here, which another template explains."
    if "prompt_lengths_unknown" in it.checks:
        return ""
    return " The prompts were of the same length, so another template is not the likely cause."


def _difference(it: Compared) -> str:
    """The difference that `same` rules out, by the one-sided bound that it was decided by."""
    return f"{it.ruled_out or 0:.2f}"


def _ratio(it: Compared) -> str:
    low, high = it.ratio_low or 0, it.ratio_high or 0
    return f"ratio {it.ratio or 0:.2f}, 95 % {low:.2f} to {high:.2f}"


def _share(value: float | None) -> str:
    return f"{(value or 0):.0%}".replace("%", " %")
