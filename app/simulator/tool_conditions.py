"""Check the conditions of `stop_server_tools_when` before routing (openrouter.md §A9)."""

from collections.abc import Mapping
from typing import Any

from .refusals import Refusal

NAME = "stop_server_tools_when"
_WHOLE = ("step_count_is", "max_tokens_used")
VALUES: Mapping[str, str] = {
    "step_count_is": "step_count",
    "has_tool_call": "tool_name",
    "max_tokens_used": "max_tokens",
    "max_cost": "max_cost_in_dollars",
    "finish_reason_is": "reason",
}


def check_conditions(body: Mapping[str, Any]) -> None:
    """Raise the 400 for a list of conditions that OpenRouter would not take."""
    conditions = body.get(NAME)
    if conditions is None:
        return
    if not isinstance(conditions, list):
        raise Refusal(400, f"{NAME}: Invalid input: expected array")
    for place, condition in enumerate(conditions):
        kind = condition.get("type") if isinstance(condition, dict) else None
        if not isinstance(kind, str) or kind not in VALUES:
            raise Refusal(400, f"{NAME}.{place}.type: Invalid input")
        value = condition.get(VALUES[kind])
        if not _fits(kind, value):
            raise Refusal(400, f"{NAME}.{place}.{VALUES[kind]}: Invalid input")


def _fits(kind: str, value: Any) -> bool:
    if kind in _WHOLE:
        return type(value) is int and value >= 0
    if kind == "max_cost":
        return type(value) in {int, float} and value >= 0
    return isinstance(value, str)
