"""The edge refuses what is malformed before anything is routed, and nothing makes it fall over."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.simulator.ask import read_ask
from app.simulator.catalog import Catalog
from app.simulator.frames import frames
from app.simulator.message_shapes import message_body
from app.simulator.naming import ROUTERS
from app.simulator.other_routes import read_json
from app.simulator.presets import Presets
from app.simulator.refusals import Refusal
from app.simulator.response_shapes import response_body
from app.simulator.router import Router
from app.simulator.shapes import chat_body
from app.simulator.switches import Switches
from app.simulator.tool_list import BY_TYPE
from app.simulator.validation import check_body
from tests.simulator.channels import MODELS, PRESETS
from tests.simulator.simulated import HELLO, NOW, TOOL, Simulated, endpoint, model

QUANTIZATIONS = (
    'Invalid option: expected one of "int4"|"int8"|"fp4"|"mxfp4"|"nvfp4"|"fp6"|"fp8"|"mxfp8"'
    '|"fp16"|"bf16"|"fp32"|"unknown"'
)


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ("deepinfra", "provider: Invalid input: expected object"),
        ([], "provider: Invalid input: expected object"),
        ({"extra_body": {}}, 'provider: Unrecognized key: "extra_body"'),
        ({"a": 1, "only": [], "b": 2}, 'provider: Unrecognized keys: "a", "b"'),
        ({"only": "deepinfra"}, "provider.only: Invalid input: expected array"),
        ({"order": ["a", 5]}, "provider.order.1: Invalid input: expected string"),
        ({"ignore": {}}, "provider.ignore: Invalid input: expected array"),
        ({"allow_fallbacks": "no"}, "provider.allow_fallbacks: Invalid input: expected boolean"),
        ({"zdr": 1}, "provider.zdr: Invalid input: expected boolean"),
        (
            {"data_collection": "denied"},
            'provider.data_collection: Invalid option: expected one of "deny"|"allow"',
        ),
        ({"quantizations": "fp8"}, "provider.quantizations: Invalid input: expected array"),
        ({"quantizations": ["fp8", "FP8"]}, f"provider.quantizations.1: {QUANTIZATIONS}"),
        ({"sort": "cheapest"}, "provider.sort: Invalid input"),
        ({"sort": {"by": "cheapest"}}, "provider.sort: Invalid input"),
        ({"sort": {"by": "price", "partition": []}}, "provider.sort: Invalid input"),
        ({"sort": {"by": "price", "order": "asc"}}, "provider.sort: Invalid input"),
        ({"max_price": 1}, "provider.max_price: Invalid input"),
        ({"max_price": {"cache_read": 1}}, "provider.max_price: Invalid input"),
        ({"max_price": {"prompt": "cheap"}}, "provider.max_price: Invalid input"),
        ({"max_price": {"prompt": "NaN"}}, "provider.max_price: Invalid input"),
        ({"max_price": {"prompt": True}}, "provider.max_price: Invalid input"),
        ({"preferred_min_throughput": "50"}, "provider.preferred_min_throughput: Invalid input"),
        ({"preferred_max_latency": {"p42": 1}}, "provider.preferred_max_latency: Invalid input"),
        ({"preferred_max_latency": {"p50": "1"}}, "provider.preferred_max_latency: Invalid input"),
        ({"options": []}, "provider.options: Invalid input: expected object"),
    ],
)
async def test_a_malformed_provider_object_gets_a_400_that_names_the_place(
    provider: Any, message: str
) -> None:
    reply = await Simulated().chat("qwen/qwen3-coder", provider=provider)
    assert reply.status_code == 400
    assert reply.json() == {"error": {"message": message, "code": 400}}


ALL_FIELDS: dict[str, Any] = {
    "only": ["deepinfra", "novita/fp8", "provider not named"],
    "order": ["novita", "nobody"],
    "ignore": ["nobody"],
    "allow_fallbacks": True,
    "require_parameters": False,
    "data_collection": "allow",
    "zdr": False,
    "enforce_distillable_text": False,
    "quantizations": ["fp4", "fp8", "unknown"],
    "max_price": {"prompt": "5", "completion": 9.5, "request": 1, "image": "1", "audio": 1},
    "sort": {"by": "price", "partition": "none"},
    "preferred_min_throughput": {"p50": 1, "p75": 1, "p90": 1, "p99": 1},
    "preferred_max_latency": 100,
    "options": {"novita": {"anything": [1]}},
}


@pytest.mark.parametrize("fields", [ALL_FIELDS, dict.fromkeys(ALL_FIELDS), {}, None])
async def test_every_documented_field_is_accepted_and_null_counts_as_absent(fields: Any) -> None:
    reply = await Simulated().chat("qwen/qwen3-coder", provider=fields)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "No models provided"),
        ({"model": 5}, "model: Invalid input: expected string"),
        ({"model": "acme/none"}, "acme/none is not a valid model ID"),
        ({"model": "qwen/qwen3-coder:turbo"}, "qwen/qwen3-coder:turbo is not a valid model ID"),
        ({"models": "x"}, "models: Invalid input: expected array"),
        ({"models": [1]}, "models.0: Invalid input: expected string"),
        ({"models": ["acme/none"]}, "acme/none is not a valid model ID"),
        ({"models": ["a"] * 4}, "'models' array must have 3 items or fewer."),
        ({"messages": "hi"}, "messages: Invalid input: expected array"),
        ({"tools": ["read"]}, "tools.0: Invalid input: expected object"),
        ({"fallbacks": [{"model": "a"}] * 4}, "'fallbacks' array must have 3 items or fewer."),
        (
            {"fallbacks": [{"model": "a", "provider": {}}]},
            'fallbacks.0: Unrecognized key: "provider"',
        ),
        ({"fallbacks": [5]}, "fallbacks.0.model: Invalid input: expected string"),
        (
            {"fallbacks": [{"model": "a"}], "models": ["b"]},
            "fallbacks: 'fallbacks' and 'models' can not be used together",
        ),
    ],
)
async def test_a_malformed_body_gets_a_400(changes: dict[str, Any], message: str) -> None:
    body = {"model": "qwen/qwen3-coder", "messages": HELLO, **changes}
    reply = await Simulated().post("/messages", body)
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, message)


async def test_unknown_top_level_keys_are_tolerated() -> None:
    reply = await Simulated().chat("qwen/qwen3-coder", extra_body={"provider": {"x": 1}}, foo=1)
    assert reply.status_code == 200


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b'"text"'])
def test_bytes_that_are_no_object_are_the_caller_s_fault(raw: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        check_body(read_json("", raw))
    assert refused.value.status == 400


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
anything = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
near_misses = st.dictionaries(
    st.sampled_from(
        [*ALL_FIELDS, "by", "partition", "p50", "prompt", "function", "name", "type", "model"]
    ),
    anything,
    max_size=3,
)
FIELDS = [
    "models",
    "fallbacks",
    "provider",
    "tools",
    "max_output_tokens",
    "tool_choice",
    "messages",
    "input",
    "prompt",
    "system",
    "instructions",
    "text",
    "response_format",
    "modalities",
    "service_tier",
    "max_tokens",
    "max_completion_tokens",
    "session_id",
    "prompt_cache_key",
    "stream",
    "plugins",
    "preset",
    "temperature",
    "metadata",
]
bodies = st.dictionaries(
    st.sampled_from(FIELDS), anything | near_misses | st.lists(near_misses, max_size=2), max_size=5
)


DIALECTS = ["chat", "completions", "responses", "messages", "embeddings", "images", "speech"]


@settings(max_examples=400, deadline=None)
@example({"input": True}, "chat")
@given(bodies, st.sampled_from(DIALECTS))
def test_any_json_object_is_served_or_refused_and_never_crashes(
    body: dict[str, Any], dialect: str
) -> None:
    catalog = Catalog([model(endpoint("novita"), endpoint("openai/flex"))])
    body = {"model": "acme/sim-1", "tools": [TOOL], **body}
    try:
        ask = read_ask(check_body(body), dialect, {}, catalog, Switches())
        routed = Router(catalog, seed=0, clock=lambda: NOW).route(ask)
    except Refusal as refusal:
        json.dumps(refusal.body())
        assert 400 <= refusal.status < 500  # noqa: PT017 - the only error there may be
    else:
        assert routed.completion.usage.cost >= 0


# --- tools, plugins, routers and presets of any shape -----------------------------------------

names = st.sampled_from(["acme/sim-1", "openrouter/auto", "~x", "@preset/big", "a@preset/off", ""])
inside = st.dictionaries(
    st.sampled_from(["model", "name", "tools", "analysis_models", "engine", "forward_transcript"]),
    anything | names | st.lists(names, max_size=2),
    max_size=3,
)
tools = st.fixed_dictionaries(
    {"type": st.sampled_from([*BY_TYPE, "function", "mcp"]) | anything},
    optional={"parameters": inside | anything, "model": names | anything, "function": inside},
)
plugins = st.fixed_dictionaries(
    {"id": st.sampled_from(["web", *(name for name, _ in ROUTERS.values())]) | anything},
    optional={
        "enabled": st.booleans(),
        "allowed_models": st.lists(names | st.just("*"), max_size=2) | anything,
        "excluded_models": st.lists(names, max_size=2) | anything,
        "models": st.lists(names, max_size=2) | anything,
        "analysis_models": st.lists(names, max_size=2) | anything,
        "model": names | anything,
        "judge_model": names | anything,
        "min_coding_score": anything,
        "max_price": anything,
    },
)
channels = st.fixed_dictionaries(
    {"model": names | st.sampled_from([*ROUTERS])},
    optional={
        "models": st.lists(names, max_size=3),
        "preset": names | st.sampled_from(["big", "helped", "off"]) | anything,
        "tools": st.lists(tools, max_size=2),
        "plugins": st.lists(plugins, max_size=2) | anything,
        "tool_choice": anything,
        "messages": st.just(HELLO) | anything,
    },
)


@settings(max_examples=500, deadline=None)
@given(
    body=channels,
    dialect=st.sampled_from(["chat", "responses", "messages", "videos"]),
    inherits=st.booleans(),
)
def test_tools_plugins_and_presets_of_any_shape_never_make_it_fall_over(
    body: dict[str, Any], dialect: str, *, inherits: bool
) -> None:
    catalog = Catalog([model(endpoint("novita")), *MODELS])
    presets = Presets(PRESETS)
    router = Router(catalog, seed=0, clock=lambda: NOW, presets=presets)
    switches = Switches(inner_inherits=inherits, tools_elsewhere="run")
    try:
        checked = check_body(body, dialect)
        find = presets.finder("any")
        ask = read_ask(checked, dialect, {}, catalog, switches, find=find)
        routed = router.route(ask)
    except Refusal as refusal:
        json.dumps(refusal.body())
        assert 400 <= refusal.status < 500  # noqa: PT017 - the only error there may be
        return
    whole = {"responses": response_body, "messages": message_body}.get(dialect, chat_body)
    json.dumps(whole(routed.ask, routed))
    if dialect != "videos":
        assert b"".join(frames(routed.ask, routed))
