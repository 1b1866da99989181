"""What lint says of the funnels of the models that a book speaks for."""

from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.policy.lint.checks import lint
from app.policy.lint.finding import Finding
from tests.policy.listings import MODEL, NOW, listed, row
from tests.policy.sending import book_of

ROWS = [
    row("novita/fp8", "Novita", prompt="0.0000005"),
    row("deepinfra/fp4", "DeepInfra", "fp4"),
    row("deepinfra/bf16", "DeepInfra", "bf16"),
]
ONE = listed(ROWS)


def of(code: str, *rules: dict[str, Any], catalog: Catalog = ONE, **more: Any) -> list[Finding]:
    return [each for each in lint(book_of(*rules, **more), catalog) if each.code == code]


def several(*models: str) -> Catalog:
    catalog = EMPTY
    for model in models:
        catalog = catalog.with_listing(model, ROWS, NOW)
    return catalog


def test_an_empty_funnel_is_told_with_its_line_and_the_least_to_change() -> None:
    rule = {"name": "mine", "models": [MODEL], "quantization_floor": "fp32"}
    (finding,) = of("empty-funnel", rule)
    assert finding.severity == "error"
    assert finding.where == "rules.mine.quantization_floor"
    assert finding.message == (
        "no endpoint is left for acme/sim-1: 3 -> fp32+ 0; smallest change: "
        "quantization_floor: fp32 -> bf16 (allows deepinfra/bf16)"
    )


def test_models_of_a_pattern_are_told_together_and_less_severely() -> None:
    catalog = several("acme/a", "acme/b", "acme/c", "acme/d", "acme/e", "acme/f")
    rules = {"models": ["acme/*"], "quantization_floor": "fp32"}, {"models": ["acme/f"]}
    one, other = of("empty-funnel", *rules, catalog=catalog)
    named, together = sorted((one, other), key=lambda each: each.severity)
    assert (named.severity, "acme/f" in named.message) == ("error", True)
    assert together.severity == "warning"
    assert (
        "no endpoint is left for acme/a: 3 -> fp32+ 0; smallest change: quantization_floor: "
        "fp32 -> bf16 (allows deepinfra/bf16); the same for acme/b, acme/c, acme/d and 1 more"
        in together.message
    )
    assert together.message.endswith("the same for acme/b, acme/c, acme/d and 1 more")


def test_a_model_that_nobody_offers_is_blamed_on_the_rule_or_the_alias() -> None:
    nobody = listed([])
    (of_rule,) = of("empty-funnel", {"name": "mine", "models": [MODEL]}, catalog=nobody)
    assert (of_rule.where, of_rule.message) == (
        "rules.mine",
        f"no endpoint is left for {MODEL}: 0",
    )
    aliases = {"quick": {"model": MODEL}}
    (of_alias,) = of("empty-funnel", aliases=aliases, catalog=nobody)
    assert of_alias.where == "aliases.quick"


def test_an_alias_is_blamed_by_its_own_clause() -> None:
    aliases = {"quick": {"model": MODEL, "preferences": {"only": ["groq"]}}}
    (finding,) = of("empty-funnel", aliases=aliases)
    assert finding.where == "aliases.quick.only"


@pytest.mark.parametrize(
    ("rule", "severity"),
    [
        ({"quantization_floor": "fp16"}, "warning"),
        ({"only": ["novita"]}, "note"),  # one was asked for, and one it is
        ({"only": ["novita", "groq"]}, "warning"),
        ({"models": ["acme/*"], "quantization_floor": "fp16"}, "note"),
    ],
)
def test_one_endpoint_left_of_several(rule: dict[str, Any], severity: str) -> None:
    (finding,) = of("single-endpoint", {"models": [MODEL], **rule})
    assert finding.severity == severity
    assert " 1; if it is down, requests fail" in finding.message


def test_a_model_with_one_endpoint_has_no_choice_to_lose() -> None:
    rule = {"models": [MODEL], "quantization_floor": "fp8"}
    assert of("single-endpoint", rule, catalog=listed(ROWS[:1])) == []
    assert of("single-endpoint", rule) == []


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        ({"prompt": 0.4}, "0.4 is below every list price of acme/sim-1 (from 0.5)"),
        ({"prompt": 0.5}, "0.5 is exactly the lowest list price of acme/sim-1 (from 0.5)"),
        ({"completion": 2}, "2 is exactly the lowest list price of acme/sim-1 (from 2)"),
        ({"prompt": 0.51}, None),
        ({"request": 0}, None),
    ],
)
def test_caps_are_held_to_the_prices_of_who_is_left(
    cap: dict[str, float], expected: str | None
) -> None:
    told = [each.message for each in of("tight-max-price", {"models": [MODEL], "max_price": cap})]
    assert [message.startswith(expected or "-") for message in told] == [True] * bool(expected)


def test_only_prices_of_who_passes_the_other_filters_count() -> None:
    rule = {"models": [MODEL], "max_price": {"prompt": 0.7}, "ignore": ["novita"]}
    assert "(from 1)" in of("tight-max-price", rule)[0].message


def test_a_cap_of_nothing_for_what_is_free_is_meant() -> None:
    free = listed([row("novita", "Novita", prompt="0", completion="0")])
    rule = {"models": [MODEL], "max_price": {"prompt": 0}}
    assert of("tight-max-price", rule, catalog=free) == []
    varies = listed([row("novita", "Novita", prompt="-1")])
    assert of("tight-max-price", rule, catalog=varies) == []


def test_rules_that_shut_each_other_out_for_one_caller_or_tool() -> None:
    wide = {"name": "wide", "models": ["acme/*"], "only": ["novita"]}
    callers = {"name": "batch", "models": ["acme/*"], "callers": ["batch"], "ignore": ["novita"]}
    tools = {"name": "tool", "models": ["acme/*"], "user_agents": ["Tool/*"], "ignore": ["novita"]}
    (finding,) = of("conflict", wide, callers, catalog=EMPTY)
    assert (finding.severity, finding.where) == ("error", "rules.batch")
    assert finding.message.startswith("acme/x for caller batch is always refused: ")
    (finding,) = of("conflict", wide, tools)  # of the listed model and of the pattern's example
    assert " for Tool/x is always refused: " in finding.message


def test_a_funnel_is_looked_at_for_every_caller_that_rules_tell_apart() -> None:
    wide = {"models": ["*"], "zdr": True}
    batch = {"models": [MODEL], "callers": ["batch", "night"], "only": ["groq"]}
    (finding,) = of("empty-funnel", wide, batch)  # routed alike, so told once
    assert (
        "no endpoint is left for acme/sim-1 for caller batch: 3 -> only 0; smallest change: "
        "only: add novita (allows novita/fp8)" in finding.message
    )
