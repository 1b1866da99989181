"""Tools and plugins of a request: which models they name, and where a policy can't be verified.

A server tool may call a model of its own (openrouter.md §A2.2). OpenRouter documents for some
of these calls that the request's `provider` object applies to them; the others are undocumented,
so it can't be shown that a policy is kept there (openrouter.md §A2.3).

Read leniently: an entry of a shape that OpenRouter would refuse carries nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from ..catalog.server_tools import NO_LIST, ServerTools
from ..surrogates import readable
from .request import UNREADABLE, is_given
from .slices import Fields
from .slug import read_slug

DEFAULT_PAINTER = "openai/gpt-5-image"  # of image generation that names no model
_DEEPEST = 4  # tools within tools; OpenRouter takes one level
_MOST_MODELS = 32  # that one request may name inside; panels have eight

_RUN_TIME = "the answering model chooses the advisor's model, so no policy can be enforced on it"
_PANEL = "OpenRouter chooses its default panel of models"
_JUDGE = "OpenRouter chooses its judge, which reads the prompt first"
_UNSAID = "OpenRouter does not document whether the request's provider object applies to it"
_NOT_A_TYPE = "its type is not a string"
_WITHIN = "it contains tools that do not run at the client"
_READS_FILES = (
    "files may be read by an engine that is neither the model's provider nor named in a policy"
)
_TOO_MANY = f"it names more than {_MOST_MODELS} models"


class Inner(NamedTuple):
    """A model that a tool or plugin names; `inherits`: `provider` applies (openrouter.md §A2.3)."""

    carrier: str  # tools.openrouter:subagent
    model: str
    inherits: bool


class Doubt(NamedTuple):
    """A carrier for which it can't be shown that a policy is kept, and why."""

    carrier: str
    why: str


class Carried(msgspec.Struct, frozen=True, gc=False):
    """Tools, plugins and models that a request carries besides the model that it asks for."""

    carriers: tuple[str, ...] = ()  # all that `refuse` and `strip` can name
    inner: tuple[Inner, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    server_tools: bool = False  # then `provider` in the answer is unsure (openrouter.md §3.2)

    def __or__(self, other: "Carried") -> "Carried":
        """Combine what both carry."""
        if other is NOTHING:
            return self
        return Carried(
            carriers=tuple(dict.fromkeys((*self.carriers, *other.carriers))),
            inner=tuple(dict.fromkeys((*self.inner, *other.inner))),
            doubts=tuple(dict.fromkeys((*self.doubts, *other.doubts))),
            server_tools=self.server_tools or other.server_tools,
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Every inner model once."""
        return tuple(dict.fromkeys(each.model for each in self.inner))


NOTHING = Carried()
_CARRYING = frozenset({"tools", "deferred_tools", "plugins", "mcp_servers"})

_Entry = TypeVar("_Entry", bound=msgspec.Struct)


class _Tool(msgspec.Struct, gc=False):
    type: Any = None
    model: Any = None
    parameters: msgspec.Raw = msgspec.Raw()
    tools: msgspec.Raw = msgspec.Raw()  # of a namespace


class _Parameters(msgspec.Struct, gc=False):
    model: Any = None
    analysis_models: Any = None
    tools: msgspec.Raw = msgspec.Raw()
    engine: Any = None


class _Plugin(msgspec.Struct, gc=False):
    id: Any = None
    enabled: Any = None
    model: Any = None
    models: Any = None
    analysis_models: Any = None
    allowed_models: Any = None
    judge_model: Any = None
    pdf: Any = None


def carried(fields: Fields, server_tools: ServerTools = NO_LIST) -> Carried:
    """Return what the tools and plugins of a request carry."""
    if _CARRYING.isdisjoint(fields):
        return NOTHING
    found = [*_tools(fields.get("tools"), server_tools), *_plugins(fields.get("plugins"))]
    if not _all_at_the_client(fields.get("deferred_tools"), server_tools):
        found.append(_within("deferred_tools"))
    if is_given(fields.get("mcp_servers")):
        found.append(_Found("mcp_servers", on_server=True))
    inner = tuple(each for one in found for each in one.inner)
    doubts = [each for one in found for each in one.doubts]
    if len(inner) > _MOST_MODELS:
        doubts.append(Doubt(inner[_MOST_MODELS].carrier, _TOO_MANY))
    return Carried(
        carriers=tuple(dict.fromkeys(one.carrier for one in found)),
        inner=inner[:_MOST_MODELS],
        doubts=tuple(dict.fromkeys(doubts)),
        server_tools=any(one.on_server for one in found),
    )


class _Found(NamedTuple):
    carrier: str
    inner: tuple[Inner, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    on_server: bool = False


# --- tools ------------------------------------------------------------------------------------


def _tools(
    raw: msgspec.Raw | None, server_tools: ServerTools, levels: int = _DEEPEST
) -> Iterator[_Found]:
    entries = _entries(raw, _Tool)
    if entries is None:
        yield _unreadable("tools")
    for tool in entries or ():
        if tool.type is not None and not isinstance(tool.type, str):
            yield _Found("tools", doubts=(Doubt("tools", _NOT_A_TYPE),))
            continue
        kind = tool.type
        runs, carrier = server_tools.runs(kind), f"tools.{kind}"
        if runs == "client":
            if not _all_at_the_client(tool.tools, server_tools, levels):
                yield _within(carrier)
            continue
        parameters = _object(tool.parameters, _Parameters) or _Parameters()
        if runs == "depends":
            yield _Found(carrier, on_server=parameters.engine is not None)
            continue
        if runs is None:
            yield _Found(carrier, doubts=(Doubt(carrier, "unknown tool type"),))
        yield _server_tool(carrier, kind or "", tool, parameters)
        if levels and parameters.tools:
            yield from _tools(parameters.tools, server_tools, levels - 1)


def _all_at_the_client(
    raw: msgspec.Raw | None, server_tools: ServerTools, levels: int = _DEEPEST
) -> bool:
    """Whether the tools of a list, one within another, are known to run at the client."""
    if not levels:
        return not raw
    return not any(True for _ in _tools(raw, server_tools, levels - 1))


def _within(carrier: str) -> _Found:
    return _Found(carrier, doubts=(Doubt(carrier, _WITHIN),), on_server=True)


def _server_tool(carrier: str, kind: str, tool: _Tool, parameters: _Parameters) -> _Found:
    named = [*_names(tool.model), *_names(parameters.model), *_names(parameters.analysis_models)]
    why = None
    if kind == "openrouter:advisor" and not _names(parameters.model):
        why = _RUN_TIME
    elif kind == "openrouter:fusion" and not _names(parameters.analysis_models):
        why = _PANEL
    elif kind in {"openrouter:image_generation", "image_generation"} and not named:
        named = [DEFAULT_PAINTER]
    return _Found(
        carrier,
        inner=tuple(Inner(carrier, name, inherits=False) for name in named),
        doubts=(Doubt(carrier, why),) if why else (),
        on_server=True,
    )


# --- plugins ----------------------------------------------------------------------------------

# How each plugin affects a policy: not at all (its work stays with the routed model, or inside
# OpenRouter), by fetching from elsewhere, or by a decision of an undocumented model.
_HELD = frozenset({"response-healing", "context-compression", "moderation", "file-parser"})
_FETCHING = frozenset({"web", "web-fetch"})
_ROUTERS = frozenset(
    {"auto-router", "auto-beta-router", "pareto-router", "jev-router", "switchyard-router"}
)
PLUGINS: Mapping[str, str | None] = {
    **dict.fromkeys((*_HELD, *_FETCHING, *_ROUTERS), None),
    "fusion": None,  # by the models that it names; it runs only with the slug or the tool
    "armor": _UNSAID,
    "alignment": _UNSAID,
}


def _plugins(raw: msgspec.Raw | None) -> Iterator[_Found]:
    entries = _entries(raw, _Plugin)
    if entries is None:
        yield _unreadable("plugins")
    for plugin in entries or ():
        if not isinstance(plugin.id, str) or plugin.enabled is False:
            continue
        carrier = f"plugins.{plugin.id}"
        known = plugin.id in PLUGINS
        why = PLUGINS.get(plugin.id) if known else "unknown plugin id"
        if plugin.id == "file-parser" and not _is_read_by_its_host(plugin.pdf):
            why = _READS_FILES
        yield _Found(
            carrier,
            inner=tuple(
                Inner(carrier, name, inherits=plugin.id in _ROUTERS)
                for name in _named_by(plugin)
                if "*" not in name  # a router picks within it, and is judged by what it picked
            ),
            doubts=(Doubt(carrier, why),) if why else (),
            on_server=plugin.id in _FETCHING or not known,
        )


def _is_read_by_its_host(pdf: Any) -> bool:
    return isinstance(pdf, dict) and pdf.get("engine") == "native"


def _named_by(plugin: _Plugin) -> Iterator[str]:
    for value in (
        plugin.model,
        plugin.models,
        plugin.analysis_models,
        plugin.allowed_models,
        plugin.judge_model,
    ):
        yield from _names(value)


# --- routers ----------------------------------------------------------------------------------

# Routers that call models of their own for one answer: the plugin that names these models, and
# why they are unknown if it doesn't.
_CALLING: Mapping[str, tuple[str, str]] = {
    "openrouter/fusion": ("plugins.fusion", _PANEL),
    "openrouter/fusion-flash": ("plugins.fusion", _PANEL),
    "nvidia/switchyard": ("plugins.switchyard-router", _JUDGE),
}


def by_routers(models: Iterable[str], inside: Carried) -> Carried:
    """Return what routers among `models` carry, given what tools and plugins carry (`inside`)."""
    named = {each.carrier for each in inside.inner}
    doubts = [
        Doubt(slug, _CALLING[slug][1])
        for slug in dict.fromkeys(read_slug(model).base for model in models)
        if slug in _CALLING and _CALLING[slug][0] not in named
    ]
    return Carried(doubts=tuple(doubts)) if doubts else NOTHING


# --- reading ----------------------------------------------------------------------------------


def _unreadable(field: str) -> _Found:
    """A list that Pointsman can't read, but upstream perhaps can."""
    return _Found(field, doubts=(Doubt(field, "it can't be read"),), on_server=True)


def _entries(raw: msgspec.Raw | None, kind: type[_Entry]) -> list[_Entry] | None:
    """The objects of a list, without its other items. None: it can't be read."""
    text = bytes(raw).lstrip() if raw else b""
    if not text.startswith(b"["):
        return []
    try:
        return msgspec.json.decode(text, type=list[kind])  # type: ignore[valid-type]
    except UNREADABLE:
        text = readable(text)
    try:
        items = msgspec.json.decode(text, type=list[msgspec.Raw])
    except UNREADABLE:
        return None
    return [entry for item in items if (entry := _object(item, kind)) is not None]


def _object(raw: msgspec.Raw, kind: type[_Entry]) -> _Entry | None:
    try:
        return msgspec.json.decode(raw, type=kind) if raw else None
    except UNREADABLE:
        return None


def _names(value: Any) -> list[str]:
    """The model names in a value, which is one or a list of them."""
    items = value if isinstance(value, list) else [value]
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]
