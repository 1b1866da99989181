"""A broken verdict says which clause it is about, what that allows, and where it is written."""

from typing import Any

import pytest

from app.catalog.catalog import EMPTY
from app.policy.request import request_for
from app.policy.verdict.broken import why_broken
from app.policy.verdict.judge import Verdict
from tests.policy.sending import book_of

RULE: dict[str, Any] = {
    "name": "careful",
    "models": ["*"],
    "only": ["novita", "deepinfra/fp8"],
    "quantizations": ["fp16", "bf16"],
    "ignore": ["together"],
}
ORIGINS = (
    book_of(RULE).route_for(request_for("a/b"), caller=None, user_agent="", catalog=EMPTY).origins
)


def why(provider: str | None, *labels: str, verdict: Any = "broken", **sent: Any) -> str:
    judged = Verdict(verdict=verdict, reason="", provider=provider, quantizations_listed=labels)
    preferences = {name: RULE[name] for name in ("only", "quantizations", "ignore")} | sent
    return why_broken(judged, preferences, ORIGINS)


def test_each_clause_that_is_broken_is_named_with_its_place() -> None:
    text = why("together", "fp8")
    parts = text.split("; ")
    assert parts[1].startswith('only allows novita, deepinfra/fp8, by rule "careful" (test.yaml:')
    assert parts[2].startswith('ignore excludes together, by rule "careful" (test.yaml:')
    assert parts[3].startswith('quantizations allows fp16, bf16, by rule "careful" (test.yaml:')
    assert len(parts) == 4


@pytest.mark.parametrize("verdict", ["kept", "unproven", None])
def test_only_a_broken_verdict_names_clauses(verdict: str | None) -> None:
    assert why("together", "fp8", verdict=verdict) == ""


def test_what_is_not_broken_is_not_named() -> None:
    assert why("novita", "bf16") == why("deepinfra", "fp16", "fp8") == why("novita") == ""
    assert why(None) == ""
    assert why("novita", "fp8").startswith("; quantizations allows")


def test_a_strict_order_is_a_clause_and_a_loose_one_is_not() -> None:
    loose = {"only": None, "order": ["baseten"]}
    assert why("novita", "bf16", **loose) == ""
    strict = why("novita", "bf16", **loose, allow_fallbacks=False)
    assert strict == "; order allows baseten, by the request itself"


def test_many_values_are_counted() -> None:
    many = why("x", "bf16", only=[f"host-{number}" for number in range(20)])
    assert "only allows host-0, host-1, host-2, host-3, host-4 and 15 more, by rule" in many
