"""`stop_server_tools_when`: when OpenRouter ends its loop of server tools (openrouter.md §A9).

The conditions are or-ed. The simulated model makes one call of each of its tools, each in a step of
its own; once a condition holds, the call that is running ends, and the rest is not made.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from .routed import InnerRun
from .tool_conditions import NAME, VALUES


def has_ended(body: Mapping[str, Any], runs: Iterable[InnerRun]) -> bool:
    """Whether the loop ends before another call, after these."""
    done = tuple(runs)
    return any(_holds(condition, done) for condition in body.get(NAME) or ())


def _holds(condition: Mapping[str, Any], done: tuple[InnerRun, ...]) -> bool:
    kind = condition["type"]
    value: Any = condition[VALUES[kind]]
    answers = [run.routed for run in done if run.routed is not None]
    if kind == "step_count_is":
        return bool(len(done) >= value)
    if kind == "has_tool_call":
        return any(value in (run.call.kind, run.call.name) for run in done)
    if kind == "max_tokens_used":
        usages = (each.completion.usage for each in answers)
        return bool(sum(one.prompt_tokens + one.completion_tokens for one in usages) >= value)
    if kind == "max_cost":
        return sum((each.charged for each in answers), Decimal(0)) >= Decimal(str(value))
    return any(each.completion.finish_reason == value for each in answers)
