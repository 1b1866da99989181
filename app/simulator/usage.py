"""`usage` in each dialect: tokens, and what they cost (openrouter.md §3.2, §A5.1)."""

from decimal import Decimal
from typing import Any

from .ask import Ask
from .metadata import byok_field
from .routed import Routed
from .tool_list import BY_TYPE, runs_on_a_server
from .tool_records import iterations


def number(amount: Decimal) -> float | int:
    """Money as a JSON number: digits unchanged, no exponent forced."""
    return float(amount) if amount else 0


def _money(routed: Routed) -> dict[str, Any]:
    row = routed.completion.row
    own = byok_field(routed.ask, row, of_usage=True)
    return {"cost": number(routed.charged), **own}


def usage_field(routed: Routed) -> dict[str, Any]:
    """`usage` of an answer; absent if the upstream died (openrouter.md §A5.3)."""
    if routed.ask.switches.empty == "network_error":
        return {}
    usage = responses_usage if routed.ask.dialect == "responses" else chat_usage
    return {"usage": usage(routed)}


def chat_usage(routed: Routed) -> dict[str, Any]:
    """`usage` of chat and text completions."""
    usage = routed.completion.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        **_money(routed),
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": number(routed.spent),
            "upstream_inference_prompt_cost": number(usage.prompt_cost),
            "upstream_inference_completions_cost": number(usage.completion_cost),
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
        **_server_tools(routed.ask),
    }


def _server_tools(ask: Ask) -> dict[str, Any]:
    """The counts of server tools: the simulated model uses each of its tools once."""
    if not ask.server_tools:
        return {}
    searches, calls = _searches(ask), len(_on_servers(ask))
    told = {"web_search_requests": searches} if searches else {}
    calls = max(calls, searches)
    return {
        "server_tool_use_details": {
            **told,
            "tool_calls_requested": calls,
            "tool_calls_executed": calls,
        }
    }


def _on_servers(ask: Ask) -> list[dict[str, Any]]:
    return [tool for tool in ask.body.get("tools") or [] if runs_on_a_server(tool)]


def _searches(ask: Ask) -> int:
    """Whether the web was searched: by a tool, by the plugin, or by the model's suffix."""
    known = [BY_TYPE.get(str(tool.get("type"))) for tool in _on_servers(ask)]
    by_tool = any(tool is not None and tool.name == "web_search" for tool in known)
    online = any(candidate.suffix == "online" for candidate in ask.candidates)
    return int(by_tool or online or ask.plugin("web") is not None)


def responses_usage(routed: Routed) -> dict[str, Any]:
    """`usage` of a response."""
    usage = routed.completion.usage
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, **_written(routed)},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        **_money(routed),
        "cost_details": {
            "upstream_inference_cost": number(routed.spent),
            "upstream_inference_input_cost": number(usage.prompt_cost),
            "upstream_inference_output_cost": number(usage.completion_cost),
        },
        **_server_tools(routed.ask),
    }


def _written(routed: Routed) -> dict[str, int]:
    """The tokens written to the cache, where the endpoint has a price for them."""
    usage = routed.completion.usage
    told = {"cache_write_tokens": usage.cache_write_tokens}
    return told if routed.completion.row.takes_markers else {}


def _creation(routed: Routed) -> dict[str, Any]:
    """The same for messages, by the time that they are kept."""
    usage = routed.completion.usage
    for_an_hour = usage.cache_write_1h_tokens
    told = {
        "ephemeral_5m_input_tokens": usage.cache_write_tokens - for_an_hour,
        "ephemeral_1h_input_tokens": for_an_hour,
    }
    return {"cache_creation": told} if routed.completion.row.takes_markers else {}


def messages_usage(routed: Routed) -> dict[str, Any]:
    """`usage` of an Anthropic message, where it is required, with OpenRouter's cost."""
    usage = routed.completion.usage
    if routed.ask.switches.empty == "network_error":
        return {"input_tokens": 0, "output_tokens": 0}
    own = {
        "input_tokens": usage.uncached_tokens,
        "output_tokens": usage.completion_tokens,
    }
    advised, thought = iterations(routed, own), usage.reasoning_tokens
    searches = _searches(routed.ask)
    return {
        **own,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        **_creation(routed),
        **({"output_tokens_details": {"thinking_tokens": thought}} if thought else {}),
        "cache_read_input_tokens": usage.cached_tokens,
        "service_tier": routed.completion.row.tier or "standard",
        **_money(routed),
        "cost_details": {
            "upstream_inference_cost": number(routed.spent),
            "upstream_inference_prompt_cost": number(usage.prompt_cost),
            "upstream_inference_completions_cost": number(usage.completion_cost),
        },
        **({"iterations": advised} if advised else {}),
        **({"server_tool_use": {"web_search_requests": searches}} if searches else {}),
    }
