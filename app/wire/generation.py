"""OpenRouter's own record of a generation, `GET /generation?id=` (openrouter.md §5.5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from app.exact_numbers import whole
from app.wire.frame import read_value
from app.wire.observation import MOST_ROWS, Attempt, flag, text

_TOOL_COUNTS = ("num_search_results", "num_fetches")


@dataclass(frozen=True, slots=True)
class Generation:
    """The provider that served, from the record, written some ten seconds after the answer."""

    provider: str | None  # a display name, as answers have it
    attempts: tuple[Attempt, ...]  # all providers that received the prompt, failed ones included
    server_tools: bool  # then the provider can be wrong
    from_cache: bool  # OpenRouter's response cache: nothing was routed
    is_byok: bool | None  # whether an own key of the account was used


def read_generation(body: bytes) -> Generation | None:
    """The record in a body; None if there is none. Never raises."""
    answer = read_value(body)
    record = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(record, dict):
        return None
    return Generation(
        provider=text(record.get("provider_name")),
        attempts=tuple(_attempts(record.get("provider_responses"))),
        server_tools=any(whole(record.get(name)) for name in _TOOL_COUNTS),
        from_cache=bool(record.get("response_cache_source_id")),
        is_byok=flag(record.get("is_byok")),
    )


def _attempts(rows: object) -> Iterator[Attempt]:
    for row in islice(rows, MOST_ROWS) if isinstance(rows, list) else ():
        if isinstance(row, dict) and (name := text(row.get("provider_name"))):
            yield Attempt(name, text(row.get("model_permaslug")), whole(row.get("status")))
