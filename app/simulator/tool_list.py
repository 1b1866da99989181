"""OpenRouter's server tools: their spellings, where they run, which routes (openrouter.md §A2.1).

Aliases and engines follow the SDK's unions (§A2.4, §A2.5); prices and descriptions are made up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RESPONSES, CHAT, MESSAGES = "responses", "chat-completions", "anthropic-messages"
EVERYWHERE = (RESPONSES, CHAT, MESSAGES)
OPENAI = (RESPONSES, CHAT)
FORMATS: Mapping[str, str] = {"responses": RESPONSES, "chat": CHAT, "messages": MESSAGES}
_DOCS = "https://openrouter.ai/docs/guides/features/server-tools/"

Engine = tuple[str | None, str]  # its id, and where it runs: provider, openrouter or client
_OWN: tuple[Engine, ...] = ((None, "openrouter"),)


@dataclass(frozen=True, slots=True)
class ServerTool:
    """One tool; `spellings` are its types and the routes that accept each."""

    name: str
    spellings: Mapping[str, tuple[str, ...]]
    engines: tuple[Engine, ...] = _OWN
    default: str | None = None
    fallback: str | None = None
    parameters: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The canonical type."""
        return f"openrouter:{self.name}"

    @property
    def formats(self) -> list[str]:
        """Every route that accepts it in some spelling."""
        return [each for each in EVERYWHERE if any(each in at for at in self.spellings.values())]

    def listed(self) -> dict[str, Any]:
        """Its item of GET /tools."""
        title = self.name.replace("_", " ").strip().capitalize()
        return {
            "id": self.id,
            "name": title,
            "status": "active",
            "summary": f"{title}, simulated.",
            "docs_url": f"{_DOCS}{self.name.replace('_', '-')}",
            "tool_description": f"{title}, simulated.",
            "supported_api_formats": self.formats,
            "aliases": [self._alias(kind, taken) for kind, taken in self.spellings.items()],
            "engines": [_engine(identity, by) for identity, by in self.engines],
            "default_engine": self.default,
            "fallback_engine": self.fallback,
            "input_schema": _schema(("query",)),
            "output_schema": None,
            "parameters_schema": _schema(self.parameters),
            "native_support": {"endpoint_count": 0, "model_count": 0},
        }

    def _alias(self, kind: str, taken: tuple[str, ...]) -> dict[str, Any]:
        names: dict[str, dict[str, str]] = {
            RESPONSES: {"type": item_type(kind)},
            CHAT: {"type": "reasoning.server_tool_call"},
            MESSAGES: {"type": "server_tool_use", "name": self.name},
        }
        shown = [{"api_format": each, **names[each]} for each in taken]
        return {"type": kind, "api_formats": [*taken], "output_names": shown}


def item_type(kind: str) -> str:
    """The type of the output item under which a call appears in a response."""
    openai = {"image_generation": "image_generation_call"}
    if kind.startswith("web_search"):
        return "web_search_call"
    return openai.get(kind, kind)


def _engine(identity: str | None, by: str) -> dict[str, Any]:
    return {
        "id": identity,
        "name": (identity or "OpenRouter").capitalize(),
        "executed_by": by,
        "byok": "none",
        "data_regions": ["global"],
        "default_mode": None,
        "pricing": [],
        "pricing_source": "provider" if by == "provider" else "none",
        "pricing_doc_url": None,
    }


def _schema(names: tuple[str, ...]) -> dict[str, Any]:
    kinds = {"analysis_models": "array", "tools": "array", "forward_transcript": "boolean"}
    properties = {name: {"type": kinds.get(name, "string")} for name in names}
    return {"type": "object", "properties": properties}


_SEARCH = ("native", "exa", "firecrawl", "parallel", "perplexity")
TOOLS = (
    ServerTool(
        "web_search",
        {
            "openrouter:web_search": EVERYWHERE,
            "web_search": OPENAI,
            "web_search_2025_08_26": OPENAI,
            "web_search_preview": OPENAI,
            "web_search_preview_2025_03_11": OPENAI,
            "web_search_20250305": (MESSAGES,),
            "web_search_20260209": (MESSAGES,),
        },
        tuple((each, "provider" if each == "native" else "openrouter") for each in _SEARCH),
        default="native",
        fallback="exa",
        parameters=("engine", "max_results"),
    ),
    ServerTool("web_fetch", {"openrouter:web_fetch": EVERYWHERE}, parameters=("engine",)),
    ServerTool("datetime", {"openrouter:datetime": EVERYWHERE}),
    ServerTool(
        "bash",
        {"openrouter:bash": (MESSAGES,)},
        (("client", "client"), ("openrouter", "openrouter")),
        default="client",
        parameters=("engine",),
    ),
    ServerTool(
        "shell",
        {
            "openrouter:shell": (RESPONSES, MESSAGES),
            "shell": (RESPONSES,),
            "local_shell": (RESPONSES,),
        },
    ),
    ServerTool(
        "tool_search",
        {
            "openrouter:tool_search": EVERYWHERE,
            "tool_search_tool_bm25": (MESSAGES,),
            "tool_search_tool_regex": (MESSAGES,),
        },
    ),
    ServerTool(
        "image_generation",
        {"openrouter:image_generation": EVERYWHERE, "image_generation": (RESPONSES,)},
        parameters=("model",),
    ),
    ServerTool(
        "advisor",
        {"openrouter:advisor": OPENAI, "advisor_20260301": (MESSAGES,)},
        parameters=("name", "model", "forward_transcript"),
    ),
    ServerTool("subagent", {"openrouter:subagent": OPENAI}, parameters=("name", "model", "tools")),
    ServerTool(
        "fusion", {"openrouter:fusion": OPENAI}, parameters=("analysis_models", "model", "tools")
    ),
    ServerTool(
        "experimental__search_models", {"openrouter:experimental__search_models": EVERYWHERE}
    ),
    ServerTool("files", {"openrouter:files": (RESPONSES,)}),
    ServerTool(
        "apply_patch",
        {"openrouter:apply_patch": (RESPONSES,), "apply_patch": (RESPONSES,)},
        ((None, "client"),),
    ),
)
BY_TYPE: Mapping[str, ServerTool] = {kind: tool for tool in TOOLS for kind in tool.spellings}
# Not on the list, but executed by the model's provider or by a third party.
_HOSTED = ("file_search", "code_interpreter", "mcp", "web_fetch_20", "code_execution_20")


def runs_on_a_server(tool: Mapping[str, Any]) -> bool:
    """Whether a tool runs somewhere other than on the client."""
    kind, parameters = str(tool.get("type") or ""), tool.get("parameters")
    known = BY_TYPE.get(kind)
    if known is None:
        return kind.startswith(_HOSTED)
    engine = parameters.get("engine") if isinstance(parameters, dict) else None
    named = engine if isinstance(engine, str) and engine else known.default
    return dict(known.engines).get(named, "openrouter") != "client"
