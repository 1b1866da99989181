"""OpenRouter's own record of a generation, `GET /generation?id=` (contract §5.5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from app.wire.observation import Attempt, flag, text

_TOOL_COUNTS = ("num_search_results", "num_fetches")


@dataclass(frozen=True, slots=True)
class Generation:
    """Who served, by the record; written some ten seconds after the answer."""

    provider: str | None  # a display name, as answers have it
    attempts: tuple[Attempt, ...]  # everybody who got the prompt, failed ones included
    server_tools: bool  # then the provider can be wrong
    from_cache: bool  # OpenRouter's response cache: nothing was routed
    is_byok: bool | None  # whether by a key of the account's own


def read_generation(body: bytes) -> Generation | None:
    """The record in a body; None where there is none. Never raises."""
    try:
        whole = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    record = whole.get("data") if isinstance(whole, dict) else None
    if not isinstance(record, dict):
        return None
    return Generation(
        provider=text(record.get("provider_name")),
        attempts=tuple(_attempts(record.get("provider_responses"))),
        server_tools=any(_positive(record.get(name)) for name in _TOOL_COUNTS),
        from_cache=bool(record.get("response_cache_source_id")),
        is_byok=flag(record.get("is_byok")),
    )


def _attempts(rows: object) -> Iterator[Attempt]:
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and (name := text(row.get("provider_name"))):
            yield Attempt(name, text(row.get("model_permaslug")), _status(row))


def _status(row: Mapping[str, Any]) -> int | None:
    status = row.get("status")
    return status if isinstance(status, int) and not isinstance(status, bool) else None


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
