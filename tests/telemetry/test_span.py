"""A receipt in the words of the GenAI conventions, and nothing in it that may be private."""

from typing import Any

import pytest
from msgspec.structs import replace

from app.ledger.receipt import FIELDS
from app.telemetry.span import error_type, metric_attributes, span_attributes, span_name
from app.telemetry.tallies import Labels
from app.wire.dialect import DIALECTS
from tests.ledger.receipts import FULL, receipt


def test_a_receipt_is_told_in_the_words_of_the_conventions() -> None:
    said = span_attributes(FULL)
    assert {name: said[name] for name in said if not name.startswith("pointsman.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": "qwen/qwen3-coder",
        "gen_ai.request.stream": True,
        "gen_ai.response.id": "gen-1795000000-abcdefghijklmnopqrst",
        "gen_ai.response.model": "qwen/qwen3-coder-480b-a35b-07-25",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.4125,
        "gen_ai.usage.input_tokens": 687,
        "gen_ai.usage.output_tokens": 2**53 - 1,
        "gen_ai.usage.cache_read.input_tokens": 679,
        "gen_ai.usage.reasoning.output_tokens": 17,
        "gen_ai.conversation.id": "0123456789abcdef",
        "http.response.status_code": 200,
    }
    assert span_name(FULL) == "chat qwen/qwen3-coder"


def test_every_name_of_the_conventions_is_one_that_the_registry_has() -> None:
    incubating: Any = pytest.importorskip(
        "opentelemetry.semconv._incubating.attributes.gen_ai_attributes"
    )
    registered = {value for value in vars(incubating).values() if isinstance(value, str)}
    said = {name for name in span_attributes(FULL) if name.startswith("gen_ai.")}
    assert said <= registered


def test_who_served_and_the_verdict_are_told_in_words_of_our_own() -> None:
    said = span_attributes(FULL)
    assert said["pointsman.provider"] == "novita"
    assert said["pointsman.verdict"] == "kept"
    assert said["pointsman.cost_usd"] == pytest.approx(0.02205325)
    assert said["pointsman.rules"] == ("precise-open-weights", "private")


def test_nothing_is_said_of_what_a_receipt_does_not_know() -> None:
    assert set(span_attributes(receipt())) == {
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.stream",
        "pointsman.receipt",
        "pointsman.ending",
    }


@pytest.mark.parametrize("private", ["user_agent", "path", "error_message", "reason", "evidence"])
def test_what_is_free_in_form_is_never_told(private: str) -> None:
    assert private in FIELDS
    canary = ("canary",) if private == "evidence" else "canary"
    changed: dict[str, Any] = {private: canary}
    assert "canary" not in repr(span_attributes(replace(FULL, **changed)))


@pytest.mark.parametrize(
    ("dialect", "operation"),
    [
        *((name, "chat") for name in ("chat", "responses", "messages")),
        ("completions", "text_completion"),
        ("embeddings", "embeddings"),
        ("rerank", "rerank"),
        (None, "passthrough"),
    ],
)
def test_every_dialect_is_an_operation(dialect: str | None, operation: str) -> None:
    assert span_name(receipt(dialect=dialect)) == operation
    assert dialect is None or dialect in {row.name for row in DIALECTS.values()}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": 200, "ending": "complete"}, None),
        ({"status": 200, "ending": "caller_left"}, None),
        ({"status": 200, "ending": "upstream_cut"}, "upstream_cut"),
        ({"status": None, "ending": "upstream_cut"}, "upstream_cut"),
        ({"status": 429, "ending": "upstream_error", "error_code": "as it likes"}, "429"),
        ({"status": 200, "ending": "upstream_error"}, "upstream_error"),
        ({"status": 403, "ending": "refused", "error_code": "policy_refused"}, "policy_refused"),
        ({"status": 403, "ending": "refused"}, "refused"),
    ],
)
def test_an_error_is_a_word_of_few(fields: dict[str, Any], expected: str | None) -> None:
    assert error_type(receipt(**fields)) == expected


def test_measurements_are_told_apart_by_bounded_labels_alone() -> None:
    asked = receipt(dialect="chat", model_asked="x" * 500, ending="upstream_cut")
    labels = Labels("chat", "other", "none", "2xx", "upstream_cut", "none")
    assert metric_attributes(asked, labels) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": "other",
        "pointsman.provider": "none",
        "error.type": "upstream_cut",
    }
    assert "error.type" not in metric_attributes(FULL, labels)


def test_a_name_without_end_is_cut() -> None:
    asked = receipt(model_asked="x" * 10_000)
    assert len(span_name(asked)) < 300
    assert len(str(span_attributes(asked)["gen_ai.request.model"])) == 200
