"""Random listings, preferences, policies and requests; the same number gives the same case."""

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.simulator.simulated import HELLO, TOOL, endpoint, model

PROVIDERS = ["deepinfra", "novita", "openai", "fireworks"]
TAILS = ["", "", "/fp8", "/turbo", "/fast", "/us", "/priority", "/flex"]
TAGS = [f"{provider}{tail}" for provider in PROVIDERS for tail in dict.fromkeys(TAILS)]
LABELS = ["int4", "fp4", "mxfp4", "nvfp4", "int8", "fp8", "mxfp8", "bf16", "fp32", "unknown"]
PRICES = ["0", "0.0000001", "0.0000003", "0.00000045", "0.000001"]
CAPS = [0, "0.1", 0.3, "0.30", 0.45, 0.5, 1, "1e0", 2]
PARAMETERS = ["tools", "temperature", "logprobs", "response_format", "max_tokens", "verbosity"]
CHOICES = ["none", "auto", "required", "function"]


@dataclass(frozen=True)
class Case:
    """One request to one model."""

    model: dict[str, Any]  # with its rows, `place` telling alike ones apart
    body: dict[str, Any]
    rule: dict[str, Any]  # of a policy; empty: nobody has one


def case(number: int, *, display_names: bool = False) -> Case:
    """The case of this number; with `display_names`, the request's own lists may hold some."""
    dice = Random(number)
    rows = [{**_row(dice), "place": place} for place in range(dice.randint(1, 9))]
    kinds = ["text", "image"] if dice.random() < 0.5 else ["text"]
    architecture = {"input_modalities": kinds, "output_modalities": ["text"]}
    offered = model(*rows, architecture=architecture, distillable=dice.random() < 0.7)
    suffix = dice.choice(["", "", "", ":nitro", ":floor", ":exacto"])
    body = {"model": f"acme/sim-1{suffix}", "messages": HELLO, **_fields(dice)}
    if dice.random() < 0.7:
        body["provider"] = _preferences(dice)
    if display_names:
        body["provider"] = {**body.get("provider", {}), **_by_name(rows, dice)}
    return Case(offered, body, _rule(dice) if dice.random() < 0.5 else {})


# What a listing may say of a row's tier, by the row's tag or by the end of it: the tag can say so
# too. `openai/fast` is OpenAI's priority tier by another word, so its listing is never silent here.
_TIERS: dict[str, list[str | None]] = {
    "openai/fast": ["priority"],
    "priority": ["priority", None],
    "flex": ["flex", None],
    "fast": ["priority", "ultrafast", None],
    "turbo": ["priority", None, None],
    "": [None, None, None, "flex"],
}


def _by_name(rows: list[dict[str, Any]], dice: Random) -> dict[str, Any]:
    """A list that calls some providers by their display names, in one case or another."""
    names = [row["provider_name"] for row in rows]
    entries = [dice.choice([*names, *(name.lower() for name in names), *TAGS]) for _ in range(2)]
    key = dice.choice(["only", "ignore", "order"])
    return {key: entries} | ({"allow_fallbacks": False} if key == "order" else {})


def _row(dice: Random) -> dict[str, Any]:
    tag = dice.choice(TAGS)
    tail = tag.partition("/")[2]
    taken = {kind: dice.random() < 0.7 for kind in CHOICES}
    return endpoint(
        tag,
        dice.choice([None, *LABELS, "fp8", "fp8"]),
        provider_name=dice.choice(["Host ", ""]) + tag.partition("/")[0].title(),
        service_tier=dice.choice(_TIERS.get(tag) or _TIERS.get(tail, [None])),
        trains=dice.random() < 0.3,
        zdr=dice.random() < 0.7,
        regional_surcharge=tail == "us" and dice.random() < 0.5,
        prompt=dice.choice(PRICES),
        completion=dice.choice(PRICES),
        **({"request": dice.choice(["0", "0.01"])} if dice.random() < 0.3 else {}),
        supported_parameters=[name for name in PARAMETERS if dice.random() < 0.7],
        **({"supports_tool_choice": taken} if dice.random() < 0.4 else {}),
        context_length=dice.choice([40, 1000, 100_000]),
        max_completion_tokens=dice.choice([None, 10, 1000]),
        status=dice.choice([0, 0, -2]),
    )


def _some(dice: Random, likely: float, wishes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wishes.items() if dice.random() < likely}


def _entries(dice: Random) -> list[str]:
    names = [*TAGS, *PROVIDERS, *PROVIDERS, "provider not named", "nobody/fp8"]
    return list(dict.fromkeys(dice.choice(names) for _ in range(dice.randint(1, 4))))


def _preferences(dice: Random) -> dict[str, Any]:
    caps = {key: dice.choice(CAPS) for key in ("prompt", "completion") if dice.random() < 0.6}
    wishes = {
        "only": dice.choice([_entries(dice), _entries(dice), [], None]),
        "ignore": dice.choice([_entries(dice), [], None]),
        "order": dice.choice([_entries(dice), [], None]),
        "allow_fallbacks": dice.choice([True, False, False, None]),
        "require_parameters": dice.choice([True, False, None]),
        "data_collection": dice.choice(["allow", "deny", None]),
        "zdr": dice.choice([True, False, None]),
        "enforce_distillable_text": dice.choice([True, False, None]),
        "quantizations": dice.choice([dice.sample(LABELS, 4), dice.sample(LABELS, 1), [], None]),
        "max_price": dice.choice([caps, {"request": 0.005}, {"prompt": None, "completion": 1}]),
        "sort": dice.choice(["price", "throughput", {"by": "latency"}]),
        "preferred_min_throughput": 50,
    }
    return _some(dice, 0.25, wishes)


def _rule(dice: Random) -> dict[str, Any]:
    caps = {key: dice.choice([0.1, 0.3, 0.45, 1, 2]) for key in ("prompt", "completion")}
    wishes = {
        "only": _entries(dice),
        "ignore": _entries(dice),
        "pin": _entries(dice),
        "order": _entries(dice),
        "allow_fallbacks": dice.random() < 0.5,
        "require_parameters": True,
        "data_collection": "deny",
        "zdr": True,
        "quantization_floor": dice.choice(["fp4", "int8", "fp8", "bf16"]),
        "unknown_quantization": dice.choice(["auto", "allow", "deny"]),
        "quantizations": dice.sample(LABELS, 4),
        "max_price": caps,
        "merge": dice.choice(["tighten", "replace", "fill"]),
    }
    return _some(dice, 0.2, wishes)


def _fields(dice: Random) -> dict[str, Any]:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    wishes = {
        "tools": dice.choice([[], [TOOL]]),
        "tool_choice": dice.choice(
            [*CHOICES[:3], {"type": "function", "function": {"name": "get_weather"}}]
        ),
        "temperature": dice.choice([0.5, None]),
        "logprobs": True,
        "response_format": dice.choice([{"type": "json_object"}, None]),
        "verbosity": "low",
        "max_tokens": dice.choice([5, 30, 500]),
        "service_tier": dice.choice(["auto", "default", "priority", "flex", "fast", "ultrafast"]),
        "modalities": dice.choice([["text"], ["text", "image"]]),
        "messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, picture]}],
    }
    return _some(dice, 0.15, wishes)
