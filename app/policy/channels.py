"""Every way by which a request can name a model, a host or a stored configuration: one table.

held          the rules are enforced on it before anything is sent
refused       a request that uses it is answered 403 where a rule applies
not provable  it is sent, and no answer can be `kept`: `unproven`, with the reason

A tool type, plugin or field that is not in the table is not provable. A test compares
docs/channels.md with this table.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from .carriers import Carried, Doubt
from .request import UNREADABLE, Request, is_given

Handling = Literal["held", "refused", "not provable"]


class Channel(NamedTuple):
    """One channel, its status, and how it is handled."""

    name: str
    handling: Handling
    how: str


CHANNELS: tuple[Channel, ...] = (
    # --- models -------------------------------------------------------------------------------
    Channel("`model`", "held", "its rules apply under every name of the model"),
    Channel("`models`, `fallbacks`", "held", "the strictest of all listed models' rules apply"),
    Channel("`:nitro`, `:floor`, `:online`, other variants", "held", "see policies.md, Variants"),
    Channel(
        "`~author/family-latest`",
        "held",
        "the rules for this name and for the model behind it apply; the verdict uses the "
        "model that answered",
    ),
    Channel(
        "`openrouter/auto` and other routers",
        "held",
        "preferences filter what the router may choose; the rules of the model that answered "
        "apply to the verdict too",
    ),
    # --- stored configuration -----------------------------------------------------------------
    Channel(
        "presets: `@preset/x`, `model@preset/x`, `preset`, in `models`",
        "held",
        "Pointsman reads the preset, and its provider object may only narrow the policy",
    ),
    Channel(
        "a preset that can't be read, is disabled, or has no version",
        "refused",
        "if a rule has a filter, unless it has `presets: pass`",
    ),
    Channel(
        "`prompt` with an `id` (responses)", "not provable", "a stored template may name a model"
    ),
    Channel("`previous_job_id` (videos)", "not provable", "it uses the endpoint of an earlier job"),
    Channel("`previous_response_id`", "held", "OpenRouter stores no responses and refuses it"),
    # --- hosts --------------------------------------------------------------------------------
    Channel("`provider`", "held", "combined with the rules (`merge`)"),
    Channel("`service_tier`, `speed`", "held", "a policy's `ignore` covers a provider's tiers"),
    Channel(
        "headers that Pointsman does not know",
        "held",
        "they are not passed on: `X-OR-Endpoint-Id`, `X-Provider-Flags`, unknown `X-OpenRouter-*`. "
        "`POINTSMAN_FORWARD_HEADERS` can't add these",
    ),
    # --- tools and plugins --------------------------------------------------------------------
    Channel("function tools and others that the client runs", "held", "they name no model"),
    Channel(
        "server tools (web search, code execution, MCP, ...)",
        "not provable",
        "the answer may name the wrong provider",
    ),
    Channel(
        "models named in tools: subagent, advisor, fusion, image generation",
        "not provable",
        "their rules apply too; OpenRouter does not document whether `provider` applies to "
        "the inner call",
    ),
    Channel(
        "an advisor without a model, fusion without models",
        "not provable",
        "the model is chosen at run time",
    ),
    Channel(
        "plugins that route: `auto-router`, `auto-beta-router`, `pareto-router`, `jev-router`, "
        "`switchyard-router`",
        "held",
        "the rules of models named in full apply too; preferences filter the rest",
    ),
    Channel(
        "plugin `fusion`",
        "held",
        "the rules of its models apply too; `kept` only if every endpoint of theirs is "
        "within the policy",
    ),
    Channel(
        "the routers `openrouter/fusion` and `nvidia/switchyard`, without models in their plugins",
        "not provable",
        "OpenRouter chooses the panel or the judge that they call",
    ),
    Channel(
        "plugins `response-healing`, `context-compression`, `moderation`, and `file-parser` with "
        "`pdf.engine: native`",
        "held",
        "they name no model; one that does is judged like a tool's",
    ),
    Channel(
        "plugin `file-parser` with another engine, or with none named",
        "not provable",
        "an engine for scanned pages belongs to neither the model's host nor OpenRouter",
    ),
    Channel("plugins `web`, `web-fetch`", "not provable", "like server tools"),
    Channel(
        "plugins `armor`, `alignment`",
        "not provable",
        "OpenRouter does not document which models they call",
    ),
    Channel(
        "tools within a `namespace` or in `deferred_tools`",
        "held",
        "if all of them run at the client; others are not provable",
    ),
    Channel(
        "`openrouter:bash` with an `engine`", "not provable", "without one it runs at the client"
    ),
    Channel(
        "`moderation` as an object, keys of `web_search_options` other than "
        "`search_context_size` and `user_location`",
        "not provable",
        "they may name a model or a host",
    ),
    Channel("a tool whose `type` is not a string", "not provable", "its effect is unknown"),
    Channel(
        "a tool type, plugin or field that Pointsman does not know",
        "not provable",
        "the receipt names it",
    ),
    # --- other routes -------------------------------------------------------------------------
    Channel(
        "`/chat/completions`, `/responses`, `/messages`, `/completions`, `/embeddings`, `/rerank`",
        "held",
        "with or without `/v1`",
    ),
    Channel(
        "`/api/alpha/decisions`, `/systemone`",
        "held",
        "they accept the whole provider object; the former keeps its path beside `/v1`",
    ),
    Channel(
        "`/images`, `/audio/speech`, `/audio/transcriptions`, `/videos`, `/batches`, "
        "`/api/beta/batches`",
        "held",
        "the fields of the provider object that the path accepts are sent; the last keeps its "
        "path beside `/v1`",
    ),
    Channel(
        "a rule that requires a field which such a path does not accept",
        "refused",
        "unless it has `routes: pass`; batches list the endpoints that satisfy it if the "
        "model's listing can decide",
    ),
    Channel(
        "forms (`multipart/form-data`) on `/audio/transcriptions`",
        "held",
        "their parts `model` and `provider` are read; an ambiguous form is refused with 400",
    ),
    Channel(
        "answers without a provider: audio, video jobs",
        "not provable",
        "the answer does not name the provider",
    ),
    Channel(
        "`requests` of a batch",
        "held",
        "the batch's own `model` and `provider` apply to each request",
    ),
    Channel(
        "tools, plugins, presets, models and `provider` inside `requests`, and batches over 8 MB",
        "not provable",
        "Pointsman detects them but does not read them",
    ),
    Channel(
        "requests other than GET on any other path (`/files`, `/presets/...`, unknown paths)",
        "not provable",
        "passed on unchanged; the receipt and the process log show: no policy on this route",
    ),
)

# Fields of requests whose effect is known, of all dialects: those of OpenRouter's SDK 1.3.84, of
# its documentation, and what clients of OpenAI's and Anthropic's APIs send.
_KNOWN = """
    aspect_ratio audio background betas cache_control callback_url chat_template_kwargs
    chunking_strategy client_metadata completion_window container context_management
    conversation_id debug deferred_tools dimensions documents duration effort enable_thinking
    encoding_format endpoint extra_body fallbacks file fps frame_images frequency_penalty
    function_call functions generate_audio guided_json image_config include include_reasoning
    inference_geo input input_audio input_fidelity input_reference input_references input_type
    instructions language logit_bias logprobs max_completion_tokens max_output_tokens max_tokens
    max_tool_calls mcp_servers messages metadata min_p min_tokens modalities model models
    moderation n num_ctx options output_compression output_config output_format parallel_tool_calls
    partial_images plugins prediction presence_penalty preset previous_job_id previous_response_id
    prompt prompt_cache_key prompt_cache_options prompt_cache_retention provider quality query
    questions reasoning reasoning_content reasoning_effort repetition_penalty requests resolution
    response_format return_documents route safety_identifier seconds seed service_tier session_id
    size speed state stop stop_sequences stop_server_tools_when store stream stream_options
    structured_outputs style suffix system temperature text thinking timestamp_granularities
    timestamp_granularities[] tool_choice tools top_a top_k top_logprobs top_n top_p trace
    transforms truncation usage user verbosity voice web_search_options
"""
KNOWN_FIELDS = frozenset(_KNOWN.split())

_UNKNOWN_FIELD = "unknown field"
_TEMPLATE = "a stored template may name another model"
_MODERATOR = "as an object it may name another model"
_SEARCH = "it has unknown keys, and may name a search engine"
_EARLIER_JOB = "it uses the endpoint of an earlier job"
_IN_A_BATCH = "Pointsman does not read the requests of a batch, and these contain that name"
_ESCAPED = "Pointsman does not read the requests of a batch, and these may have escaped keys"
_LARGE_BATCH = "Pointsman searches the requests of a batch up to 8 MB"
_LOOKED_THROUGH = 8_000_000  # bytes, on the event loop: 2 ms for each name

# Fields whose contents may raise a doubt.
_DOUBTFUL = frozenset({"prompt", "requests", "previous_job_id", "moderation", "web_search_options"})
_SEARCH_OPTIONS = frozenset({"search_context_size", "user_location"})
# Keys that a request of a batch may carry besides its model. A key is spelled like this, or
# contains an escape of an ASCII letter.
_CARRIERS = ("tools", "plugins", "mcp_servers", "preset", "models", "fallbacks", "provider")
_ESCAPES = re.compile(rb"\\u00[4-7]")


def doubts(sent: Request, carried: Carried) -> tuple[Doubt, ...]:
    """The parts of a request, as it is sent, for which it can't be shown that a policy is kept."""
    known = KNOWN_FIELDS.issuperset(sent.fields) and _DOUBTFUL.isdisjoint(sent.fields)
    if known and not carried.doubts:
        return ()  # nearly always
    unknown = sent.fields.keys() - KNOWN_FIELDS
    return (*carried.doubts, *_of_fields(sent, unknown))


def _of_fields(sent: Request, unknown: set[str]) -> Iterator[Doubt]:
    for name in sorted(unknown):
        yield Doubt(f"the field {name[:64]}", _UNKNOWN_FIELD)
    if bytes(sent.fields.get("prompt", b"")).lstrip()[:1] == b"{":
        yield Doubt("prompt", _TEMPLATE)
    if bytes(sent.fields.get("moderation", b"")).lstrip()[:1] == b"{":
        yield Doubt("moderation", _MODERATOR)
    if not _are_known(sent.fields.get("web_search_options")):
        yield Doubt("web_search_options", _SEARCH)
    if is_given(sent.fields.get("previous_job_id")):
        yield Doubt("previous_job_id", _EARLIER_JOB)
    if "requests" in sent.fields:
        yield from _of_a_batch(sent.fields["requests"])


def _are_known(options: msgspec.Raw | None) -> bool:
    if not is_given(options):
        return True
    try:
        return _SEARCH_OPTIONS.issuperset(msgspec.json.decode(options or b"", type=dict[str, Any]))
    except UNREADABLE:
        return False


def _of_a_batch(raw: msgspec.Raw) -> Iterator[Doubt]:
    if len(raw) > _LOOKED_THROUGH:
        yield Doubt("requests", _LARGE_BATCH)
        return
    requests = bytes(raw)
    for name in _CARRIERS:
        if b'"%b"' % name.encode() in requests:
            yield Doubt(f"requests[].body.{name}", _IN_A_BATCH)
    if _ESCAPES.search(requests):
        yield Doubt("requests", _ESCAPED)


def told(found: tuple[Doubt, ...]) -> str | None:
    """The reason for a verdict that can't be `kept`; None where there is no doubt."""
    if not found:
        return None
    first, *others = found
    more = f", and {len(others)} more" if others else ""
    return f"not provable: {first.carrier}: {first.why}{more}"
