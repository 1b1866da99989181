"""Each branch of the decision, and each sentence that follows from it."""

import random
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from app.audit import words
from app.audit.answers import Answer, Collected, hashed
from app.audit.comparing import compared
from app.audit.decide import Decision, Measured, decide
from app.audit.plan import Planned
from app.audit.results import Compared
from tests.audit.toy import KEY, Toy

STEADY = Measured(prompts=50, reference=0.95, own=0.95, ratio=1.0, error=0.02)
HOST = Planned(
    tag="host/fp8",
    provider="Host",
    label="fp8",
    prompt_price=Decimal("0.3"),
    completion_price=Decimal(1),
    request_price=Decimal(0),
    price_varies=False,
    reasoning_off=False,
)
PROMPTS = [f"prompt {number}" for number in range(50)]


@pytest.mark.parametrize(
    ("what", "p", "expected"),
    [
        ({"reference": 0.14, "own": 0.0}, 0.001, ("undecided", "reference_does_not_repeat")),
        ({"own": 0.69}, 0.05, ("different", "repeats_itself_less")),
        ({"own": 0.69}, 0.051, ("same", "no_larger_difference")),
        ({"own": 0.0, "ratio": None, "error": 0.0}, 0.06, ("undecided", "does_not_repeat")),
        ({"own": 0.0, "ratio": None, "error": 0.0}, 0.05, ("different", "repeats_itself_less")),
        ({"ratio": 0.95}, 0.05, ("different", "parts_sooner")),
        ({"ratio": 0.951}, 0.05, ("undecided", "small_difference")),
        ({"ratio": 1.2}, 0.05, ("undecided", "small_difference")),
        ({"ratio": 0.95}, 0.051, ("same", "no_larger_difference")),
        ({"reference": 0.39, "own": 0.39}, 1, ("undecided", "reference_too_unsteady")),
        ({"reference": 0.41, "own": 0.41}, 1, ("same", "no_larger_difference")),
        ({"ratio": 0.9}, 0.2, ("undecided", "on_the_edge")),
    ],
)
def test_each_condition_decides(
    what: dict[str, float | None], p: float, expected: tuple[str, str]
) -> None:
    found = decide(replace(STEADY, **what), 0.001, p)  # type: ignore[arg-type]
    assert (found.verdict, found.reason) == expected


@pytest.mark.parametrize("what", [{"own": 0.69}, {"ratio": 0.95}])
def test_few_endpoints_make_the_rule_no_laxer(what: dict[str, float]) -> None:
    """It was measured at .05 / 12; by Holm alone, one endpoint would differ at .05."""
    measured = replace(STEADY, **what)  # type: ignore[arg-type]
    assert decide(measured, 0.05 / 12, 0.05 / 12).verdict == "different"
    assert decide(measured, 0.0042, 0.0042) == Decision("undecided", "on_the_edge")


def test_the_margin_is_wider_where_answers_repeat_less() -> None:
    assert STEADY.margin == 0.05
    assert replace(STEADY, own=0.5).margin == 0.25
    assert (STEADY.ruled_out, replace(STEADY, own=0.5).ruled_out) == (0.1, 0.125)


def test_how_many_prompts_it_would_take() -> None:
    """With .08 to spare, the error may be .0486; at nearly twice that, it takes 4 times as many."""
    error = 1.999 * 0.08 / 1.645
    found = decide(replace(STEADY, ratio=0.98, error=error), 0.5, 0.5)
    assert found == Decision("undecided", "needs_more_prompts", 200)


# --- from answers -----------------------------------------------------------------------------


def audited(other: Toy, reference: Toy | None = None, answers: int = 2, seed: int = 1) -> Compared:
    chance = random.Random(seed)
    first = (reference or Toy()).collected(PROMPTS, chance, answers)
    own = other.collected(PROMPTS, chance, answers)
    return compared(first, [(HOST, own)], answers, chance)[0]


@pytest.mark.parametrize(
    ("toy", "verdict", "low", "high"),
    [
        (Toy(), "same", 0.95, 1.05),
        (Toy(name="other", delta=0.05), "different", 0.82, 0.95),
        (Toy(name="other", delta=0.2), "different", 0.45, 0.7),
        (Toy(name="other", delta=0.5), "different", 0.15, 0.4),
    ],
)
def test_a_change_is_found_by_its_size(toy: Toy, verdict: str, low: float, high: float) -> None:
    found = audited(toy)
    assert found.verdict == verdict
    assert found.ratio is not None
    assert low < found.ratio < high


def test_a_temperature_is_seen_as_repeating_itself_less() -> None:
    found = audited(Toy(temperature=1))
    assert (found.verdict, found.reason) == ("different", "repeats_itself_less")
    assert "it repeats itself less" in words.verdict(found)


def test_under_loud_noise_nothing_is_decided() -> None:
    found = audited(Toy(sigma=1), Toy(sigma=1))
    assert (found.verdict, found.reason) == ("undecided", "reference_does_not_repeat")
    assert "reference_unsteady" in found.checks


def test_three_answers_decide_as_two_do() -> None:
    assert audited(Toy(), answers=3).verdict == "same"
    assert audited(Toy(name="other", delta=0.2), answers=3).verdict == "different"


def test_fewer_than_forty_complete_prompts_are_too_few() -> None:
    chance = random.Random(1)
    first, own = (Toy().collected(PROMPTS, chance) for _ in range(2))
    for missing, reason in ((10, "no_larger_difference"), (11, "too_few_answers")):
        cut = (*(each[:1] for each in own.answers[:missing]), *own.answers[missing:])
        left = Collected(tag="host/fp8", answers=cut, dropped={"failed": missing})
        (found,) = compared(first, [(HOST, left)], 2, chance)
        assert (found.reason, found.prompts) == (reason, 50 - missing)
        assert found.dropped == {"failed": missing}


def test_an_untested_endpoint_does_not_count_for_holm() -> None:
    chance = random.Random(1)
    first, own = (Toy().collected(PROMPTS, chance) for _ in range(2))
    none = Collected(tag="none", answers=((),) * 50)
    found = compared(first, [(HOST, none), (HOST, own)], 2, chance)
    assert found[0].p is None
    assert found[1].p_adjusted == found[1].p
    twice = compared(first, [(HOST, own), (HOST, own)], 2, random.Random(1))
    assert min(twice[0].p_adjusted or 0, 1) == min(2 * min(each.p or 0 for each in twice), 1)


# --- checks -----------------------------------------------------------------------------------


def changed(every: int, **fields: object) -> Compared:
    """A toy some of whose answers have other fields."""
    chance = random.Random(1)
    first, own = (Toy().collected(PROMPTS, chance) for _ in range(2))
    answers = tuple(
        tuple(_with(answer, fields) if place % every == 0 else answer for answer in prompt)
        for place, prompt in enumerate(own.answers)
    )
    return compared(first, [(HOST, Collected(tag="host/fp8", answers=answers))], 2, chance)[0]


def _with(answer: Answer, fields: dict[str, object]) -> Answer:
    return msgspec.structs.replace(answer, **fields)


def test_other_numbers_of_prompt_tokens_are_a_template() -> None:
    longer = audited(Toy(name="other", delta=0.2, prompt_tokens=25))
    assert longer.checks == ("template",)
    said = words.verdict(longer)
    assert "The prompts were of another length here, which another template explains." in said
    assert "same length" not in said
    assert audited(Toy(prompt_tokens=40)).checks == ("system_prompt",)
    assert changed(2, prompt_tokens=40).checks == ("template",)


def test_equal_numbers_of_prompt_tokens_rule_a_template_out() -> None:
    said = words.verdict(audited(Toy(name="other", delta=0.2)))
    assert said.endswith("so another template is not the likely cause.")


def test_unknown_numbers_of_prompt_tokens_say_nothing_of_a_template() -> None:
    found = changed(1, prompt_tokens=None)
    assert found.checks == ("prompt_lengths_unknown",)
    different = audited(Toy(name="other", delta=0.2))
    unknown = _unknown(different)
    assert "template" not in words.verdict(unknown)


def _unknown(it: Compared) -> Compared:
    return msgspec.structs.replace(it, checks=("prompt_lengths_unknown",))


def test_other_oddities_are_told() -> None:
    assert changed(10, reasoning_tokens=5).checks == ("reasoning",)
    assert changed(10, completion_tokens=30).checks == ("ignores_max_tokens",)
    assert "empty" in changed(10, prefixes=b"").checks
    cached = audited(Toy(sigma=0.3), Toy(cached=True))
    assert "reference_may_be_cached" in cached.checks
    assert "reference_may_be_cached" not in audited(Toy(cached=True), Toy(cached=True)).checks


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"prefixes": b""}, "mostly_empty"), ({"reasoning_tokens": 3}, "mostly_reasoning")],
)
def test_endpoints_that_say_nothing_get_no_verdict(fields: dict[str, object], reason: str) -> None:
    found = changed(1, **fields)
    assert (found.verdict, found.reason, found.prompts) == ("undecided", reason, 50)


def test_a_reference_that_says_nothing_gives_no_verdict() -> None:
    silent = Collected(tag="r", answers=((Answer(prefixes=b""),) * 2,) * 50)
    own = Toy().collected(PROMPTS, random.Random(1))
    for first, second in ((silent, own), (silent, silent)):
        assert compared(first, [(HOST, second)], 2, random.Random(1))[0].reason == "mostly_empty"


def test_an_endpoint_that_goes_on_after_the_limit_is_not_different_for_that() -> None:
    chance = random.Random(1)
    first = Toy().collected(PROMPTS, chance)
    longer = tuple(
        tuple(
            Answer(
                prefixes=answer.prefixes + hashed("and so on", KEY),
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=24,
            )
            for answer in prompt
        )
        for prompt in Toy().collected(PROMPTS, chance).answers
    )
    own = Collected(tag="host/fp8", answers=longer)
    (found,) = compared(first, [(HOST, own)], 2, chance)
    assert found.verdict == "same"
    assert found.checks == ("ignores_max_tokens",)
