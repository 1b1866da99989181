"""Models inside a request: which ones its server tools call, and the results of the calls.

The simulated model uses every server tool that it is given, once. A tool with a model routes a
request of its own, through the same router; whether that request gets the outer request's
`provider` object is not established for these tools, so a switch sets it (openrouter.md §A2.2,
§A2.3).
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, Protocol

from .ask import Ask, Errand, read_ask
from .catalog import Catalog
from .naming import Candidate
from .picking import panel_of
from .refusals import Refusal
from .routed import InnerCall, InnerRun, Routed
from .tool_loop import has_ended
from .validation import check_body

_WITH_TOOLS = frozenset({"chat", "responses", "messages"})
DEFAULT_PAINTER = "openai/gpt-5-image"
_DEEPEST = 3  # calls within calls


class Serves(Protocol):
    """The router that an inner call goes through."""

    @property
    def catalog(self) -> Catalog:
        """The models and endpoints on offer."""
        ...

    def serve(self, ask: Ask, random: Random) -> Routed:
        """Serve one request. Raises `Refusal`."""
        ...


def run_inside(
    router: Serves, ask: Ask, answering: Candidate, random: Random
) -> tuple[InnerRun, ...]:
    """Make every call that a request's tools, or the fusion router, cause."""
    depth = ask.errand.depth if ask.errand else 0
    if depth >= _DEEPEST or ask.dialect not in _WITH_TOOLS or ask.tool_choice == "none":
        return ()
    runs = [
        InnerRun(call, _outcome(router, ask, call, random)) for call in _of_fusion(ask, answering)
    ]
    in_loop: list[InnerRun] = []
    for call in _of_tools(router, ask, answering.model.id):
        if has_ended(ask.body, in_loop):
            break
        in_loop.append(InnerRun(call, _outcome(router, ask, call, random)))
    return (*runs, *in_loop)


def _outcome(router: Serves, ask: Ask, call: InnerCall, random: Random) -> Any:
    try:
        return router.serve(errand_for(router, ask, "inner", call), random)
    except Refusal as refusal:
        return refusal


def errand_for(router: Serves, ask: Ask, why: Any, call: InnerCall) -> Ask:
    """The request that a call sends. Raises the 400 for a model that does not exist."""
    inherits = ask.switches.inner_inherits if why == "inner" else ask.switches.judge_inherits
    body: dict[str, Any] = {
        "model": call.model,
        "messages": [{"role": "user", "content": f"A task for the {call.role}."}],
        **({"tools": [*call.tools]} if call.tools else {}),
        **({"provider": dict(ask.provider)} if inherits and ask.provider else {}),
    }
    if call.transcript and isinstance(ask.body.get("messages"), list):
        body["messages"] = ask.body["messages"]
    depth = ask.errand.depth if ask.errand else 0
    return read_ask(
        check_body(body),
        "chat",
        {},
        router.catalog,
        ask.switches,
        number=ask.number,
        errand=Errand(why, call.carrier, depth + 1),
    )


def _of_fusion(ask: Ask, answering: Candidate) -> Iterator[InnerCall]:
    for model in answering.panel:
        yield InnerCall("plugins.fusion", "panel", model, _tools(ask.plugin("fusion") or {}))


# --- what each tool calls ---------------------------------------------------------------------

Reader = Callable[[Serves, Ask, str, Mapping[str, Any]], Iterator[InnerCall]]


def _of_tools(router: Serves, ask: Ask, executing: str) -> Iterator[InnerCall]:
    for tool in ask.body.get("tools") or ():
        kind = tool.get("type")
        if isinstance(kind, str) and kind in _READERS:
            yield from _READERS[kind](router, ask, executing, tool)


def _subagent(
    _router: Serves, _ask: Ask, executing: str, tool: Mapping[str, Any]
) -> Iterator[InnerCall]:
    inside = _parameters(tool)
    model, tools = _text(inside, "model") or executing, _tools(inside)
    yield InnerCall("tools.openrouter:subagent", "subagent", model, tools, _text(inside, "name"))


def _advisor(
    _router: Serves, ask: Ask, executing: str, tool: Mapping[str, Any]
) -> Iterator[InnerCall]:
    """If no model is fixed, the executing model names one at run time, else it is used itself."""
    inside = _parameters(tool)
    yield InnerCall(
        "tools.openrouter:advisor",
        "advisor",
        _text(inside, "model") or ask.switches.advisor_choice or executing,
        name=_text(inside, "name"),
        transcript=inside.get("forward_transcript") is True,
    )


def _anthropic_advisor(
    _router: Serves, _ask: Ask, _executing: str, tool: Mapping[str, Any]
) -> Iterator[InnerCall]:
    yield InnerCall("tools.advisor_20260301", "advisor", str(tool["model"]))


def _fusion(
    router: Serves, ask: Ask, executing: str, tool: Mapping[str, Any]
) -> Iterator[InnerCall]:
    """A panel answers, then the analyst; the plugin sets values that the tool leaves open."""
    inside = {**(ask.plugin("fusion") or {}), **_parameters(tool)}
    carrier, tools = "tools.openrouter:fusion", _tools(inside)
    for model in panel_of(inside.get("analysis_models"), router.catalog, ask):
        yield InnerCall(carrier, "panel", model, tools)
    yield InnerCall(carrier, "analyst", _text(inside, "model") or executing, tools)


def _painter(
    kind: str, _router: Serves, _ask: Ask, _executing: str, tool: Mapping[str, Any]
) -> Iterator[InnerCall]:
    named = _text(_parameters(tool), "model") if ":" in kind else _text(tool, "model")
    yield InnerCall(f"tools.{kind}", "image_generation", named or DEFAULT_PAINTER)


_READERS: Mapping[str, Reader] = {
    "openrouter:subagent": _subagent,
    "openrouter:advisor": _advisor,
    "advisor_20260301": _anthropic_advisor,
    "openrouter:fusion": _fusion,
    "openrouter:image_generation": partial(_painter, "openrouter:image_generation"),
    "image_generation": partial(_painter, "image_generation"),
}


def _parameters(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    inside = tool.get("parameters")
    return inside if isinstance(inside, dict) else {}


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _tools(inside: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    listed = inside.get("tools")
    return (
        tuple(each for each in listed if isinstance(each, dict)) if isinstance(listed, list) else ()
    )
