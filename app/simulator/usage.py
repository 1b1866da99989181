"""`usage` in each dialect: tokens, and what they cost (contract §3.2, A5.1)."""

from decimal import Decimal
from typing import Any

from app.simulator.ask import Ask
from app.simulator.catalog import Row
from app.simulator.completion import Completion
from app.simulator.metadata import byok_field
from app.simulator.routing import has_own_key

_OWN_KEY_FEE = Decimal("0.05")  # what OpenRouter takes of a spend by one's own key


def number(amount: Decimal) -> float | int:
    """Money as JSON has it: digits as they are, no exponent forced."""
    return float(amount) if amount else 0


def charged(ask: Ask, row: Row, spent: Decimal) -> Decimal:
    """What OpenRouter charges for what was spent at the host: with an own key, its fee (A5.1)."""
    return spent * _OWN_KEY_FEE if has_own_key(ask, row) else spent


def _money(ask: Ask, completion: Completion) -> dict[str, Any]:
    row, spent = completion.row, completion.usage.cost
    return {"cost": number(charged(ask, row, spent)), **byok_field(ask, row, of_usage=True)}


def usage_field(ask: Ask, completion: Completion) -> dict[str, Any]:
    """`usage` of an answer; what a dead upstream leaves behind has none (contract A5.3)."""
    if ask.switches.empty == "network_error":
        return {}
    usage = responses_usage if ask.dialect == "responses" else chat_usage
    return {"usage": usage(ask, completion)}


def chat_usage(ask: Ask, completion: Completion) -> dict[str, Any]:
    """`usage` of chat and text completions."""
    usage = completion.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        **_money(ask, completion),
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": number(usage.cost),
            "upstream_inference_prompt_cost": number(usage.prompt_cost),
            "upstream_inference_completions_cost": number(usage.completion_cost),
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
        **(_SERVER_TOOLS if ask.server_tools else {}),
    }


# The simulated model uses a server tool once whenever it has one.
_SERVER_TOOLS: dict[str, Any] = {
    "server_tool_use_details": {
        "web_search_requests": 1,
        "tool_calls_requested": 1,
        "tool_calls_executed": 1,
    }
}


def responses_usage(ask: Ask, completion: Completion) -> dict[str, Any]:
    """`usage` of a response."""
    usage = completion.usage
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        **_money(ask, completion),
        "cost_details": {
            "upstream_inference_cost": number(usage.cost),
            "upstream_inference_input_cost": number(usage.prompt_cost),
            "upstream_inference_output_cost": number(usage.completion_cost),
        },
    }


def messages_usage(ask: Ask, completion: Completion) -> dict[str, Any]:
    """`usage` of an Anthropic message, which must have one, with OpenRouter's cost."""
    usage = completion.usage
    if ask.switches.empty == "network_error":
        return {"input_tokens": 0, "output_tokens": 0}
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
        "service_tier": completion.row.tier or "standard",
        **_money(ask, completion),
        "cost_details": {
            "upstream_inference_cost": number(usage.cost),
            "upstream_inference_prompt_cost": number(usage.prompt_cost),
            "upstream_inference_completions_cost": number(usage.completion_cost),
        },
    }
