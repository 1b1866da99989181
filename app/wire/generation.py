"""OpenRouter's own record of a generation, `GET /generation?id=` (openrouter.md §5.5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..exact_numbers import whole
from .frame import read_value
from .observation import MOST_ROWS, Attempt, Usage, flag, money, text

_TOOL_COUNTS = ("num_search_results", "num_fetches")


@dataclass(frozen=True, slots=True)
class Generation:
    """Who served and what it cost, from the record, written some ten seconds after the answer.

    `usage` counts tokens as the provider bills them. Of a stream that its client left, the record
    says `cancelled`, and usually a cost of 0; a host that can't cancel is paid for all of it.
    """

    provider: str | None  # a display name, as answers have it
    attempts: tuple[Attempt, ...]  # all providers that received the prompt, failed ones included
    server_tools: bool  # then the provider can be wrong
    from_cache: bool  # OpenRouter's response cache: nothing was routed
    usage: Usage
    cancelled: bool


def read_generation(body: bytes, of: str | None = None) -> Generation | None:
    """The record in a body; None if there is none, or one with another id than `of`. Never raises.

    A cache on the way that ignores queries has the same record for everything.
    """
    answer = read_value(body)
    record = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(record, dict) or not _is_of(record, of):
        return None
    return Generation(
        provider=text(record.get("provider_name")),
        attempts=tuple(_attempts(record.get("provider_responses"))),
        server_tools=any(whole(record.get(name)) for name in _TOOL_COUNTS),
        from_cache=bool(record.get("response_cache_source_id")),
        usage=_usage(record),
        cancelled=record.get("cancelled") is True,
    )


def _is_of(record: Mapping[str, Any], generation: str | None) -> bool:
    named = text(record.get("id"))
    return named is None or generation is None or named == text(generation)


def _usage(record: Mapping[str, Any]) -> Usage:
    return Usage(
        prompt_tokens=whole(record.get("native_tokens_prompt")),
        cached_tokens=whole(record.get("native_tokens_cached")),
        completion_tokens=whole(record.get("native_tokens_completion")),
        reasoning_tokens=whole(record.get("native_tokens_reasoning")),
        cost_usd=money(record.get("total_cost")),
        is_byok=flag(record.get("is_byok")),
        upstream_cost_usd=money(record.get("upstream_inference_cost")),
    )


def _attempts(rows: object) -> Iterator[Attempt]:
    for row in islice(rows, MOST_ROWS) if isinstance(rows, list) else ():
        if isinstance(row, dict) and (name := text(row.get("provider_name"))):
            yield Attempt(name, text(row.get("model_permaslug")), whole(row.get("status")))
