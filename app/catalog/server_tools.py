"""Where each tool of a request runs: at the client, or on servers that a policy must know of.

`GET /tools` lists every spelling of OpenRouter's server tools (openrouter.md §A2.1). The table
here adds what it lacks, Anthropic's and OpenAI's own tools, and replaces the list when it can't
be read. Taken from OpenRouter's SDK 1.3.84 (2026-10-27) and documentation.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

Runs = Literal["client", "server", "depends"]  # depends: on the tool's `parameters.engine`

_CLIENT = """
    function custom namespace computer_use_preview apply_patch openrouter:apply_patch
"""
_SERVER = """
    web_search web_search_2025_08_26 web_search_preview web_search_preview_2025_03_11
    file_search code_interpreter mcp mcp_toolset image_generation shell local_shell
    openrouter:web_search openrouter:web_fetch openrouter:datetime openrouter:shell
    openrouter:tool_search openrouter:image_generation openrouter:subagent openrouter:advisor
    openrouter:fusion openrouter:files openrouter:experimental__search_models
"""
SHIPPED: Mapping[str, Runs] = {
    **dict.fromkeys(_CLIENT.split(), "client"),
    **dict.fromkeys(_SERVER.split(), "server"),
    "openrouter:bash": "depends",
}
# Anthropic dates its tools: `web_search_20250305`, `bash_20250124`.
_DATED: tuple[tuple[str, Runs], ...] = (
    ("bash_20", "client"),
    ("text_editor_20", "client"),
    ("memory_20", "client"),
    ("computer_20", "client"),
    ("web_search_20", "server"),
    ("web_fetch_20", "server"),
    ("code_execution_20", "server"),
    ("advisor_20", "server"),
    ("tool_search_tool_", "server"),
)


class ServerTools(msgspec.Struct, frozen=True, gc=False):
    """Where tools run, by their `type`; `listed`, from `GET /tools`, takes precedence."""

    listed: Mapping[str, Runs] = {}

    def runs(self, kind: str | None) -> Runs | None:
        """Where a tool of this type runs; None for a type that neither list knows.

        A tool without a type is a function of the client.
        """
        if kind is None:
            return "client"
        known = self.listed.get(kind) or SHIPPED.get(kind)
        if known is not None:
            return known
        return next((runs for start, runs in _DATED if kind.startswith(start)), None)


NO_LIST = ServerTools()


def read_server_tools(rows: object) -> ServerTools:
    """The tools in a `GET /tools` list; rows that can't be read are left out."""
    found: dict[str, Runs] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict):
            found |= dict.fromkeys(_spellings(row), _runs(row))
    return ServerTools(found)


def _spellings(row: Mapping[str, Any]) -> Iterator[str]:
    aliases = row.get("aliases")
    named = [alias.get("type") for alias in _objects(aliases)]
    return (each for each in (row.get("id"), *named) if isinstance(each, str) and each)


def _runs(row: Mapping[str, Any]) -> Runs:
    """`client` only if every engine is the client's; `server` if no engine is given."""
    places = {engine.get("executed_by") for engine in _objects(row.get("engines"))}
    if places == {"client"}:
        return "client"
    return "depends" if "client" in places else "server"


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    items = value if isinstance(value, list) else ()
    return (item for item in items if isinstance(item, dict))
