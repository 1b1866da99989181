"""Models that tools call: which, where, whose preferences (openrouter.md §A2.2, §A2.3)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.channels import MODELS
from tests.simulator.simulated import (
    HELLO,
    METADATA,
    TOOL,
    Simulated,
    endpoint,
    events,
    everyone_fails,
    model,
)

ADDITIONS = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"
REQUESTS = json.loads((ADDITIONS / "inner_models_requests.COMPOSED.json").read_text("utf-8"))
ADVISED = json.loads((ADDITIONS / "messages_advisor.COMPOSED.json").read_text("utf-8"))
NAMES = ("big", "mini", "other", "paint", "judge", "a", "b", "old-1")
WORLD = [model(endpoint("deepinfra", "fp8"), id=f"acme/{name}") for name in NAMES]
WORLD += [model(endpoint("openai"), id="openai/gpt-5-image")]
PANEL = ("acme/a", "acme/b", "acme/other")


def sim(folder: Path, **switches: Any) -> Simulated:
    return Simulated(folder, *WORLD, default_panel=PANEL, **switches)


@pytest.mark.parametrize("case", REQUESTS["cases"], ids=lambda case: str(case["expected"]))
async def test_every_model_that_a_request_carries_is_reached(
    case: dict[str, Any], tmp_path: Path
) -> None:
    """The composed requests: what must be found in them is what the router really runs."""
    simulated = sim(tmp_path, advisor_choice="acme/judge")
    reply = await simulated.post(case["route"], case["body"])
    reached = {name for name, _, _ in simulated.reached()}
    if reply.status_code == 400:
        assert case["expected"] == ["<unknown: stored template>"]
        return
    meant = {
        "<chosen at run time>": {"acme/judge"},
        "<default panel>": {*PANEL},
        "acme/* minus acme/old*": {f"acme/{name}" for name in NAMES} - {"acme/old-1"},
        "acme/* (ignored when nothing matches)": {f"acme/{name}" for name in NAMES},
    }
    exactly = {name for name in case["expected"] if name not in meant}
    some_of = [meant[name] for name in case["expected"] if name in meant]
    if case["body"].get("models"):  # a router that picks one of them
        assert {"acme/judge"} < reached < exactly
    elif some_of and len(reached) == 1:
        assert reached <= some_of[0]
    else:
        assert reached == exactly.union(*some_of)


def subagent(name: str = "acme/mini", **more: Any) -> dict[str, Any]:
    return {"type": "openrouter:subagent", "parameters": {"model": name, **more}}


ADVISOR = {"type": "openrouter:advisor", "parameters": {"model": "acme/mini"}}
FUSION = {
    "type": "openrouter:fusion",
    "parameters": {"analysis_models": ["acme/mini"], "model": "acme/mini"},
}
PAINTER = {"type": "openrouter:image_generation", "parameters": {"model": "acme/mini"}}
EVERY_CARRIER = [subagent(), ADVISOR, FUSION, PAINTER]


@pytest.mark.parametrize("tool", EVERY_CARRIER, ids=lambda tool: tool["type"])
@pytest.mark.parametrize("inherits", [True, False])
async def test_whether_a_call_inherits_the_preferences_is_a_switch(
    tool: dict[str, Any], tmp_path: Path, *, inherits: bool
) -> None:
    simulated = Simulated(tmp_path, *MODELS, inner_inherits=inherits)
    for _ in range(12):
        await simulated.chat("acme/big", tools=[tool], provider={"only": ["baseten"]})
    outer = {tag for _, tag, why in simulated.reached() if why == "outer"}
    inner = {tag for _, tag, why in simulated.reached() if why == "inner"}
    assert outer == {"baseten"}
    assert (inner == {"baseten"}) == inherits
    assert inner


async def test_a_call_of_anthropic_s_advisor_is_no_different(tmp_path: Path) -> None:
    tool = {"type": "advisor_20260301", "name": "advisor", "model": "acme/judge"}
    body: dict[str, Any] = {"model": "acme/mini", "messages": HELLO, "tools": [tool]}
    body["provider"] = {"only": ["baseten"]}
    for inherits, tags in ((True, {"baseten"}), (False, {"baseten", "azure"})):
        simulated = Simulated(tmp_path, *MODELS, inner_inherits=inherits)
        for _ in range(12):
            await simulated.post("/messages", body)
        assert {tag for _, tag, why in simulated.reached() if why == "inner"} == tags


async def test_each_reached_endpoint_says_for_which_request_and_by_which_carrier(
    tmp_path: Path,
) -> None:
    simulated = sim(tmp_path)
    await simulated.chat("acme/big")
    await simulated.chat("acme/big", tools=[subagent(tools=[PAINTER])])
    told = [(each.request, each.why, each.carrier, each.model) for each in simulated.router.reached]
    assert told == [
        (1, "outer", "", "acme/big"),
        (2, "outer", "", "acme/big"),
        (2, "inner", "tools.openrouter:subagent", "acme/mini"),
        (2, "inner", "tools.openrouter:image_generation", "acme/mini"),
    ]


async def test_a_failed_attempt_inside_is_noted_too(tmp_path: Path) -> None:
    rows = [endpoint("a"), endpoint("b")]
    simulated = Simulated(tmp_path, model(*rows, id="acme/mini"), model(endpoint("c")))
    reply = await simulated.chat(tools=[subagent()], simulate=everyone_fails(["a", "b"], 429))
    assert reply.status_code == 200, "the tool's result tells the error"
    inside = [(each.tag, each.status) for each in simulated.router.reached if each.why == "inner"]
    assert sorted(inside) == [("a", 429), ("b", 429)]
    (record,) = reply.json()["choices"][0]["message"]["reasoning_details"]
    assert record["result"] == "Error 429: Provider returned error"


async def test_the_cheapest_test_of_inheritance_finds_its_404_in_the_tool_s_result(
    tmp_path: Path,
) -> None:
    """A host that does not serve the inner model, as openrouter.md §A11 proposes."""
    simulated = Simulated(tmp_path, *MODELS, inner_inherits=True)
    only = {"only": ["fireworks"]}
    reply = await simulated.chat("acme/big", tools=[ADVISOR], provider=only)
    (record,) = reply.json()["choices"][0]["message"]["reasoning_details"]
    assert record["result"].startswith("Error 404: No allowed providers are available")
    reply = await simulated.chat(
        "acme/big", tools=[ADVISOR], provider=only, simulate={"inner_inherits": False}
    )
    (record,) = reply.json()["choices"][0]["message"]["reasoning_details"]
    assert record["result"].startswith("This is a simulated answer")


async def test_an_inner_model_that_does_not_exist_leaves_the_answer_alone(tmp_path: Path) -> None:
    reply = await sim(tmp_path).chat("acme/big", tools=[subagent("acme/none")])
    (record,) = reply.json()["choices"][0]["message"]["reasoning_details"]
    assert record["result"] == "Error 400: acme/none is not a valid model ID"


async def test_tool_choice_none_and_other_routes_call_nothing(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    await simulated.chat("acme/big", tools=[ADVISOR], tool_choice="none")
    await simulated.post("/embeddings", {"model": "acme/big", "input": "x", "tools": [ADVISOR]})
    assert {why for _, _, why in simulated.reached()} == {"outer"}


async def test_calls_within_calls_end(tmp_path: Path) -> None:
    tool = subagent()
    for _ in range(6):
        tool = subagent(tools=[tool])
    simulated = sim(tmp_path)
    await simulated.chat("acme/big", tools=[tool])
    assert simulated.reached() == [
        ("acme/big", "deepinfra", "outer"),
        *[("acme/mini", "deepinfra", "inner")] * 3,
    ]


async def test_the_executing_model_may_name_its_advisor_s_model(tmp_path: Path) -> None:
    unfixed = {"type": "openrouter:advisor"}
    for choice, advisor in (("", "acme/big"), ("acme/judge", "acme/judge")):
        simulated = sim(tmp_path, advisor_choice=choice)
        await simulated.chat("acme/big", tools=[unfixed, {**ADVISOR, "parameters": {"name": "n"}}])
        await simulated.chat("acme/big", tools=[ADVISOR])
        inner = [name for name, _, why in simulated.reached() if why == "inner"]
        assert inner == [advisor, advisor, "acme/mini"]


async def test_an_advisor_may_get_the_whole_conversation(tmp_path: Path) -> None:
    long = [{"role": "user", "content": "x" * 4000}]
    costs = []
    for forwards in (False, True):
        parameters = {"model": "acme/mini", "forward_transcript": forwards}
        simulated = sim(tmp_path)
        reply = await simulated.chat(
            "acme/big", messages=long, tools=[{**ADVISOR, "parameters": parameters}]
        )
        costs.append(reply.json()["usage"]["cost"])
    assert costs[1] > costs[0]


# --- what answers show ------------------------------------------------------------------------


async def test_a_message_shows_its_advisor_as_composed(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    told = (await simulated.post("/messages", ADVISED["request"])).json()
    was = ADVISED["response"]
    for block, composed in zip(told["content"], was["content"], strict=True):
        assert {**composed, **block}.keys() == composed.keys()
        assert block["type"] == composed["type"]
    assert told["content"][1]["tool_use_id"] == told["content"][0]["id"]
    shown, composed = told["usage"]["iterations"], was["usage"]["iterations"]
    assert [each["type"] for each in shown] == [each["type"] for each in composed]
    assert shown[1]["model"] == "acme/big"
    assert shown[1]["output_tokens"] > 0
    stream = await simulated.post("/messages", {**ADVISED["request"], "stream": True})
    frames = list(events(stream.text))
    starts = [frame["content_block"] for frame in frames if frame["type"] == "content_block_start"]
    assert [each["type"] for each in starts] == ["server_tool_use", "advisor_tool_result", "text"]
    indices = [frame["index"] for frame in frames if frame["type"] == "content_block_start"]
    assert indices == [0, 1, 2]
    (delta,) = [frame for frame in frames if frame["type"] == "message_delta"]
    assert [each["type"] for each in delta["usage"]["iterations"]] == [
        "message",
        "advisor_message",
        "message",
    ]


@pytest.mark.parametrize(
    ("tool", "kind", "models"),
    [
        (ADVISOR, "openrouter:advisor", ["acme/mini"]),
        (subagent(), "openrouter:subagent", ["acme/mini"]),
        (FUSION, "openrouter:fusion", ["acme/mini", "acme/mini"]),
        (PAINTER, "openrouter:image_generation", ["acme/mini"]),
        ({"type": "image_generation", "model": "acme/paint"}, "image_generation_call", [None]),
    ],
)
async def test_a_response_has_an_output_item_for_each_call(
    tool: dict[str, Any], kind: str, models: list[str | None], tmp_path: Path
) -> None:
    simulated = sim(tmp_path)
    body = {"model": "acme/big", "input": "hi", "tools": [tool]}
    told = (await simulated.post("/responses", body)).json()
    items = [item for item in told["output"] if item["type"] == kind]
    assert [item.get("model") for item in items] == models
    assert {item["status"] for item in items} == {"completed"}
    assert told["usage"]["server_tool_use_details"] == {
        "tool_calls_requested": 1,
        "tool_calls_executed": 1,
    }
    stream = await simulated.post("/responses", {**body, "stream": True})
    frames = list(events(stream.text))
    done = [frame["item"] for frame in frames if frame["type"] == "response.output_item.done"]
    assert [item["type"] for item in done].count(kind) == len(models)
    assert frames[-1]["response"]["output"] == done


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("record", ["details", "counts"])
async def test_a_chat_shows_counts_and_records_as_the_switch_has_it(
    record: str, tmp_path: Path, *, stream: bool
) -> None:
    simulated = sim(tmp_path, server_tool_record=record)
    tools = [ADVISOR, {"type": "openrouter:web_search"}, TOOL]
    reply = await simulated.chat("acme/big", tools=tools, stream=stream)
    bodies = [*events(reply.text)] if stream else [reply.json()]
    (usage,) = [body["usage"] for body in bodies if body.get("usage")]
    assert usage["server_tool_use_details"] == {
        "web_search_requests": 1,
        "tool_calls_requested": 2,
        "tool_calls_executed": 2,
    }
    part = "delta" if stream else "message"
    details = [
        each
        for body in bodies
        for choice in body["choices"]
        for each in choice[part].get("reasoning_details", [])
    ]
    assert [each["type"] for each in details] == ["reasoning.server_tool_call"] * (
        record == "details"
    )
    assert "acme/mini" not in str(details), "they name no model"


async def test_the_cost_of_inner_calls_is_part_of_the_bill(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    alone = (await simulated.chat("acme/big")).json()["usage"]
    reply = await simulated.chat("acme/big", tools=[ADVISOR])
    told = reply.json()["usage"]
    assert told["cost"] > alone["cost"]
    details = told["cost_details"]
    assert told["cost"] == details["upstream_inference_cost"]
    own = ("upstream_inference_prompt_cost", "upstream_inference_completions_cost")
    assert sum(details[name] for name in own) == pytest.approx(alone["cost"])
    simulated.clock.now += 10
    record = (await simulated.get(f"/generation?id={reply.json()['id']}")).json()["data"]
    assert record["total_cost"] == told["cost"]


async def test_inner_calls_misreport_the_provider_but_not_the_metadata(tmp_path: Path) -> None:
    reply = (await sim(tmp_path).chat("acme/big", tools=[ADVISOR], headers=METADATA)).json()
    assert reply["provider"] == "OpenAI"
    assert reply["openrouter_metadata"]["endpoints"]["available"] == [
        {"provider": "Deepinfra", "model": "acme/big-20261001", "selected": True}
    ]


async def test_the_same_seed_serves_inner_calls_alike(tmp_path: Path) -> None:
    async def play() -> list[tuple[str, str, str]]:
        simulated = Simulated(tmp_path, *MODELS)
        for tool in EVERY_CARRIER:
            await simulated.chat("acme/big", tools=[tool])
        return simulated.reached()

    assert await play() == await play()
