"""Lint: caps that refuse requests, always or without a limit of their own."""

from typing import Any

import pytest

from app.policy.lint.checks import lint
from app.policy.lint.finding import Finding
from tests.policy.listings import MODEL, listed, row
from tests.policy.sending import book_of


def of(cap: Any, *rows: dict[str, Any], **rule: Any) -> list[Finding]:
    """The findings about a cap; rows without any: one at $1 and $2 a million tokens."""
    plain = {**row("novita", "Novita"), "max_completion_tokens": 10_000, "context_length": 20_000}
    told = {**plain, "supported_parameters": ["max_tokens"]}
    book = book_of({"models": [MODEL], "max_request_usd": cap, **rule})
    return [each for each in lint(book, listed(rows or (told,))) if each.code == "cap-refuses"]


def test_a_request_without_a_limit_is_told_with_the_figure() -> None:
    (finding,) = of(0.01)
    assert (finding.severity, finding.where) == ("note", "rules.rule-0.max_request_usd")
    assert "at novita one without `max_tokens` could cost $0.0205" in finding.message
    assert of(0.0205) == []
    assert of({"usd": 0.01, "clamp": True}) == []


@pytest.mark.parametrize("clamp", [True, False])
def test_a_cap_below_any_request_is_a_warning(clamp: Any) -> None:
    (finding,) = of({"usd": 0.0001, "clamp": clamp})
    assert finding.severity == "warning"
    assert "even the shortest request could cost $0.000502" in finding.message


def test_a_price_that_is_not_known_is_a_warning() -> None:
    (finding,) = of(1, row("odd", "Odd", prompt="-1"))
    assert finding.severity == "warning"
    assert "is always refused, since at odd its price for prompt is not known" in finding.message


def test_with_no_endpoint_left_there_is_nothing_to_bound() -> None:
    assert of(0.01, only=["nobody"]) == []


def test_models_of_a_pattern_share_a_finding() -> None:
    plain = {**row("novita", "Novita"), "max_completion_tokens": 10_000, "context_length": 20_000}
    catalog = listed([plain]).with_listing("acme/other", [plain], 1_795_000_000.0)
    book = book_of({"models": [MODEL, "acme/other"], "max_request_usd": 0.01})
    (finding,) = [each for each in lint(book, catalog) if each.code == "cap-refuses"]
    assert "; likewise acme/other" in finding.message
