"""Every switch (openrouter.md §7) does what it says, for all requests or for one."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.simulator import Switches
from tests.simulator.simulated import METADATA, Simulated, endpoint, events, model

ROWS = model(
    endpoint("novita/fp8", "fp8", prompt="0.0000005", provider_name="Novita"),
    endpoint("novita/fp4", "fp4", prompt="0.0000004", provider_name="Novita"),
    endpoint("groq/mxfp8", "mxfp8", provider_name="Groq"),
    endpoint("nvidia/nvfp4", "nvfp4", provider_name="Nvidia"),
)
EVERY = {row["tag"] for row in ROWS["endpoints"]}
ASKING = {"only": ["novita", "groq", "nvidia"]}
# By name and position of a switch: the preferences, and who may serve with it off and on.
ROUTING: list[tuple[dict[str, Any], dict[str, Any], set[str], set[str]]] = [
    ({"display_names_match": True}, {"ignore": ["Novita", "NVIDIA"]}, EVERY, {"groq/mxfp8"}),
    (
        {"max_price_strict": True},
        {**ASKING, "max_price": {"prompt": 0.5}},
        {"novita/fp8", "novita/fp4"},
        {"novita/fp4"},
    ),
    (
        {"families_expand": True},
        {"quantizations": ["fp8"]},
        {"novita/fp8"},
        {"novita/fp8", "groq/mxfp8"},
    ),
    (
        {"families_expand": True},
        {"quantizations": ["fp4"]},
        {"novita/fp4"},
        {"novita/fp4", "nvidia/nvfp4"},
    ),
    (
        {"drift": {"novita/fp8": "unknown"}},
        {"quantizations": ["fp8", "mxfp8"]},
        {"novita/fp8", "groq/mxfp8"},
        {"groq/mxfp8"},
    ),
]


@pytest.mark.parametrize(("switched", "provider", "off", "on"), ROUTING)
async def test_a_routing_switch_changes_who_may_serve(
    switched: dict[str, Any],
    provider: dict[str, Any],
    off: set[str],
    on: set[str],
    tmp_path: Path,
) -> None:
    plain = Simulated(tmp_path, ROWS)
    assert await _may_serve(plain, provider) == off
    assert await _may_serve(plain, provider, switched) == on, "for one request"
    assert await _may_serve(Simulated(tmp_path, ROWS, **switched), provider) == on, "for all"


async def _may_serve(
    simulated: Simulated, provider: dict[str, Any], switches: dict[str, Any] | None = None
) -> set[str]:
    reply = await simulated.chat(provider=provider, simulate=switches or {})
    _, routed, _ = simulated.router.served[reply.json()["id"]]
    return {row.tag for row in routed.available}


@pytest.mark.parametrize(
    "provider",
    [
        {"quantizations": ["fp8"]},
        {"only": ["novita/fp8"]},
        {"ignore": ["novita", "nvidia"]},
        {"order": ["novita/fp8"], "allow_fallbacks": False},
        {"max_price": {"prompt": 0.45}},
    ],
)
async def test_a_disobedient_router_serves_whom_the_preferences_exclude(
    provider: dict[str, Any], tmp_path: Path
) -> None:
    simulated = Simulated(tmp_path, ROWS)
    admitted = await _may_serve(simulated, provider)
    for _ in range(10):
        tag = await simulated.served_by(provider=provider, simulate={"disobey": True})
        assert tag not in admitted


async def test_the_provider_field_can_be_missing() -> None:
    simulated = Simulated(provider_field="missing")
    whole = (await simulated.chat("x-ai/grok-4")).json()
    frames = list(events((await simulated.chat("x-ai/grok-4", stream=True)).text))
    assert not [body for body in [whole, *frames] if "provider" in body]


@pytest.mark.parametrize(
    ("misreport", "fields", "named"),
    [
        (True, {"tools": [{"type": "openrouter:web_search"}]}, "OpenAI"),
        (False, {"tools": [{"type": "openrouter:web_search"}]}, "xAI"),
        (True, {"tools": [{"type": "web_search_preview"}]}, "OpenAI"),
        (True, {"model": "x-ai/grok-4:online"}, "OpenAI"),
        (True, {"plugins": [{"id": "web"}]}, "OpenAI"),
    ],
)
async def test_server_tools_can_misreport_the_provider_but_not_the_metadata(
    fields: dict[str, Any], named: str, *, misreport: bool
) -> None:
    simulated = Simulated(server_tools_misreport=misreport)
    body = (await simulated.chat("x-ai/grok-4", **fields, headers=METADATA)).json()
    assert body["provider"] == named
    assert body["openrouter_metadata"]["endpoints"]["available"][0]["provider"] == "xAI"
    assert "server_tool_use_details" in body["usage"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_header_can_name_the_provider(*, stream: bool) -> None:
    simulated = Simulated()
    told = {"provider_header": True}
    with_it = await simulated.chat("x-ai/grok-4", stream=stream, simulate=told)
    assert with_it.headers["x-provider-name"] == "xAI"
    assert "x-provider-name" not in (await simulated.chat("x-ai/grok-4", stream=stream)).headers


@pytest.mark.parametrize(("position", "frame"), [("usage", -1), ("own", -2), ("first", 0)])
async def test_metadata_can_come_on_any_frame(position: str, frame: int) -> None:
    reply = await Simulated(metadata_frame=position).chat(
        "x-ai/grok-4", stream=True, headers=METADATA
    )
    frames = list(events(reply.text))
    assert [n for n, body in enumerate(frames) if "openrouter_metadata" in body] == [
        frame % len(frames)
    ]
    assert ("usage" in frames[frame]) == (position == "usage")


async def test_a_listing_read_anew_can_show_other_labels(tmp_path: Path) -> None:
    moved = {"novita/fp8": "fp4"}
    simulated = Simulated(tmp_path, ROWS, relisted=moved, drift=moved)
    seen = [await _labels(simulated) for _ in range(3)]
    assert [labels["novita/fp8"] for labels in seen] == ["fp8", "fp4", "fp4"]
    assert {**seen[0], **moved} == seen[1] == seen[2]
    assert await _may_serve(simulated, {"quantizations": ["fp4"]}) == {"novita/fp4", "novita/fp8"}


async def _labels(simulated: Simulated) -> dict[str, str]:
    told = (await simulated.get("/models/acme/sim-1/endpoints")).json()["data"]["endpoints"]
    return {row["tag"]: row["quantization"] for row in told}


@pytest.mark.parametrize(
    ("position", "told"),
    [
        ("permaslug", {"model": "acme/sim-1-20261001"}),
        ("id", {"model": "acme/sim-1"}),
        ("nothing", {}),
    ],
)
async def test_attempts_can_name_their_model_in_three_ways(
    position: str, told: dict[str, str], tmp_path: Path
) -> None:
    """Also those at a model that did not answer in the end."""
    other = model(endpoint("xai"), id="x-ai/grok-4")
    fail = {"fail": {"novita": 429, "groq": 429, "nvidia": 502}, "attempts_name": position}
    both: dict[str, Any] = {"models": ["x-ai/grok-4"], "headers": METADATA}
    served = await Simulated(tmp_path, ROWS, other).chat(**both, simulate=fail)
    *failed, last = served.json()["openrouter_metadata"]["attempts"]
    assert len(failed) == 4
    for attempt in failed:
        assert attempt == {"provider": attempt["provider"], "status": attempt["status"], **told}
    assert last.get("model", "").startswith("x-ai/grok-4" if told else "")
    offered = served.json()["openrouter_metadata"]["endpoints"]["available"]
    assert offered[0]["model"] == ("x-ai/grok-4" if position == "id" else "x-ai/grok-4-20261001")

    nobody = {**fail, "fail": {**fail["fail"], "xai": 503}, "errors_name": position}  # type: ignore[dict-item]
    error = (await Simulated(tmp_path, ROWS, other).chat(**both, simulate=nobody)).json()["error"]
    previous = error["metadata"]["previous_errors"]
    assert [{k: v for k, v in each.items() if k == "model"} for each in previous] == [told] * 4


async def test_generation_records_take_as_long_as_the_switch_says() -> None:
    simulated = Simulated(generation_delay=3)
    identity = (await simulated.chat("x-ai/grok-4")).json()["id"]
    path = f"/generation?id={identity}"
    at_once = {"X-OpenRouter-Simulate": '{"generation_delay": 0}'}
    simulated.clock.now += 2.9
    assert (await simulated.get(path)).status_code == 404
    assert (await simulated.get(path, at_once)).status_code == 200
    simulated.clock.now += 0.2
    assert (await simulated.get(path)).status_code == 200


@pytest.mark.parametrize("html", [True, False])
async def test_a_wrong_path_gets_a_page_or_json(*, html: bool) -> None:
    told = {"X-OpenRouter-Simulate": json.dumps({"html_404": html})}
    for simulated, headers in [(Simulated(html_404=html), {}), (Simulated(), told)]:
        reply = await simulated.get("/anthropic/v1/messages", headers)
        assert reply.status_code == 404
        assert reply.headers["content-type"].startswith("text/html" if html else "application/json")


@pytest.mark.parametrize(
    "told",
    [
        '{"usage_chunck": "a"}',
        '{"usage_chunk": "d"}',
        '{"comments": "many"}',
        '{"disobey": 1}',
        '{"fail": {"a": "429"}}',
        '{"fail": []}',
        '{"drift": {"a": 1}}',
        '{"byok": "novita"}',
        '{"byok": [1]}',
        '{"error_in_200": "page"}',
        "[]",
        "{",
    ],
)
@pytest.mark.parametrize("path", ["/chat/completions", "/models", "/nowhere"])
async def test_a_wrong_switch_is_told_to_who_set_it(told: str, path: str) -> None:
    headers = {"X-OpenRouter-Simulate": told}
    simulated = Simulated()
    if path == "/chat/completions":
        reply = await simulated.chat("x-ai/grok-4", headers=headers)
    else:
        reply = await simulated.get(path, headers)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"]


def test_each_switch_takes_its_own_default() -> None:
    defaults = dataclasses.asdict(Switches())
    assert Switches().overridden(defaults) == Switches()
    assert Switches().overridden({"generation_delay": 3}).generation_delay == 3
    assert Switches().overridden({"byok": ["novita"]}).byok == ("novita",)


async def test_one_request_s_switches_leave_the_next_alone() -> None:
    simulated = Simulated()
    await simulated.chat("x-ai/grok-4", simulate={"provider_field": "missing"})
    assert (await simulated.chat("x-ai/grok-4")).json()["provider"] == "xAI"


def test_every_switch_is_documented_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \|", page, flags=re.MULTILINE))
    defaults = dataclasses.asdict(Switches())
    assert {name: json.loads(value) for name, value in told.items()} == json.loads(
        json.dumps(defaults)
    )
