"""Lint: ways to sort that come to nothing, or against each other."""

from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.policy.lint.checks import lint
from app.policy.lint.finding import Finding
from tests.policy.listings import MODEL, listed, row
from tests.policy.sending import book_of


def of(code: str, *rules: dict[str, Any], catalog: Catalog = EMPTY, **more: Any) -> list[Finding]:
    return [each for each in lint(book_of(*rules, **more), catalog) if each.code == code]


@pytest.mark.parametrize("order", [{"order": ["a"]}, {"pin": ["a/fp8"]}])
def test_a_sort_beside_an_order_of_its_own_rule_is_a_warning(order: dict[str, Any]) -> None:
    rule = {"name": "mine", "models": [MODEL], "sort": "price", **order}
    (finding,) = of("sort-beside-order", rule)
    assert (finding.severity, finding.where) == ("warning", "rules.mine.sort")
    assert finding.message == (
        f"OpenRouter ignores a sort if there is an order, so this is not sent for {MODEL}; "
        f'remove it, or the {next(iter(order))} in rule "mine" (test.yaml:1)'
    )


def test_one_of_another_rule_may_be_meant_to_take_its_place() -> None:
    wide = {"name": "wide", "models": ["*"], "sort": "price"}
    exact = {"name": "exact", "models": [MODEL], "order": ["a"]}
    (finding,) = of("sort-beside-order", wide, exact)
    assert (finding.severity, finding.where) == ("note", "rules.wide.sort")
    aliases = {"quick": {"model": MODEL, "preferences": {"order": ["a"]}}}
    (finding,) = of("sort-beside-order", wide, aliases=aliases)
    assert "the order in alias quick" in finding.message


def test_models_are_named_only_where_there_are_any() -> None:
    rule = {"models": ["acme/*"], "sort": "price", "order": ["a"]}
    (finding,) = of("sort-beside-order", rule)
    assert (
        "OpenRouter ignores a sort if there is an order, so this is not sent; remove it, or "
        'the order in rule "rule-0" (test.yaml:1)' in finding.message
    )
    (finding,) = of("sort-beside-order", rule, catalog=listed([row("a", "A")]))
    assert f"not sent for {MODEL}; " in finding.message


def test_a_sort_alone_an_order_alone_or_one_for_other_models_is_let_be() -> None:
    rules = {"models": ["a/*"], "sort": "price"}, {"models": ["b/*"], "order": ["a"]}
    assert of("sort-beside-order", *rules) == []
    replaced = {"models": ["c/*"], "sort": {"by": "price"}}, {"models": ["c/c"], "only": ["a"]}
    assert of("sort-beside-order", *replaced) == []


@pytest.mark.parametrize(
    ("model", "rule", "told"),
    [
        ("a/b:nitro", {"sort": "price"}, ":nitro in a/b:nitro sorts by throughput already, and"),
        ("a/b:floor", {"sort": {"by": "latency"}}, "price already, and this by latency; remove"),
        ("a/b:exacto", {"sort": "price"}, ":exacto in a/b:exacto sorts by exacto already"),
        ("a/*:floor", {"sort": "throughput"}, ":floor in a/x:floor sorts by price already"),
        ("a/b:nitro", {"order": ["x"]}, "an order overrides :nitro in a/b:nitro"),
        ("a/b:floor", {"pin": ["x/fp8"]}, "an order overrides :floor in a/b:floor"),
        ("a/b:floor", {"sort": "price"}, None),
        ("a/b:nitro", {"sort": {"by": "throughput", "partition": "none"}}, None),
        ("a/b:nitro", {"only": ["x"]}, None),
        ("a/b:free", {"sort": "price"}, None),
        ("a/b", {"sort": "price"}, None),
    ],
)
def test_a_sort_or_an_order_against_the_models_variant(
    model: str, rule: dict[str, Any], told: str | None
) -> None:
    findings = of("sort-against-variant", {"models": [model], **rule})
    assert [(each.severity, told in each.message) for each in findings if told] == (
        [("warning", True)] if told else []
    )
    assert bool(findings) is (told is not None)


def test_the_variant_of_an_aliass_model_is_looked_at_under_the_models_own_rules() -> None:
    aliases = {"fast": {"model": "a/b:nitro"}}
    (finding,) = of("sort-against-variant", {"models": ["a/*"], "sort": "price"}, aliases=aliases)
    assert finding.where == "rules.rule-0.sort"
