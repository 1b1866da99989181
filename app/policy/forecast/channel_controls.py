"""Negative controls of channels: on each, a requirement that no provider can meet.

A router that enforces `provider` on a channel has no provider left for such a request; it answers
404, which costs nothing and is the proof. If it isn't documented whether a model that is called
inside follows it, the requirement is one that the outer model's hosts meet and the inner one's
don't: the result is reported, and no particular answer is required (openrouter.md §A2.3).
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...catalog.catalog import Catalog
from ...catalog.endpoint import Endpoint

NOBODY: Mapping[str, Any] = {"only": ["pointsman-nobody"]}  # well-formed; no provider has it

_TALK: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Say hi."}], "max_tokens": 16}
_CHAT = "/chat/completions"
_ROUTES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (_CHAT, _TALK),
    ("/responses", {"input": "Say hi.", "max_output_tokens": 16}),
    ("/messages", _TALK),
    ("/completions", {"prompt": "Say hi.", "max_tokens": 16}),
)
_VARIANTS = ("nitro", "floor", "exacto", "online")
_FUNCTION: Mapping[str, Any] = {"type": "function", "function": {"name": "f", "parameters": {}}}
# Routes for special kinds of models, by the models' output.
_BY_OUTPUT: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("/embeddings", "embeddings", {"input": "hi"}),
    ("/rerank", "rerank", {"query": "hi", "documents": ["hi"]}),
    ("/images", "image", {"prompt": "a cube"}),
)
_ORDER = "Use the tool that you have, once, to have somebody else say hi. Then say what it said."
_INSIDE: tuple[str, ...] = ("subagent", "advisor", "fusion", "image_generation")


class Probe(NamedTuple):
    """One request on one channel."""

    channel: str
    path: str
    body: Mapping[str, Any] | None  # None: it can't be tested
    why: str  # why it must be refused, what it shows, or why it can't be tested
    demands: bool = True  # False: whether the requirement is enforced is not documented


def probes(model: str, catalog: Catalog, *, preset: str | None = None) -> Iterator[Probe]:
    """The channels that are held, with a request to be refused on each; `preset` is a slug."""
    for path, content in _ROUTES:
        yield _held(f"model on {path}", {"model": model, **content}, path)
    yield _held("models", {"model": model, "models": [model], **_TALK})
    named = {"model": model, "fallbacks": [{"model": model}], **_TALK}
    yield _held("fallbacks", named, "/messages")
    for variant in _VARIANTS:
        name = f"{model.partition(':')[0]}:{variant}"
        yield _held(f"variant :{variant}", {"model": name, **_TALK})
    family = next((name for name in catalog.models if name.startswith("~")), None)
    if family is None:
        yield Probe("~author/family-latest", _CHAT, None, "the list of models has no family")
    else:
        yield _held("~author/family-latest", {"model": family, **_TALK})
    yield _held("openrouter/auto", {"model": "openrouter/auto", **_TALK})
    yield from _by_preset(model, preset)
    yield _held("service_tier", {"model": model, "service_tier": "priority", **_TALK})
    yield _held("function tools", {"model": model, "tools": [_FUNCTION], **_TALK})
    narrowed = [{"id": "auto-router", "allowed_models": [model]}]
    routed = {"model": "openrouter/auto", "plugins": narrowed, **_TALK}
    yield _held("plugin auto-router", routed)
    panel = [{"id": "fusion", "analysis_models": [model]}]
    yield _held("plugin fusion", {"model": model, "plugins": panel, **_TALK})
    healing = [{"id": "response-healing"}]
    yield _held("plugin response-healing", {"model": model, "plugins": healing, **_TALK})
    for path, output, content in _BY_OUTPUT:
        yield _of_kind(catalog, path, output, content)
    judged = {"model": model, "state": "", "questions": {"q": {"type": "box"}}}
    yield _held("/systemone", judged, "/systemone")
    for path in ("/audio/speech", "/audio/transcriptions", "/videos"):
        yield Probe(path, path, None, "it accepts no requirement that no provider can meet")
    yield Probe("/batches", "/batches", None, "it is routed hours later and could be billed")


def inner_probes(model: str, inner: str, catalog: Catalog) -> Iterator[Probe]:
    """Channels that aren't documented to enforce `provider`. Each may cost some tokens."""
    host = _serves_this_alone(model, inner, catalog)
    for name in _INSIDE:
        channel = f"{inner} in the tool {name}"
        if host is None:
            why = f"no provider is listed for {model} that does not serve {inner} too"
            yield Probe(channel, _CHAT, None, why, demands=False)
            continue
        asked = {"analysis_models": [inner]} if name == "fusion" else {"model": inner}
        body = {
            "model": model,
            "messages": [{"role": "user", "content": _ORDER}],
            "max_tokens": 400,
            "tools": [{"type": f"openrouter:{name}", "parameters": asked}],
            "provider": {"only": [host]},
        }
        yield Probe(channel, _CHAT, body, f"{host} serves {model}, not {inner}", demands=False)


def _held(channel: str, body: Mapping[str, Any], path: str = _CHAT) -> Probe:
    return Probe(channel, path, {**body, "provider": NOBODY}, "no provider has that name")


def _by_preset(model: str, preset: str | None) -> Iterator[Probe]:
    forms: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("@preset/x", {"model": f"@preset/{preset}"}),
        ("model@preset/x", {"model": f"{model}@preset/{preset}"}),
        ("preset", {"model": model, "preset": preset}),
        ("@preset/x in models", {"model": model, "models": [f"@preset/{preset}"]}),
    )
    for channel, named in forms:
        if preset is None:
            yield Probe(channel, _CHAT, None, "set --preset to a preset of the account")
        else:
            yield _held(channel, {**named, **_TALK})


def _of_kind(catalog: Catalog, path: str, output: str, content: Mapping[str, Any]) -> Probe:
    made = (each for each in catalog.models.values() if each.outputs and output in each.outputs)
    found = next(made, None)
    if found is None:
        return Probe(path, path, None, f"the list of models has none that puts out {output}")
    return _held(path, {"model": found.slug, **content}, path)


def _serves_this_alone(model: str, inner: str, catalog: Catalog) -> str | None:
    """A provider of the one model that doesn't serve the other; None if none is known."""
    ours, theirs = catalog.listing(model), catalog.listing(inner)
    if ours is None or theirs is None:
        return None
    others = {row.provider for row in theirs.endpoints}
    return next((row.provider for row in ours.endpoints if _is_plain(row, others)), None)


def _is_plain(row: Endpoint, others: set[str]) -> bool:
    return row.tier is None and row.provider not in others
