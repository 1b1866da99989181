"""A receipt as attributes of OpenTelemetry's GenAI conventions. PURE.

Rule 1  Names are those of the conventions (semconv 1.41, gen-ai); all others begin with
        `pointsman.`.
Rule 2  The only free text exported is names: no error message, which may quote a prompt, no user
        agent, no path.
Rule 3  Attributes of metrics are bounded like labels; those of spans are cut.
"""

from collections.abc import Mapping, Sequence

from ..ledger.receipt import Receipt, paid_usd
from .tallies import Labels

Value = str | int | float | bool | Sequence[str]

_LONGEST = 200
_OPERATIONS = {
    "chat": "chat",
    "responses": "chat",
    "messages": "chat",
    "completions": "text_completion",
    "embeddings": "embeddings",
}
_SYSTEM = "openrouter"  # the conventions have no aggregators; see `pointsman.provider`


def operation_of(dialect: str | None) -> str:
    """Return the kind of request; a dialect not in the conventions keeps its own name."""
    return _OPERATIONS.get(dialect or "", dialect or "passthrough")


def span_name(receipt: Receipt) -> str:
    """The operation and the model."""
    model = receipt.model_sent or receipt.model_asked
    operation = operation_of(receipt.dialect)
    return f"{operation} {model[:_LONGEST]}" if model else operation


def error_type(receipt: Receipt) -> str | None:
    """Return the kind of error, one of few words; a client disconnect is not an error."""
    if receipt.ending in {"complete", "caller_left"}:
        return None
    if receipt.ending == "refused":
        return receipt.error_code or receipt.ending
    return str(receipt.status) if (receipt.status or 0) >= 400 else receipt.ending  # noqa: PLR2004


def span_attributes(receipt: Receipt) -> dict[str, Value]:
    """Return everything about one request that a trace may contain."""
    paid = paid_usd(receipt)
    said: dict[str, Value | None] = {
        "gen_ai.operation.name": operation_of(receipt.dialect),
        "gen_ai.provider.name": _SYSTEM,
        "gen_ai.request.model": receipt.model_sent or receipt.model_asked,
        "gen_ai.request.stream": receipt.streamed,
        "gen_ai.response.id": receipt.generation_id,
        "gen_ai.response.model": receipt.model_served,
        "gen_ai.response.finish_reasons": (receipt.finish_reason,)
        if receipt.finish_reason
        else None,
        "gen_ai.response.time_to_first_chunk": _seconds(receipt.ttft_ms),
        "gen_ai.usage.input_tokens": receipt.prompt_tokens,
        "gen_ai.usage.output_tokens": receipt.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": receipt.cached_tokens,
        "gen_ai.usage.reasoning.output_tokens": receipt.reasoning_tokens,
        "gen_ai.conversation.id": receipt.session,
        "http.response.status_code": receipt.status,
        "error.type": error_type(receipt),
        "pointsman.receipt": receipt.id,
        "pointsman.caller": receipt.caller,
        "pointsman.alias": receipt.alias,
        "pointsman.rules": receipt.rules or None,
        "pointsman.book": receipt.book,
        "pointsman.provider": receipt.provider,
        "pointsman.quantizations": receipt.quantizations_listed or None,
        "pointsman.verdict": receipt.verdict,
        "pointsman.ending": receipt.ending,
        "pointsman.cost_usd": None if paid is None else float(paid),
    }
    return {name: _cut(value) for name, value in said.items() if value is not None}


def metric_attributes(receipt: Receipt, labels: Labels) -> Mapping[str, Value]:
    """Return the attributes that distinguish a measurement."""
    told: dict[str, Value] = {
        "gen_ai.operation.name": operation_of(receipt.dialect),
        "gen_ai.provider.name": _SYSTEM,
        "gen_ai.request.model": labels.model,
        "pointsman.provider": labels.provider,
    }
    failed = error_type(receipt)
    return {**told, "error.type": failed} if failed else told


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _cut(value: Value) -> Value:
    return value[:_LONGEST] if isinstance(value, str) else value
