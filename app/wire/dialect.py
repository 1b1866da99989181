"""The API shapes to which policies apply, as data: one row for each path.

Some accept only a part of the `provider` object: see `app/policy/other_routes.py`.

A row lists the places in an answer of the values that a receipt needs. The fields that OpenRouter
adds to every dialect have the same names everywhere (`provider`, `model`, `usage.cost`, `error`,
`openrouter_metadata`) and are not repeated here. If a whole body and a stream's event differ, the
row lists both places.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from .frame import Place, Step

Steps = tuple[Step, ...]
ErrorShape = Literal["openai", "anthropic"]

_ID = Place("id")
_TIER = Place("service_tier")
_NATIVE_FINISH = Place("choices", (0, "native_finish_reason"))
_CHOICE_ERROR = Place("choices", (0, "error"))


@dataclass(frozen=True, slots=True)
class UsageNames:
    """The places of the numbers in a `usage` object; a tuple of places is summed."""

    prompt: tuple[Steps, ...]
    cached: Steps
    cache_write: Steps
    completion: Steps
    reasoning: Steps
    server_tools: Steps  # an object of counts
    upstream_prompt_cost: Steps
    upstream_completion_cost: Steps
    upstream_cost: Steps = ("cost_details", "upstream_inference_cost")  # the two together


@dataclass(frozen=True, slots=True)
class Tokens:
    """Where a stream's event has a token: any non-empty value of these names at `place`.

    `answer` is what a client asks for, `thought` is not. Without names, the value at `place` is the
    token, and a thought if the event's type has "reasoning" in it.
    """

    place: Place
    answer: tuple[str, ...] = ()
    thought: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """One API shape: its path, and the places of values in its answers."""

    name: str
    path: str
    usage: UsageNames
    beside_base: bool = False  # upstream, its path is not below the version in the base address
    takes_forms: bool = False  # `multipart/form-data` as well as JSON
    error_shape: ErrorShape = "openai"
    # The field of a stream's event that contains the object that is otherwise the whole body.
    wrapper: Literal["", "response", "message"] = ""
    # The first place that exists names it.
    generation_id: tuple[Place, ...] = (_ID,)
    service_tier: Place = _TIER
    finish_reason: tuple[Place, ...] = ()
    native_finish_reason: Place = _NATIVE_FINISH
    # A failed choice has its error next to its finish reason; all other errors are at `error`.
    finish_error: Place = _CHOICE_ERROR
    tokens: Tokens | None = None  # in a stream's event
    # Where a whole body, or the object in an event, lists what the model wrote, by type.
    items: Literal["", "output", "content"] = ""
    # An event of a stream that may begin a tool call has these bytes.
    call_mark: bytes = b""
    # How many events of a stream contain usage; the bill is known with the last of them.
    usage_events: int = 1
    # The types of the events that complete a stream; `[DONE]` is one in every dialect.
    terminators: frozenset[str] = frozenset()


_CHAT_USAGE = UsageNames(
    prompt=(("prompt_tokens",),),
    cached=("prompt_tokens_details", "cached_tokens"),
    cache_write=("prompt_tokens_details", "cache_write_tokens"),
    completion=("completion_tokens",),
    reasoning=("completion_tokens_details", "reasoning_tokens"),
    server_tools=("server_tool_use_details",),
    upstream_prompt_cost=("cost_details", "upstream_inference_prompt_cost"),
    upstream_completion_cost=("cost_details", "upstream_inference_completions_cost"),
)
_RESPONSES_USAGE = UsageNames(
    prompt=(("input_tokens",),),
    cached=("input_tokens_details", "cached_tokens"),
    cache_write=("input_tokens_details", "cache_write_tokens"),
    completion=("output_tokens",),
    reasoning=("output_tokens_details", "reasoning_tokens"),
    server_tools=("server_tool_use_details",),
    upstream_prompt_cost=("cost_details", "upstream_inference_input_cost"),
    upstream_completion_cost=("cost_details", "upstream_inference_output_cost"),
)
_MESSAGES_USAGE = UsageNames(
    # Anthropic counts tokens read from or written to a cache separately from `input_tokens`.
    prompt=(("input_tokens",), ("cache_read_input_tokens",), ("cache_creation_input_tokens",)),
    cached=("cache_read_input_tokens",),
    cache_write=("cache_creation_input_tokens",),
    completion=("output_tokens",),
    reasoning=("output_tokens_details", "thinking_tokens"),
    server_tools=("server_tool_use",),
    upstream_prompt_cost=("cost_details", "upstream_inference_prompt_cost"),
    upstream_completion_cost=("cost_details", "upstream_inference_completions_cost"),
)
_CHAT_FINISH = (Place("choices", (0, "finish_reason")),)
# The parts of a chat message, and of a delta, that the model generated.
ANSWER = ("content", "tool_calls", "function_call", "refusal", "audio", "images")
THOUGHT = ("reasoning", "reasoning_content", "reasoning_details")

_ROWS = (
    Dialect(
        name="chat",
        path="/chat/completions",
        usage=_CHAT_USAGE,
        finish_reason=_CHAT_FINISH,
        tokens=Tokens(Place("choices", (0, "delta")), ANSWER, THOUGHT),
        call_mark=b'"tool_calls"',
    ),
    Dialect(
        name="responses",
        path="/responses",
        usage=_RESPONSES_USAGE,
        wrapper="response",
        finish_reason=(Place("incomplete_details", ("reason",)), Place("status")),
        tokens=Tokens(Place("delta")),  # every `response.*.delta` event
        items="output",
        terminators=frozenset({"response.completed", "response.incomplete", "response.failed"}),
    ),
    Dialect(
        name="messages",
        path="/messages",
        usage=_MESSAGES_USAGE,
        error_shape="anthropic",
        wrapper="message",
        generation_id=(_ID, Place("request_id")),  # the second in an error's envelope
        service_tier=Place("usage", ("service_tier",)),
        finish_reason=(Place("delta", ("stop_reason",)), Place("stop_reason")),
        tokens=Tokens(Place("delta"), ("text", "partial_json"), ("thinking",)),
        items="content",
        call_mark=b'"content_block"',
        usage_events=2,  # the usage at a message's start is counted again at its end
        terminators=frozenset({"message_stop"}),
    ),
    Dialect(
        name="completions",
        path="/completions",
        usage=_CHAT_USAGE,
        finish_reason=_CHAT_FINISH,
        tokens=Tokens(Place("choices", (0,)), ("text",)),
    ),
    Dialect(name="embeddings", path="/embeddings", usage=_CHAT_USAGE),
    Dialect(name="rerank", path="/rerank", usage=_CHAT_USAGE),
    Dialect(name="decisions", path="/alpha/decisions", usage=_CHAT_USAGE, beside_base=True),
    Dialect(name="systemone", path="/systemone", usage=_CHAT_USAGE),
    Dialect(name="images", path="/images", usage=_CHAT_USAGE),
    Dialect(name="speech", path="/audio/speech", usage=_CHAT_USAGE),
    Dialect(
        name="transcriptions",
        path="/audio/transcriptions",
        usage=_CHAT_USAGE,
        takes_forms=True,
    ),
    Dialect(name="videos", path="/videos", usage=_CHAT_USAGE),
    Dialect(name="batches", path="/batches", usage=_CHAT_USAGE),
    Dialect(name="batches", path="/beta/batches", usage=_CHAT_USAGE, beside_base=True),
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({row.path: row for row in _ROWS})
_BESIDE_BASE = tuple(f"{row.path}/" for row in _ROWS if row.beside_base)


def is_beside_base(path: str) -> bool:
    """Whether a canonical path is upstream at the address without version, not below it."""
    return f"{path}/".startswith(_BESIDE_BASE)
