"""Requests over all channels by which a model or an endpoint can be reached, made from a number.

The same number gives the same request. They fit the catalog and the presets of `channels.py`:

    folder / "catalog.json"  <-  {"format": 1, "models": MODELS}
    app = create_simulator(catalog=..., presets=PRESETS, pace=0, remembered=...)
    for path, headers, body in generated(10_000):
        ...  # send it, to the simulator itself or to a proxy in front of it
    for number, model, tag, why in reached(app.state):
        assert policy.admits(row_of(model, tag))

`generated` yields the path below the host (`/api/v1/...`), the headers and the bytes of the body.
The headers hold an `authorization` of one of two keys, which see different presets under one slug,
and `x-openrouter-simulate` with switches of what no source says: whether inner calls inherit the
preferences, what a preset in a list holds for, which endpoints fail. The switch `disobey` is never
on. Pass `switches` to set some of them for all requests.

`reached` yields every endpoint that was sent something, failed attempts included, in order: the
number of the request as the simulator counted those that arrived (from 1 on; one that a proxy
refuses does not arrive), the model's id, the endpoint's tag, and why:

    outer    the request's own model or fallback
    preset   a model that only a preset names
    picked   by a router such as openrouter/auto
    judge    by nvidia/switchyard, before it picks
    inner    a tool's or the fusion router's; see `app.state.router.reached` for the carrier

`case` tells of one number also which channels its request uses. `row_of` gives the catalog's row,
whose `_simulator` says what no listing does. With `remembered` below the number of requests, what
came first is forgotten: ask as you go, with `since`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from random import Random
from typing import Any, NamedTuple

from app.simulator.naming import ROUTERS, Why
from tests.simulator.channels import MODELS, ONE, TWO
from tests.simulator.simulated import HELLO, TOOL
from tests.simulator.spelling import spelled, with_decoys


class Case(NamedTuple):
    """One request, and which channels it uses."""

    path: str
    headers: dict[str, str]
    body: bytes
    channels: frozenset[str]


class Reach(NamedTuple):
    """One endpoint that was sent something."""

    number: int
    model: str
    tag: str
    why: Why


def generated(
    count: int, *, first: int = 0, switches: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Path, headers and body of each request."""
    for number in range(first, first + count):
        path, headers, body, _ = case(number, switches)
        yield path, headers, body


def reached(state: Any, *, since: int = 0) -> Iterator[Reach]:
    """What a simulator's requests reached, of those numbered above `since`."""
    latest = takewhile(lambda each: each.request > since, reversed([*state.router.reached]))
    for each in reversed([*latest]):
        yield Reach(each.request, each.model, each.tag, each.why)


def row_of(model: str, tag: str) -> Mapping[str, Any]:
    """The row that a model's tag means; tags are unique within a model here."""
    found: Mapping[str, Any]
    (found,) = [
        row
        for item in MODELS
        if item["id"] == model
        for row in item["endpoints"]
        if row["tag"] == tag
    ]
    return found


def case(number: int, switches: Mapping[str, Any] | None = None) -> Case:
    """The request of this number."""
    dice = Random(number)
    route = dice.choices(list(_ROUTES), [weight for weight, _ in _ROUTES.values()])[0]
    made = Making(dice, route)
    _, make = _ROUTES[route]
    content_type, body = make(made)
    positions = {**_some(dice, 0.2, _switches(dice)), "generation_delay": 0.0, **(switches or {})}
    headers = {
        "authorization": f"Bearer {dice.choice((ONE, TWO))}",
        "content-type": content_type,
        "x-openrouter-simulate": json.dumps(positions),
        **_some(dice, 0.3, {"x-openrouter-metadata": "enabled"}),
        **_some(dice, 0.1, {"x-session-id": f"h-{number % 7}"}),
    }
    return Case(route, headers, body, frozenset({route, *made.channels}))


class Making:
    """One request in the making: its dice, its route, and which channels it has come to use."""

    def __init__(self, dice: Random, route: str) -> None:
        self.dice = dice
        self.route = route
        self.channels: set[str] = set()

    def uses(self, channel: str) -> None:
        """Note a channel."""
        self.channels.add(channel)

    def some(self, likely: float) -> bool:
        """Whether to do something."""
        return self.dice.random() < likely


def _some(dice: Random, likely: float, wishes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wishes.items() if dice.random() < likely}


# --- names of models --------------------------------------------------------------------------

TEXT = ["acme/big", "acme/mini", "acme/other-2.5", "acme/judge", "openai/gpt-5.6"]
_SPELLINGS: dict[str, Callable[[Random], str]] = {
    "plain": lambda dice: dice.choice(TEXT),
    "dated": lambda dice: f"{dice.choice(TEXT)}-20261001",
    "dashes": lambda dice: dice.choice(["acme/other-2-5", "openai/gpt-5-6"]),
    "variant": lambda dice: dice.choice(TEXT) + dice.choice([":nitro", ":floor", ":exacto"]),
    "online": lambda dice: f"{dice.choice(TEXT)}:online",
    "latest": lambda dice: dice.choice(["~openai/gpt-latest", "~anthropic/claude-opus-latest"]),
    "free": lambda _dice: "acme/gift:free",
    "router": lambda dice: dice.choice([*ROUTERS]),
    "preset:bare": lambda dice: f"@preset/{_slug(dice)}",
    "preset:suffix": lambda dice: f"{dice.choice(TEXT)}@preset/{_slug(dice)}",
    "unknown": lambda _dice: "acme/unknown",
}
_LIKELY = [40, 6, 4, 10, 3, 5, 4, 14, 8, 8, 1]
_SLUGS = [
    *("big", "two-models", "only-hosts", "coarse", "ordered", "helped", "routed", "tiered"),
    *("differs", "differs", "differs", "private", "off", "empty", "nobody"),
]


def _slug(dice: Random) -> str:
    return dice.choice(_SLUGS)


def _name(made: Making) -> str:
    kind = made.dice.choices([*_SPELLINGS], _LIKELY)[0]
    made.uses(kind)
    return _SPELLINGS[kind](made.dice)


def _models(made: Making) -> dict[str, Any]:
    """The fields that say which models may answer."""
    dice = made.dice
    fields: dict[str, Any] = {}
    if not made.some(0.06):
        fields["model"] = _name(made)
    if made.some(0.12) or not fields:
        made.uses("preset:field")
        fields["preset"] = _slug(dice)
    if made.some(0.3):
        made.uses("models")
        listed = [_name(made) for _ in range(dice.randint(1, 3))]
        if made.route.endswith("/messages") and made.some(0.4):
            made.uses("fallbacks")
            fields["fallbacks"] = [{"model": name} for name in listed]
        else:
            fields["models"] = listed
    return fields


# --- preferences ------------------------------------------------------------------------------

_HOSTS = ["baseten", "deepinfra", "novita", "openai", "azure", "groq", "chutes", "fireworks"]
_ENTRIES = [
    *_HOSTS,
    "deepinfra/bf16",
    "deepinfra/turbo",
    "novita/fp4",
    "openai/priority",
    "provider not named",
]
_LABELS = ["bf16", "fp16", "fp8", "fp4", "unknown"]


def _entries(dice: Random) -> list[str]:
    return list(dict.fromkeys(dice.choices(_ENTRIES, k=dice.randint(1, 4))))


def _preferences(made: Making, *keys: str) -> dict[str, Any]:
    dice = made.dice
    wishes = {
        "only": _entries(dice),
        "ignore": _entries(dice),
        "order": _entries(dice),
        "allow_fallbacks": dice.random() < 0.5,
        "data_collection": dice.choice(["deny", "allow"]),
        "zdr": dice.random() < 0.7,
        "quantizations": dice.sample(_LABELS, dice.randint(1, 4)),
        "max_price": {"prompt": dice.choice([0.2, 2]), "completion": dice.choice([0.5, 5])},
        "sort": dice.choice(["price", "throughput", {"by": "price", "partition": "none"}]),
        "require_parameters": dice.random() < 0.3,
        "options": {"novita": {"seed": 1}},
    }
    return _some(dice, 0.22, {name: wishes[name] for name in keys or wishes})


def _provider(made: Making, *keys: str) -> dict[str, Any]:
    if made.some(0.45):
        return {}
    made.uses("provider")
    return {"provider": None if made.some(0.05) else _preferences(made, *keys)}


# --- tools and plugins ------------------------------------------------------------------------


def _inner(made: Making) -> dict[str, Any]:
    """The parameter that names an inner model, or none."""
    return {"model": _name(made)} if made.some(0.75) else {}


def _painter(made: Making) -> dict[str, Any]:
    named = {"model": made.dice.choice(["acme/paint", "openai/gpt-5-image"])}
    return {"type": "openrouter:image_generation", "parameters": named if made.some(0.7) else {}}


def _subagent(made: Making) -> dict[str, Any]:
    parameters: dict[str, Any] = {"name": f"n{made.dice.randint(0, 9)}", **_inner(made)}
    if made.some(0.4):
        made.uses("nested")
        parameters["tools"] = [made.dice.choice((_painter, _advisor))(made)]
    return {"type": "openrouter:subagent", "parameters": parameters}


def _advisor(made: Making) -> dict[str, Any]:
    forwards = {"forward_transcript": True} if made.some(0.3) else {}
    return {"type": "openrouter:advisor", "parameters": {**_inner(made), **forwards}}


def _fusion(made: Making) -> dict[str, Any]:
    panel = [_name(made) for _ in range(made.dice.randint(1, 3))]
    asked = {"analysis_models": panel} if made.some(0.7) else {}
    return {"type": "openrouter:fusion", "parameters": {**asked, **_inner(made)}}


def _anthropic_advisor(made: Making) -> dict[str, Any]:
    return {"type": "advisor_20260301", "name": "advisor", "model": _name(made)}


def _openai_painter(made: Making) -> dict[str, Any]:
    return {"type": "image_generation", **({"model": "acme/paint"} if made.some(0.6) else {})}


def _search(made: Making) -> dict[str, Any]:
    dated = "web_search_20260209" if made.route.endswith("/messages") else "web_search_preview"
    return {"type": made.dice.choice(["openrouter:web_search", dated])}


def _unheard_of(_made: Making) -> dict[str, Any]:
    return {"type": "openrouter:oracle", "parameters": {"model": "acme/mini"}}


Carrier = Callable[[Making], dict[str, Any]]
_ANYWHERE: tuple[Carrier, ...] = (_painter, _search, _unheard_of)
_OPENAI: tuple[Carrier, ...] = (_subagent, _advisor, _fusion, *_ANYWHERE)
_CARRIERS: dict[str, tuple[Carrier, ...]] = {
    "/api/v1/chat/completions": _OPENAI,
    "/api/v1/responses": (_openai_painter, *_OPENAI),
    "/api/v1/messages": (_anthropic_advisor, *_ANYWHERE),
    "/api/v1/completions": (),
}


def _tools(made: Making) -> dict[str, Any]:
    carriers = _CARRIERS[made.route]
    if not carriers or not made.some(0.4):
        return {}
    made.uses("tools")
    if made.some(0.04):  # on a route that does not take it
        carriers = (_subagent, _anthropic_advisor, _openai_painter)
    tools = [made.dice.choice(carriers)(made) for _ in range(made.dice.randint(1, 2))]
    for tool in tools:
        made.uses(tool["type"])
    if made.some(0.2):
        tools.append(TOOL["function"] if made.route.endswith("/responses") else TOOL)
    return {"tools": tools}


def _patterns(dice: Random) -> list[str]:
    return dice.sample(["acme/*", "*/gpt-5.6", "acme/mini", "acme/big", "none/*"], 2)


def _plugin(made: Making) -> dict[str, Any]:
    dice = made.dice
    narrow = {"allowed_models": _patterns(dice), "excluded_models": _patterns(dice)[:1]}
    plugins: dict[str, dict[str, Any]] = {
        "auto-router": _some(dice, 0.6, narrow),
        "auto-beta-router": _some(dice, 0.6, narrow),
        "jev-router": _some(dice, 0.6, {**narrow, "models": _patterns(dice)}),
        "switchyard-router": _some(dice, 0.7, {"judge_model": dice.choice(TEXT)}),
        "pareto-router": _some(dice, 0.5, {"max_price": 1}),
        "fusion": _some(dice, 0.7, {"analysis_models": dice.sample(TEXT, 2), **_inner(made)}),
        "web": {},
    }
    name = dice.choice([*plugins])
    off = {"enabled": False} if made.some(0.1) else {}
    made.uses(f"plugin:{name}")
    return {"id": name, **plugins[name], **off}


# --- the four routes of inference -------------------------------------------------------------

_CONTENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "/api/v1/chat/completions": lambda: {"messages": HELLO},
    "/api/v1/responses": lambda: {"input": "hello"},
    "/api/v1/messages": lambda: {"messages": HELLO, "max_tokens": 64},
    "/api/v1/completions": lambda: {"prompt": "hello"},
}


def _inference(made: Making) -> tuple[str, bytes]:
    dice = made.dice
    fields = {**_CONTENTS[made.route](), **_models(made), **_provider(made), **_tools(made)}
    if made.some(0.25):
        fields["plugins"] = [_plugin(made) for _ in range(dice.randint(1, 2))]
    if made.some(0.15):
        made.uses("tier")
        fields["service_tier"] = dice.choice(["priority", "flex", "auto", "default"])
    if made.route.endswith("/messages") and made.some(0.1):
        made.uses("tier")
        fields["speed"] = "fast"
    fields |= _some(dice, 0.1, {"stream": True, "session_id": f"s-{dice.randint(0, 5)}"})
    fields |= _some(dice, 0.1, {"metadata": {"big": 10**25, "half": "\ud83d"}})
    pairs = [*fields.items()]
    dice.shuffle(pairs)
    if made.some(0.1):
        made.uses("twice")
        decoys = {"model": "acme/other-2.5", "provider": {"only": ["openai"]}, "tools": []}
        pairs = with_decoys(dice, pairs, [*decoys.items()])
    return "application/json", spelled(dice, pairs)


# --- the other routes -------------------------------------------------------------------------

Body = tuple[str, bytes]
_QUESTIONS = {"q": {"type": "box", "instructions": "Fill in."}}
_PICTURES = ("allow_fallbacks", "ignore", "only", "order", "sort", "options")
_SOUNDS = ("zdr", "data_collection", "options")


def _plain(fields: Mapping[str, Any], *keys: str) -> Callable[[Making], Body]:
    """A route that takes these keys of `provider`, all of them if none is named."""

    def make(made: Making) -> Body:
        told = dict(fields)
        strays = made.some(0.05)  # to keys that the route may not take
        keyed = _provider(made) if strays else _provider(made, *keys)
        if "preset" not in told and made.some(0.03):
            told["model"] = f"{told['model']}@preset/only-hosts"
            made.uses("preset:suffix")
        pairs = [*told.items(), *keyed.items()]
        made.dice.shuffle(pairs)
        return "application/json", spelled(made.dice, pairs)

    return make


def _transcription(made: Making) -> Body:
    if made.some(0.5):
        sound = {"data": "QUJD", "format": "wav"}
        return _plain({"model": "acme/stt", "input_audio": sound}, *_SOUNDS)(made)
    made.uses("form")
    keyed = _provider(made, *_SOUNDS)
    parts = {"model": "acme/stt", **{name: json.dumps(told) for name, told in keyed.items()}}
    named = [f'name="{name}"\r\n\r\n{told}' for name, told in parts.items()]
    named += ['name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF']
    made.dice.shuffle(named)
    told = "".join(f"--xyz\r\nContent-Disposition: form-data; {part}\r\n" for part in named)
    return "multipart/form-data; boundary=xyz", f"{told}--xyz--\r\n".encode()


def _batch(made: Making) -> Body:
    dice = made.dice
    model = dice.choice(TEXT)
    rows: list[dict[str, Any]] = []
    for number in range(dice.randint(1, 3)):
        inside: dict[str, Any] = {"model": model, "messages": HELLO}
        if made.some(0.3):
            tool = dice.choice((_subagent, _advisor, _fusion))(made)
            made.uses("tools in a batch")
            inside["tools"] = [tool]
        inside |= _some(dice, 0.1, {"provider": {"only": ["openai"]}, "models": ["acme/mini"]})
        rows.append({"custom_id": str(number), "body": inside})
    if made.some(0.05):
        rows[0]["body"]["model"] = "acme/unknown"
    head = {"endpoint": "/v1/chat/completions", "model": model}
    pairs = [*head.items(), *_provider(made, "only", "allow_fallbacks").items()]
    dice.shuffle(pairs)
    late = [("provider", {"only": ["openai"]})] if made.some(0.05) else []
    return "application/json", spelled(dice, [*pairs, ("requests", rows), *late])


_ROUTES: dict[str, tuple[int, Callable[[Making], Body]]] = {
    "/api/v1/chat/completions": (45, _inference),
    "/api/v1/responses": (15, _inference),
    "/api/v1/messages": (15, _inference),
    "/api/v1/completions": (4, _inference),
    "/api/v1/embeddings": (3, _plain({"model": "acme/embed-1", "input": "x"})),
    "/api/v1/rerank": (3, _plain({"model": "acme/rerank-1", "query": "x", "documents": ["x"]})),
    "/api/alpha/decisions": (
        2,
        _plain({"model": "acme/judge", "state": "", "questions": _QUESTIONS}),
    ),
    "/api/v1/systemone": (
        2,
        _plain({"model": "acme/judge", "state": "", "questions": _QUESTIONS}),
    ),
    "/api/v1/images": (2, _plain({"model": "acme/paint", "prompt": "a cube"}, *_PICTURES)),
    "/api/v1/audio/speech": (2, _plain({"model": "acme/tts", "input": "x"}, *_SOUNDS)),
    "/api/v1/audio/transcriptions": (2, _transcription),
    "/api/v1/videos": (2, _plain({"model": "acme/film", "prompt": "x"}, "options")),
    "/api/v1/batches": (3, _batch),
}


# --- switches ---------------------------------------------------------------------------------


def _switches(dice: Random) -> dict[str, Any]:
    hosts = dice.sample(_HOSTS, dice.randint(1, 3))
    return {
        "inner_inherits": dice.random() < 0.5,
        "judge_inherits": dice.random() < 0.5,
        "candidates_inherit": dice.random() < 0.5,
        "advisor_choice": dice.choice(["", *TEXT]),
        "lost_preset": dice.choice(["400", "404", "ignored"]),
        "preset_nulls": dice.choice(["lacking", "given"]),
        "listed_presets": dice.choice(["own", "whole", "ignored"]),
        "tools_elsewhere": dice.choice(["refused", "run"]),
        "media_keys": dice.choice(["refused", "ignored"]),
        "default_order": dice.choice(["shares", "legacy"]),
        "only_keeps_shares": dice.random() < 0.5,
        "auto_exacto": dice.random() < 0.5,
        "fail": dict.fromkeys(hosts, dice.choice([429, 503])),
        "byok": hosts[:1],
    }
