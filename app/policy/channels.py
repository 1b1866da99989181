"""Every way by which a request can name a model, a host or a stored configuration: one table.

held          the rules are enforced on it before anything is sent
refused       a request that uses it is answered 403 where a rule applies
not provable  it is sent, and no answer can be `kept`: `unproven`, with the reason

What the table doesn't know is not provable: a tool type, a plugin or a field never seen. docs/
channels.md is held to this table by a test.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from app.policy.carriers import Carried, Doubt
from app.policy.request import UNREADABLE, Request, is_given

Handling = Literal["held", "refused", "not provable"]


class Channel(NamedTuple):
    """One way, what becomes of it, and how."""

    name: str
    handling: Handling
    how: str


CHANNELS: tuple[Channel, ...] = (
    # --- models -------------------------------------------------------------------------------
    Channel("`model`", "held", "its rules apply, under each of the model's names"),
    Channel("`models`, `fallbacks`", "held", "the strictest of all listed models' rules apply"),
    Channel("`:nitro`, `:floor`, `:online`, other variants", "held", "see policies.md, Variants"),
    Channel(
        "`~author/family-latest`",
        "held",
        "rules for the name and for the model it stands for; judged by the model that answers",
    ),
    Channel(
        "`openrouter/auto` and other routers",
        "held",
        "preferences filter what a router may choose; the answer is also held to the rules of the "
        "model that it names",
    ),
    # --- stored configuration -----------------------------------------------------------------
    Channel(
        "presets: `@preset/x`, `model@preset/x`, `preset`, in `models`",
        "held",
        "the preset is read, and its provider object joins as a layer that may only narrow",
    ),
    Channel(
        "a preset that can't be read, is disabled, or has no version",
        "refused",
        "where a rule has a filter, unless it says `presets: pass`",
    ),
    Channel(
        "`prompt` with an `id` (responses)", "not provable", "a stored template may name a model"
    ),
    Channel(
        "`previous_job_id` (videos)", "not provable", "it binds to the endpoint of an earlier job"
    ),
    Channel("`previous_response_id`", "held", "OpenRouter keeps no responses, and refuses it"),
    # --- hosts --------------------------------------------------------------------------------
    Channel("`provider`", "held", "joined with the rules (`merge`)"),
    Channel("`service_tier`, `speed`", "held", "a policy's `ignore` covers a provider's tiers"),
    Channel(
        "headers other than those that Pointsman knows",
        "held",
        "they are not passed on: `X-OR-Endpoint-Id`, `X-Provider-Flags`, unknown `X-OpenRouter-*`",
    ),
    # --- tools and plugins --------------------------------------------------------------------
    Channel("function tools and others that the client runs", "held", "they name no model"),
    Channel(
        "server tools (web search, code execution, MCP, ...)",
        "not provable",
        "the provider that the answer names can be wrong",
    ),
    Channel(
        "models named in tools: subagent, advisor, fusion, image generation",
        "not provable",
        "their rules apply too; OpenRouter doesn't say whether `provider` holds for the inner call",
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
        "models named in full join the rules; preferences filter the rest",
    ),
    Channel(
        "plugin `fusion`",
        "held",
        "the models it names join the rules; `kept` only if every endpoint they have is inside",
    ),
    Channel(
        "the routers `openrouter/fusion` and `nvidia/switchyard`, without models in their plugins",
        "not provable",
        "they call a panel or a judge that OpenRouter chooses",
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
    Channel("plugins `web`, `web-fetch`", "not provable", "as server tools"),
    Channel(
        "plugins `armor`, `alignment`", "not provable", "they ask models of which nothing is said"
    ),
    Channel(
        "tools within a `namespace` or in `deferred_tools`",
        "held",
        "where all of them run at the client; others are not provable",
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
    Channel("a tool whose `type` is not a text", "not provable", "what it does is not known"),
    Channel("a tool type, a plugin or a field never seen", "not provable", "the receipt names it"),
    # --- other routes -------------------------------------------------------------------------
    Channel(
        "`/chat/completions`, `/responses`, `/messages`, `/completions`, `/embeddings`, `/rerank`",
        "held",
        "with or without `/v1`",
    ),
    Channel(
        "`/api/alpha/decisions`, `/systemone`",
        "held",
        "they accept the whole provider object; the former keeps its place beside `/v1` upstream",
    ),
    Channel(
        "`/images`, `/audio/speech`, `/audio/transcriptions`, `/videos`, `/batches`, "
        "`/api/beta/batches`",
        "held",
        "what the route accepts of the provider object is sent; the last keeps its place beside "
        "`/v1` upstream",
    ),
    Channel(
        "a rule that requires what such a route does not accept",
        "refused",
        "unless it says `routes: pass`; batches name the endpoints that satisfy it where the "
        "model's listing can decide",
    ),
    Channel(
        "forms (`multipart/form-data`) on `/audio/transcriptions`",
        "held",
        "by their parts `model` and `provider`; an ambiguous form is a 400",
    ),
    Channel("answers without a provider: audio, video jobs", "not provable", "nothing names it"),
    Channel(
        "`requests` of a batch",
        "held",
        "by the batch's own `model` and `provider`, which hold for each of them",
    ),
    Channel(
        "tools, plugins, presets, models and `provider` inside `requests`, and batches over 8 MB",
        "not provable",
        "they are looked for, and not read",
    ),
    Channel(
        "any other path that is not only read (`/files`, `/presets/...`, paths never seen)",
        "not provable",
        "passed on as it came; the receipt and the process log say: no policy on this route",
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

_UNKNOWN_FIELD = "a field of this name is not known"
_TEMPLATE = "a stored template may name a model of its own"
_MODERATOR = "as an object it may name a model of its own"
_SEARCH = "it has keys that are not known, and may name a search engine"
_EARLIER_JOB = "it binds the request to the endpoint of an earlier job"
_IN_A_BATCH = "requests of a batch are not read, and these carry something of that name"
_ESCAPED = "requests of a batch are not read, and these have keys that may be escaped"
_LARGE_BATCH = "requests of a batch are looked through up to 8 MB"
_LOOKED_THROUGH = 8_000_000  # bytes, on the event loop: 2 ms for each name

# Fields that may raise a doubt by what they hold.
_DOUBTFUL = frozenset({"prompt", "requests", "previous_job_id", "moderation", "web_search_options"})
_SEARCH_OPTIONS = frozenset({"search_context_size", "user_location"})
# What a request of a batch may carry that its model doesn't say. A key is spelled like this, or has
# an escape of an ASCII letter in it.
_CARRIERS = ("tools", "plugins", "mcp_servers", "preset", "models", "fallbacks", "provider")
_ESCAPES = re.compile(rb"\\u00[4-7]")


def doubts(sent: Request, carried: Carried) -> tuple[Doubt, ...]:
    """Whatever of a request, as it is sent, no policy can be shown to hold."""
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
