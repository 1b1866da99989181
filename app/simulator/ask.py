"""One request in any dialect, parsed into the values that routing and answering need."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .catalog import Catalog
from .naming import Candidate, Why, candidate
from .preset_use import Named, named_models
from .presets import Find, Preset, no_preset
from .refusals import Refusal
from .rendering import opening
from .switches import Switches
from .tool_check import check_tools
from .tool_conditions import check_conditions
from .tool_list import runs_on_a_server
from .validation import check_body

# The second is the header's old name, which still works (openrouter.md §4).
_METADATA = ("x-openrouter-metadata", "x-openrouter-experimental-metadata")
INFERENCE = frozenset({"chat", "completions", "responses", "messages"})
_READ = ("system", "instructions", "messages", "input", "prompt")
_DECIDED = ("state", "questions")


@dataclass(frozen=True, slots=True)
class Errand:
    """The reason for an internal request, which is routed on behalf of a client's request."""

    why: Why
    carrier: str  # its cause: tools.openrouter:advisor, plugins.switchyard-router
    depth: int = 1  # 2 for an errand of an errand


@dataclass(frozen=True, slots=True)
class Ask:
    """A parsed request, independent of the dialect."""

    body: dict[str, Any]
    dialect: str
    requested: str
    candidates: tuple[Candidate, ...]
    prompt: str  # everything the model would read
    session: str  # the key for stickiness
    explicit_session: bool  # a session id, in the body or in its header
    switches: Switches
    wants_metadata: bool
    number: int = 0  # of the request that arrived, see `Router.arrive`
    errand: Errand | None = None
    preset: Preset | None = None

    def standing_for(self, chosen: Candidate) -> "Ask":
        """This request as it applies to one of its models: a preset may change it."""
        if chosen.body is self.body:
            return self
        prompt = _prompt(chosen.body)
        return replace(self, body=chosen.body, prompt=prompt, preset=chosen.preset)

    @property
    def provider(self) -> Mapping[str, Any]:
        """The preferences without nulls."""
        return {k: v for k, v in (self.body.get("provider") or {}).items() if v is not None}

    @property
    def given(self) -> frozenset[str]:
        """The names of the fields that have a value."""
        return frozenset(name for name, value in self.body.items() if value is not None)

    @property
    def service_tier(self) -> str | None:
        """The requested tier; `speed: fast` is the priority tier (openrouter.md §2.7)."""
        tier = self.body.get("service_tier")
        fast = "priority" if self.body.get("speed") == "fast" else None
        return tier if isinstance(tier, str) else fast

    @property
    def tool_choice(self) -> str:
        """Which kind of `tool_choice`: none, auto, required or function."""
        choice = self.body.get("tool_choice")
        kind = choice.get("type") if isinstance(choice, dict) else choice
        words = {"tool": "function", "any": "required", None: "auto"}
        return str(words.get(kind, kind) if isinstance(kind, str | None) else kind)

    @property
    def tools(self) -> list[dict[str, Any]]:
        """Function tools, in the chat shape for every dialect."""
        return [_function(tool) for tool in self.body.get("tools") or [] if _is_function(tool)]

    @property
    def server_tools(self) -> bool:
        """Whether OpenRouter would run tools of its own."""
        searching = any(self.plugin(name) is not None for name in ("web", "web-fetch"))
        return (
            searching
            or any(runs_on_a_server(tool) for tool in self.body.get("tools") or [])
            or any(candidate.suffix == "online" for candidate in self.candidates)
        )

    def plugin(self, name: str) -> Mapping[str, Any] | None:
        """The configuration of a plugin; None if the request does not turn it on."""
        plugins = self.body.get("plugins")
        for plugin in plugins if isinstance(plugins, list) else ():
            if isinstance(plugin, dict) and plugin.get("id") == name:
                return None if plugin.get("enabled") is False else plugin
        return None

    @property
    def most_tokens(self) -> int | None:
        """The token limit of the completion, if one was given."""
        for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
            limit = self.body.get(name)
            if type(limit) is int and limit > 0:
                return limit
        return None

    @property
    def wants_reasoning(self) -> bool:
        """Whether the request asks for reasoning."""
        if self.includes_sealed:
            return True
        asked, thinking = self.body.get("reasoning"), self.body.get("thinking")
        effort = self.body.get("reasoning_effort")
        if isinstance(asked, dict) and asked:
            effort = asked.get("effort")
            return asked.get("enabled") is not False and effort != "none"
        kind = thinking.get("type") if isinstance(thinking, dict) else None
        return kind not in (None, "disabled") or effort not in (None, "none")

    @property
    def declines_reasoning(self) -> bool:
        """Whether the request turns reasoning off."""
        asked, thinking = self.body.get("reasoning"), self.body.get("thinking")
        effort = self.body.get("reasoning_effort")
        if isinstance(asked, dict) and asked:
            return asked.get("enabled") is False or asked.get("effort") == "none"
        off = isinstance(thinking, dict) and thinking.get("type") == "disabled"
        return off or effort == "none"

    @property
    def includes_sealed(self) -> bool:
        """Whether a response is to include its reasoning in sealed form."""
        included = self.body.get("include")
        return isinstance(included, list) and "reasoning.encrypted_content" in included

    @property
    def structure(self) -> Mapping[str, Any]:
        """The format requested of the text: `type`, and `schema` if there is one; else empty."""
        holders = [self.body.get(name) for name in ("text", "output_config")]
        formats = [each.get("format") for each in holders if isinstance(each, dict)]
        formats += [self.body.get(name) for name in ("response_format", "output_format")]
        wanted = next((each for each in reversed(formats) if each), None)
        if not isinstance(wanted, dict):  # a file's format, on media routes
            return {}
        schema = (wanted.get("json_schema") or {}).get("schema") or wanted.get("schema")
        kind = wanted.get("type")
        if schema is not None:
            return {"type": kind, "schema": schema}
        return {"type": kind} if kind == "json_object" else {}

    @property
    def has_images(self) -> bool:
        """Whether any part of the prompt is an image."""
        return any(
            f'"type": "{kind}"' in self.prompt for kind in ("image_url", "input_image", "image")
        )

    @property
    def tool_answered(self) -> bool:
        """Whether the last message is a tool's result: then the model sums up."""
        last = (self._turns() or [{}])[-1]
        if not isinstance(last, dict):
            return False
        parts = last.get("content")
        answered = isinstance(parts, list) and any(
            isinstance(part, dict) and part.get("type") == "tool_result" for part in parts
        )
        return answered or last.get("role") == "tool" or last.get("type") == "function_call_output"

    def _turns(self) -> list[Any]:
        turns = self.body.get("messages") or self.body.get("input")
        return turns if isinstance(turns, list) else []


def read_ask(
    body: dict[str, Any],
    dialect: str,
    headers: Mapping[str, str],
    catalog: Catalog,
    switches: Switches,
    *,
    find: Find = no_preset,
    number: int = 0,
    errand: Errand | None = None,
) -> Ask:
    """Parse a checked body. `find` returns the presets that are visible to the request's key.

    Raises the 400 for a model that does not exist, and any error in the body joined with presets.
    """
    named = named_models(body, dialect, find, switches)
    if dialect not in INFERENCE:
        named = named[:1]
    if not named:
        raise Refusal(400, "No models provided")
    candidates = tuple(_candidate(each, catalog, dialect, switches) for each in named)
    if sum(each.is_router for each in candidates) > 1:
        raise Refusal(400, "Only one router can be used in a request")
    first = candidates[0]
    explicit = body.get("session_id") or headers.get("x-session-id")
    session = explicit or body.get("prompt_cache_key") or _opening(body)
    return Ask(
        body=first.body,
        dialect=dialect,
        requested=str(body.get("model") or named[0].name),
        candidates=candidates,
        prompt=_prompt(first.body),
        session=str(session),
        explicit_session=bool(explicit),
        switches=switches,
        wants_metadata=any(headers.get(name, "").lower() == "enabled" for name in _METADATA),
        number=number,
        errand=errand,
        preset=first.preset,
    )


def _candidate(named: Named, catalog: Catalog, dialect: str, switches: Switches) -> Candidate:
    body = check_body(named.body, dialect, lenient=switches.media_keys == "ignored")
    check_tools(body, dialect, switches)
    check_conditions(body)
    why: Why = "preset" if named.by_preset else "outer"
    return replace(
        candidate(named.name, catalog),
        place=named.place,
        body=body,
        preset=named.preset,
        why=why,
    )


def _prompt(body: Mapping[str, Any]) -> str:
    parts = _READ + (_DECIDED if "questions" in body else ())
    return json.dumps([body.get(part) for part in parts], ensure_ascii=False)


def _opening(body: dict[str, Any]) -> str:
    """The session of a conversation that names none, by its opening."""
    return hashlib.sha256(opening(body).encode()).hexdigest()


def _is_function(tool: dict[str, Any]) -> bool:
    named = tool.get("function") if "function" in tool else tool
    return (
        tool.get("type") in (None, "function", "custom")
        and isinstance(named, dict)
        and isinstance(named.get("name"), str)
    )


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool in the chat shape; a schema that is none counts as absent."""
    told = tool.get("function", tool)
    schema = told.get("parameters") or told.get("input_schema")
    schema = dict(schema) if isinstance(schema, dict) else {}
    if not isinstance(schema.get("properties", {}), dict):
        del schema["properties"]
    return {"name": told["name"], "parameters": schema}
