"""A change of a listing is told where it changes whom a policy lets through."""

from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.policy.file.parse import read_book
from app.policy.forecast.drift import drifts

BOOK = read_book(
    {
        "p.yaml": """\
version: 1
rules:
  - {name: eight, models: ["acme/*"], quantization_floor: fp8}
  - {name: never, models: ["closed/*"], refuse: [model]}
aliases:
  pinned: {model: acme/sim-1, preferences: {pin: [novita]}}
"""
    }
)


def row(tag: str, quantization: str = "fp8") -> dict[str, Any]:
    prices = {"prompt": "0.000001", "completion": "0.000001"}
    return {"tag": tag, "provider_name": tag, "quantization": quantization, "pricing": prices}


def listed(*rows: dict[str, Any], model: str = "acme/sim-1") -> Catalog:
    return EMPTY.with_listing(model, list(rows), 0.0)


def told(before: Catalog, after: Catalog, model: str = "acme/sim-1") -> list[str]:
    return [str(drift) for drift in drifts(BOOK, model, before, after)]


def test_a_label_that_falls_below_the_floor_is_told_for_the_model_and_its_aliases() -> None:
    before = listed(row("novita"), row("groq"))
    after = listed(row("novita", "fp4"), row("groq"))
    reason = 'gone novita (quantizations by rule "eight" (p.yaml:3))'
    assert told(before, after) == [
        f"acme/sim-1: 1 endpoint left; {reason}",
        f"pinned: 0 endpoints left; {reason}",
    ]


def test_a_provider_that_leaves_is_told() -> None:
    (model, alias) = told(listed(row("novita"), row("groq")), listed(row("groq")))
    assert "acme/sim-1: 1 endpoint left; gone novita (no longer offered)" in model
    assert "0 endpoints left" in alias


def test_one_that_comes_is_told() -> None:
    assert told(listed(row("groq")), listed(row("groq"), row("chutes"))) == [
        "acme/sim-1: 2 endpoints left; new chutes"
    ]


@pytest.mark.parametrize(
    "after",
    [
        [row("novita"), row("groq")],
        [row("groq", "bf16"), row("novita", "fp16")],
        [row("novita"), row("groq"), row("bad", "fp4")],
    ],
)
def test_what_changes_nothing_for_the_policy_is_not_told(after: list[dict[str, Any]]) -> None:
    assert told(listed(row("novita"), row("groq")), listed(*after)) == []


def test_a_first_look_is_no_change() -> None:
    assert told(EMPTY, listed(row("novita"))) == []


@pytest.mark.parametrize("model", ["closed/one", "other/model"])
def test_a_model_that_no_policy_lets_through_does_not_drift(model: str) -> None:
    assert told(listed(row("a"), model=model), listed(row("b"), model=model), model) == []


def test_of_many_endpoints_a_few_are_named_and_the_others_counted() -> None:
    many = [row(f"host-{number:03}") for number in range(500)]
    model, *_ = told(listed(*many, row("novita")), listed(row("groq"), row("novita")))
    assert "gone host-000, " in model
    assert "host-019 and 480 more (no longer offered)" in model
    assert len(model) < 500


def test_a_drift_says_what_is_left_and_which_rules_apply() -> None:
    after = listed(row("groq"), row("novita", "fp4"))
    drift = next(drifts(BOOK, "acme/sim-1", listed(row("groq"), row("novita")), after))
    assert (drift.admitted, drift.rules) == (("groq",), ("eight",))
