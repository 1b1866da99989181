"""What may be said: a label is what is listed, and a cause is named only where it was seen."""

from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from app.audit import sentences, words
from app.audit.plan import NoPlan
from app.audit.results import (
    Audit,
    ChangeReason,
    Check,
    Chosen,
    Compared,
    Drawn,
    Drop,
    Reason,
    Reference,
    Refusal,
    Refused,
)
from tests.auditing.made import plan as made_plan

SAME = Compared(
    tag="host/fp8",
    provider="Host",
    label="fp8",
    prompt_price=Decimal("0.3"),
    completion_price=Decimal(1),
    verdict="same",
    reason="no_larger_difference",
    prompts=50,
    ratio=0.99,
    ratio_low=0.95,
    ratio_high=1.03,
    own_reference=0.92,
    own=0.9,
    p=0.4,
    p_adjusted=0.8,
    ruled_out=0.1,
    could_find=0.08,
)
REFERENCE = Reference(tag="own/bf16", provider="Own", label="bf16", chosen="author")


def as_(**fields: Any) -> Compared:
    return msgspec.structs.replace(SAME, **fields)


def different(**fields: Any) -> Compared:
    given = {"ratio": 0.54, "ratio_low": 0.44, "ratio_high": 0.64, "p": 0.0005}
    return as_(**{"verdict": "different", "reason": "parts_sooner"} | given | fields)


def test_different_is_said_of_behaviour() -> None:
    assert words.verdict(different()) == (
        "host/fp8 (listed as fp8): at temperature 0, its answers to 50 prompts part from the "
        "reference's sooner (ratio 0.54, 95 % 0.44 to 0.64) than either's part from its own. The "
        "prompts were of the same length, so another template is not the likely cause."
    )


def test_same_says_what_it_rules_out() -> None:
    assert words.verdict(SAME) == (
        "host/fp8 (listed as fp8): no difference larger than 0.10 found in 50 prompts. This does "
        "not mean that the weights are the same."
    )


def test_of_a_closed_model_nothing_is_said_of_quantization() -> None:
    for it in (SAME, different(), as_(verdict="undecided", reason="on_the_edge")):
        said = words.verdict(it, closed=True)
        assert "listed" not in said
        assert "weights" not in said
    assert "another host of the same name" in words.verdict(SAME, closed=True)


UNDECIDED = [
    reason
    for reason in get_args(Reason)
    if reason not in {"no_larger_difference", "parts_sooner", "repeats_itself_less"}
]


@pytest.mark.parametrize("reason", UNDECIDED)
def test_each_reason_has_a_sentence(reason: Reason) -> None:
    said = words.verdict(as_(verdict="undecided", reason=reason, prompts_needed=120))
    assert said.endswith(".")
    assert said.count("host/fp8") == 1
    assert ("120 prompts" in said) == (reason == "needs_more_prompts")


def test_each_code_has_a_sentence() -> None:
    everything = as_(
        checks=get_args(Check), dropped={**dict.fromkeys(get_args(Drop), 1000), "cached": 0}
    )
    told = words.warnings(everything)
    assert len(told) == len(get_args(Check)) + 1
    assert told[-1] == (
        "Answers left out: 1,000 failed twice, 1,000 without usage, 1,000 not shown to be served "
        "by its provider."
    )
    assert words.warnings(SAME) == ()
    for reason in get_args(Refusal):
        one = Refused(tag="a", provider="A", label=None, reason=reason)
        (said,) = words.refusals((one,))
        assert said.startswith("Not audited, ")
        assert ": a." in said
    assert set(sentences.FINDINGS) == set(get_args(ChangeReason))
    assert set(sentences.NO_PLAN) == set(get_args(NoPlan))
    assert set(sentences.CHOSEN) == set(get_args(Chosen))


def test_a_reason_is_said_once_for_all_endpoints_that_it_applies_to() -> None:
    many = [
        Refused(tag=f"host{number:02}/fp8", provider="H", label=None, reason="outside_policy")
        for number in range(30)
    ]
    tier = Refused(tag="openai/priority", provider="O", label=None, reason="tier")
    said = words.refusals((*many, tier, *many))
    assert len(said) == 2
    assert said[0].startswith("Not audited, outside your own policy: host00/fp8, host01/fp8, ")
    assert "host19/fp8 and 10 more. --outside-policy TAG" in said[0]
    assert said[1].endswith("only requests that ask for them: openai/priority.")
    assert len(said[0]) < 500


def test_that_it_repeats_itself_less_is_not_followed_by_that_nothing_could_be_found() -> None:
    less = different(reason="repeats_itself_less", could_find=None)
    assert words.power(less) == ""
    told = words.audit(audit_of(less))[1]
    assert told.endswith("another template is not the likely cause.")
    undecided = as_(verdict="undecided", reason="too_few_answers", could_find=None)
    assert words.power(undecided) == "No difference could have been found."


def test_what_an_audit_that_goes_on_has_left_is_said_with_its_price() -> None:
    plan = made_plan("novita/fp8", "groq", prompts=50)
    assert words.rest(plan, 150, Decimal("0.0123")) == (
        "50 requests of 200 to endpoints of acme/sim-1 are left, about $0.003; $0.0123 are spent "
        "or reserved."
    )


def all_sentences() -> str:
    tables = (
        sentences.CHECKS,
        sentences.NO_PLAN,
        sentences.FINDINGS,
        sentences.CHOSEN,
    )
    spoken = [said for table in tables for said in table.values()]
    spoken += [" ".join(said) for said in sentences.REFUSALS.values()]
    spoken += [words.verdict(as_(verdict="undecided", reason=reason)) for reason in UNDECIDED]
    spoken += [words.verdict(different(checks=(check,))) for check in get_args(Check)]
    return " ".join(
        (*spoken, words.verdict(SAME), words.verdict(different()), sentences.SPOT_CHECK)
    )


@pytest.mark.parametrize(
    "word", ["is fp8", "is not fp8", "is int4", "cheat", "fake", "proves that", "somebody"]
)
def test_no_sentence_claims_more_than_was_seen(word: str) -> None:
    assert word not in all_sentences()


@pytest.mark.parametrize(
    ("listed", "said"),
    [("fp8", "listed as fp8"), ("unknown", "listed without a quantization"), (None, "listed wi")],
)
def test_a_label_is_what_is_listed(listed: str | None, said: str) -> None:
    assert words.label(listed).startswith(said)


def test_the_power_is_said() -> None:
    assert words.power(SAME) == (
        "Differences of 0.08 and more (ratio 0.92 or less) are found in 80 % of such audits."
    )
    assert words.power(as_(could_find=None)) == "No difference could have been found."


def test_the_reference_is_said_with_why() -> None:
    assert words.reference(REFERENCE) == (
        "The reference is own/bf16 (listed as bf16): the author's own endpoint."
    )
    assert words.reference(REFERENCE, closed=True) == (
        "The reference is own/bf16: the author's own endpoint."
    )
    assert "own stored answers" in words.reference(None)


def test_that_a_ceiling_is_too_low_for_any_verdict_is_said_before_it_is_spent() -> None:
    said = words.too_dear(Decimal("0.01"))
    assert said.startswith("That is more than the ceiling of $0.01 (--max-usd), so it will stop")
    assert "Raise --max-usd, or name fewer" in said


def audit_of(*found: Compared) -> Audit:
    return Audit(
        model="own/model",
        day="2026-11-28",
        closed=False,
        drawn=Drawn(pool="x", seed=1, prompts=50, answers=2, tokens=16),
        reference=REFERENCE,
        compared=found,
        refused=(Refused(tag="b", provider="B", label=None, reason="free"),),
    )


def test_an_audit_says_all_of_it_in_order() -> None:
    audit = audit_of(different(), SAME)
    first, one, two, no, last = words.audit(audit)
    assert first.startswith("The reference is")
    assert one.startswith("host/fp8 (listed as fp8): at temperature 0")
    assert "no difference larger" in two
    assert no.startswith("Not audited, free, with few requests allowed: b.")
    assert last == sentences.SPOT_CHECK
