"""Check a request's server tools before routing (openrouter.md §A2.2, §A2.4)."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .refusals import Refusal
from .switches import Switches
from .tool_list import BY_TYPE, FORMATS

_NAMED = ("openrouter:advisor", "openrouter:subagent")
_PANEL = 8


def check_tools(body: Mapping[str, Any], dialect: str, switches: Switches) -> None:
    """Raise the 400 for a tool that this route does not support or that lacks its model."""
    names: Counter[tuple[str, str]] = Counter()
    for place, tool in enumerate(body.get("tools") or ()):
        kind, at = str(tool.get("type") or ""), f"tools.{place}"
        if switches.tools_elsewhere == "refused":
            _check_route(kind, dialect, at)
        if kind == "advisor_20260301" and not isinstance(tool.get("model"), str):
            raise Refusal(400, f"{at}.model: Invalid input: expected string")
        parameters = tool.get("parameters")
        parameters = parameters if isinstance(parameters, dict) else {}
        panel = parameters.get("analysis_models")
        if isinstance(panel, list) and len(panel) > _PANEL:
            said = f"Too big: expected array to have <={_PANEL} items"
            raise Refusal(400, f"{at}.parameters.analysis_models: {said}")
        if kind in _NAMED:
            names[kind, str(parameters.get("name") or "").strip()] += 1
    if twice := [kind for (kind, _), times in names.items() if times > 1]:
        raise Refusal(400, f"tools: names of {twice[0]} must be unique; one may have none")


def _check_route(kind: str, dialect: str, at: str) -> None:
    known, route = BY_TYPE.get(kind), FORMATS.get(dialect)
    if known is not None and route is not None and route not in known.spellings[kind]:
        raise Refusal(400, f"{at}: {kind} is not supported on this API format")
