"""One request, read from any dialect into what routing and answering need."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.simulator.catalog import Catalog, Model
from app.simulator.refusals import Refusal
from app.simulator.switches import Switches

# The second is the header's old name, which still works (contract §4).
_METADATA = ("x-openrouter-metadata", "x-openrouter-experimental-metadata")
_SUFFIXES = frozenset({"nitro", "floor", "exacto", "online"})

# The keys of contract §5.2 that `require_parameters` counts.
PARAMETERS = frozenset(
    {
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "top_a",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "max_tokens",
        "max_completion_tokens",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "prediction",
        "seed",
        "response_format",
        "structured_outputs",
        "stop",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "include_reasoning",
        "reasoning",
        "reasoning_effort",
        "web_search_options",
        "verbosity",
    }
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may answer, and the suffix it was asked with."""

    model: Model
    suffix: str
    strategy: str


@dataclass(frozen=True, slots=True)
class Ask:
    """What was asked, whatever the dialect."""

    body: dict[str, Any]
    dialect: str
    requested: str
    candidates: tuple[Candidate, ...]
    prompt: str  # everything the model would read
    session: str  # what stickiness goes by
    explicit_session: bool
    switches: Switches
    wants_metadata: bool

    @property
    def provider(self) -> Mapping[str, Any]:
        """The preferences, nulls left out."""
        return {k: v for k, v in (self.body.get("provider") or {}).items() if v is not None}

    @property
    def given(self) -> frozenset[str]:
        """The names of the fields that hold something."""
        return frozenset(name for name, value in self.body.items() if value is not None)

    @property
    def service_tier(self) -> str | None:
        """The tier asked for; Anthropic's `speed` "fast" is the priority tier (contract §2.7)."""
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
        """Function tools, in chat's shape whatever the dialect."""
        return [_function(tool) for tool in self.body.get("tools") or [] if _is_function(tool)]

    @property
    def server_tools(self) -> bool:
        """Whether OpenRouter would run tools of its own."""
        kinds = [str(tool.get("type", "")) for tool in self.body.get("tools") or []]
        plugins = self.body.get("plugins")
        searching = any(
            isinstance(plugin, dict) and plugin.get("id") == "web"
            for plugin in (plugins if isinstance(plugins, list) else ())
        )
        return (
            searching
            or any(kind.startswith(("openrouter:", "web_search")) for kind in kinds)
            or any(candidate.suffix == "online" for candidate in self.candidates)
        )

    @property
    def most_tokens(self) -> int | None:
        """The completion's limit, if one was given."""
        for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
            limit = self.body.get(name)
            if type(limit) is int and limit > 0:
                return limit
        return None

    @property
    def has_images(self) -> bool:
        """Whether some part of the prompt is a picture."""
        return any(
            f'"type": "{kind}"' in self.prompt for kind in ("image_url", "input_image", "image")
        )

    @property
    def tool_answered(self) -> bool:
        """Whether the last word was a tool's result: then the model sums up."""
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
) -> Ask:
    """Read a checked body. Raises the 400 of a model that does not exist."""
    names = [body["model"]] if body.get("model") else []
    fallbacks = body.get("models") or [row.get("model") for row in body.get("fallbacks") or []]
    names += [name for name in fallbacks if name not in names]
    if not names:
        raise Refusal(400, "No models provided")
    prompt = json.dumps(
        [body.get(part) for part in ("system", "instructions", "messages", "input", "prompt")],
        ensure_ascii=False,
    )
    explicit = body.get("session_id") or headers.get("x-session-id") or body.get("prompt_cache_key")
    return Ask(
        body=body,
        dialect=dialect,
        requested=str(names[0]),
        candidates=tuple(_candidate(str(name), catalog) for name in names),
        prompt=prompt,
        session=str(explicit or _opening(body)),
        explicit_session=bool(explicit),
        switches=switches,
        wants_metadata=any(headers.get(name, "").lower() == "enabled" for name in _METADATA),
    )


def _candidate(name: str, catalog: Catalog) -> Candidate:
    plain = name.partition("@preset/")[0]
    exact = catalog.find(plain)
    base, _, suffix = plain.rpartition(":")
    if exact is None and suffix in _SUFFIXES:
        exact = catalog.find(base)
    else:
        suffix = ""
    if exact is None:
        raise Refusal(400, f"{name} is not a valid model ID")
    if exact.stands_for and (latest := catalog.find(exact.stands_for)):
        return Candidate(latest, suffix, "latest")
    return Candidate(exact, suffix, "direct")


def _opening(body: dict[str, Any]) -> str:
    """The implicit session: the first system message and the first that is none."""
    turns = body.get("messages") or body.get("input") or body.get("prompt") or ""
    opening = json.dumps([body.get("system"), turns[:2] if isinstance(turns, list) else turns])
    return hashlib.sha256(opening.encode()).hexdigest()


def _is_function(tool: dict[str, Any]) -> bool:
    named = tool.get("function") if "function" in tool else tool
    return (
        tool.get("type") in (None, "function", "custom")
        and isinstance(named, dict)
        and isinstance(named.get("name"), str)
    )


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    if "function" in tool:
        function: dict[str, Any] = tool["function"]
        return function
    schema = tool.get("parameters") or tool.get("input_schema") or {}
    return {"name": tool["name"], "parameters": schema}
