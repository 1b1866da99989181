"""What a request needs of an endpoint, apart from its preferences.

Read leniently: a field of an unexpected shape needs nothing. Only checks and the explanations of
refusals use this, so this is the only place where messages are searched for pictures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from .request import UNREADABLE, Request

# The fields that `require_parameters` counts (openrouter.md §5.2).
_COUNTED = """
    frequency_penalty include_reasoning logit_bias logprobs max_completion_tokens max_tokens min_p
    parallel_tool_calls prediction presence_penalty reasoning reasoning_effort repetition_penalty
    response_format seed stop structured_outputs temperature tool_choice tools top_a top_k
    top_logprobs top_p verbosity web_search_options
"""
PARAMETERS = frozenset(_COUNTED.split())
_PICTURES = ("image_url", "input_image", "image")
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
FUNCTIONS = (None, "function", "custom")  # types of tools that the model itself calls
_TOOL_CHOICES = {"any": "required", "tool": "function"}  # Anthropic's words


@dataclass(frozen=True, slots=True)
class Needs:
    """The needs of one request."""

    parameters: frozenset[str] = frozenset()  # the counted fields that it has
    tools: bool = False  # functions that the model may call
    tool_choice: str | None = None  # none, auto, required or function, if it says
    images: bool = False
    outputs: frozenset[str] = frozenset()  # modalities asked for
    max_tokens: int = 0
    prompt_tokens: int = 0  # as far as known; Pointsman doesn't count tokens
    service_tier: str | None = None


NOTHING = Needs()


def needs_of(request: Request, *, prompt_tokens: int = 0) -> Needs:
    """Return the needs of `request`."""
    fields = {name: _value(raw) for name, raw in request.fields.items() if name in _READ}
    given = {name for name, raw in request.fields.items() if bytes(raw).strip() != b"null"}
    tools = _items(fields.get("tools"))
    limits = (fields.get(name) for name in LIMITS)
    tier = fields.get("service_tier") or ("fast" if fields.get("speed") == "fast" else None)
    return Needs(
        parameters=PARAMETERS & given,
        tools=any(isinstance(tool, dict) and tool.get("type") in FUNCTIONS for tool in tools),
        tool_choice=_tool_choice(fields.get("tool_choice")),
        images=any(map(_is_picture, _parts(fields))),
        outputs=frozenset(
            kind for kind in _items(fields.get("modalities")) if isinstance(kind, str)
        ),
        max_tokens=max((limit for limit in limits if type(limit) is int and limit > 0), default=0),
        prompt_tokens=prompt_tokens,
        service_tier=tier if isinstance(tier, str) else None,
    )


TALK = ("messages", "input", "system", "prompt")
_READ = frozenset({*LIMITS, *TALK, "tools", "tool_choice", "modalities", "service_tier", "speed"})


def _value(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _tool_choice(choice: Any) -> str | None:
    kind = choice.get("type") if isinstance(choice, dict) else choice
    return _TOOL_CHOICES.get(kind, kind) if isinstance(kind, str) else None


def _parts(fields: dict[str, Any]) -> Iterator[Any]:
    """The parts of the conversation: turns, their content, and the content of tool answers."""
    for name in TALK:
        for turn in _items(fields.get(name)):
            yield turn
            for part in _content(turn):
                yield part
                yield from _content(part)


def _content(part: Any) -> list[Any]:
    return _items(part.get("content")) if isinstance(part, dict) else []


def _is_picture(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in _PICTURES
