"""Lint: numbers that are most likely in another unit."""

from typing import Any

import pytest

from app.policy.lint.checks import lint
from app.policy.lint.finding import Finding
from tests.policy.sending import book_of


def of(code: str, rule: dict[str, Any], **more: Any) -> list[Finding]:
    return [each for each in lint(book_of(rule, **more)) if each.code == code]


@pytest.mark.parametrize(
    ("caps", "keys"),
    [
        ({"prompt": 0.0001}, ["prompt"]),
        ({"prompt": 0.003, "completion": 0.0049}, ["prompt", "completion"]),
        ({"prompt": 0.005, "completion": 0.01}, []),  # the lowest list prices seen are 0.01
        ({"prompt": 0, "completion": 0}, []),  # free only
        ({"request": 0.001, "image": 0.0005}, []),  # in USD each
    ],
)
def test_a_cap_that_hardly_any_model_costs_is_told(caps: dict[str, float], keys: list[str]) -> None:
    findings = of("tiny-max-price", {"max_price": caps})
    assert sorted(each.where.rpartition(".")[2] for each in findings) == sorted(keys)
    assert all(each.severity == "warning" for each in findings)


def test_it_is_converted_from_either_unit_that_may_be_meant() -> None:
    (finding,) = of("tiny-max-price", {"max_price": {"prompt": 0.0025}})
    assert finding.message.endswith(
        "costs as little as 0.0025; if you meant USD per thousand tokens, write 2.5, "
        "if USD per token, 2500"
    )


@pytest.mark.parametrize(
    ("latency", "told"),
    [
        (60, None),
        (61, "61"),
        (300, "300"),
        ({"p50": 2, "p90": 250}, "250"),
        ({}, None),
    ],
)
def test_a_latency_that_leaves_out_hardly_anything_is_told(latency: Any, told: str | None) -> None:
    findings = of("long-latency", {"preferred_max_latency": latency})
    assert [each.message.partition(", but ")[2].partition(" ")[0] for each in findings] == (
        [told] if told else []
    )


def test_an_aliass_own_numbers_are_looked_at_too() -> None:
    preferences = {"max_price": {"prompt": 0.001}, "preferred_max_latency": 200}
    aliases = {"quick": {"model": "a/b", "preferences": preferences}}
    (price,) = of("tiny-max-price", {}, aliases=aliases)
    (latency,) = of("long-latency", {}, aliases=aliases)
    assert price.where == "aliases.quick.max_price.prompt"
    assert (latency.where, "if you meant milliseconds, write 0.2" in latency.message) == (
        "aliases.quick.preferred_max_latency",
        True,
    )
