"""Receipts for a bug report: without names, and without what points to one request elsewhere.

Rule 1  A field is left out unless it is `KEPT` or `NUMBERED`.
Rule 2  The same name has the same number in all receipts of a bundle, and nothing leads back to it:
        a hash could be compared with those of likely names.
Rule 3  A name that is numbered is replaced in every text of the receipt.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..ledger.receipt import Receipt, as_json_object

NUMBERED: Mapping[str, str] = {
    "caller": "caller",
    "session": "session",
    "subagent": "subagent",
    "user_agent": "tool",
}
LEFT_OUT = frozenset(
    {
        "generation_id",  # with the key, it leads to the request at OpenRouter
        "path",  # of a request that is passed through, it has ids of files; `dialect` says the rest
        "audit",
    }
)
KEPT = (
    *("id", "started_at", "dialect", "model_asked", "alias", "model_sent", "rules", "book"),
    *("preferences_sent", "overruled", "streamed", "status", "provider", "model_served"),
    *("quantizations_listed", "verdict", "reason", "evidence", "attempts", "router_strategy"),
    *("cache_status", "ttfb_ms", "ttft_ms", "duration_ms", "prompt_tokens", "cached_tokens"),
    *("completion_tokens", "reasoning_tokens", "tokens_per_second", "cost_usd", "finish_reason"),
    *("error_code", "error_message", "ending", "bytes_in", "bytes_out", "native_finish_reason"),
    *("service_tier", "region", "cache_write_tokens", "is_byok", "upstream_cost_usd", "unread"),
    *("tool_calls", "defects", "max_tokens_asked", "context_tokens", "tools_offered"),
    *("response_format", "modalities", "session_source", "pinned_to", "pin_reason", "affinity"),
    *("explanation", "token_prices", "listing", "cost_source"),
)


def without_names(receipts: Iterable[Receipt]) -> Iterator[dict[str, Any]]:
    """The receipts as JSON objects, with numbers for names: `caller-1`, `session-2`."""
    numbers: dict[tuple[str, str], str] = {}
    for receipt in receipts:
        whole = as_json_object(receipt)
        names: dict[str, str] = {}
        for field, word in NUMBERED.items():
            value = whole[field]
            if value is not None:
                known = sum(1 for kind, _ in numbers if kind == word)
                names[value] = numbers.setdefault((word, value), f"{word}-{known + 1}")
        numbered = {field: whole[field] and names[whole[field]] for field in NUMBERED}
        yield {**{field: _renamed(whole[field], names) for field in KEPT}, **numbered}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A value with the names in its texts replaced."""
    if isinstance(value, str):
        for name in sorted(names, key=len, reverse=True):
            value = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", names[name], value)
        return value
    if isinstance(value, Mapping):
        return {key: _renamed(each, names) for key, each in value.items()}
    return [_renamed(each, names) for each in value] if isinstance(value, list) else value
