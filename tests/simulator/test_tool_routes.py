"""GET /tools, and which route takes which tool (openrouter.md §A2.1, §A2.4, §A2.5)."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.simulator.tool_list import BY_TYPE, FORMATS, TOOLS, runs_on_a_server
from tests.simulator.shape import differences
from tests.simulator.simulated import HELLO, Simulated, endpoint, model

ADDITIONS = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"
CATALOG = json.loads((ADDITIONS / "tools_catalog.COMPOSED.json").read_text("utf-8"))
TYPES = json.loads((ADDITIONS / "server_side_tool_types.json").read_text("utf-8"))
_ROUTES = {"messages": "messages", "responses": "responses", "chat": "chat/completions"}


async def test_the_list_looks_as_composed_from_the_sdk() -> None:
    told = (await Simulated().get("/tools")).json()
    free = [f"$.data[].{name}" for name in ("input_schema", "output_schema", "parameters_schema")]
    assert not differences([CATALOG], told, free=[*free, "$.data[].engines[].pricing"])
    assert told["total_count"] == len(told["data"]) == len(TOOLS)
    search = next(item for item in told["data"] if item["id"] == "openrouter:web_search")
    was = CATALOG["data"][0]
    assert {each["type"] for each in was["aliases"]} <= {each["type"] for each in search["aliases"]}
    assert (search["default_engine"], search["fallback_engine"]) == ("native", "exa")
    assert {each["executed_by"] for each in search["engines"]} == {"provider", "openrouter"}


@pytest.mark.parametrize("item", CATALOG["data"], ids=lambda item: item["id"])
async def test_spellings_and_routes_are_as_composed(item: dict[str, Any]) -> None:
    told = (await Simulated().get(f"/tools/{item['id']}")).json()["data"]
    assert told["supported_api_formats"] == item["supported_api_formats"]
    spellings = {each["type"]: set(each["api_formats"]) for each in told["aliases"]}
    for alias in item["aliases"]:
        assert spellings[alias["type"]] == set(alias["api_formats"])


@pytest.mark.parametrize("name", ["openrouter:advisor", "advisor_20260301"])
async def test_a_tool_is_found_by_any_of_its_spellings(name: str) -> None:
    told = (await Simulated().get(f"/tools/{name}")).json()["data"]
    assert told["id"] == "openrouter:advisor"
    assert told["native_support"]["models"] == []


async def test_an_unknown_tool_is_a_404() -> None:
    reply = await Simulated().get("/tools/openrouter:oracle")
    assert (reply.status_code, reply.json()["error"]["message"]) == (404, "Resource not found")


@pytest.mark.parametrize("wanted", FORMATS.values())
async def test_the_list_can_be_for_one_route(wanted: str) -> None:
    told = (await Simulated().get(f"/tools?api_format={wanted}")).json()
    assert {item["id"] for item in told["data"]} == {
        tool.id for tool in TOOLS if wanted in tool.formats
    }
    assert 0 < told["total_count"] < len(TOOLS)
    assert (await Simulated().get("/tools?api_format=grpc")).status_code == 400


async def test_pages_make_the_whole_list() -> None:
    sim, path = Simulated(), "/tools?limit=2&api_format=anthropic-messages"
    seen: list[str] = []
    while path:
        page = (await sim.get(path.removeprefix("/api/v1"))).json()
        seen += [item["id"] for item in page["data"]]
        path = page["links"]["next"]
    assert seen == [tool.id for tool in TOOLS if "anthropic-messages" in tool.formats]


@pytest.mark.parametrize("path", ["/tools", "/tools/openrouter:bash"])
async def test_whether_tools_need_a_key_is_a_switch(path: str) -> None:
    keyless = {"authorization": ""}
    assert (await Simulated().get(path, keyless)).status_code == 401
    assert (await Simulated(tools_need_key=False).get(path, keyless)).status_code == 200


async def test_endpoints_that_have_a_tool_of_their_own_are_counted(tmp_path: Path) -> None:
    native = {"openrouter:web_search": {"type": "web_search_20260209"}}
    rows = [endpoint("anthropic", native_tools=native), endpoint("azure")]
    sim = Simulated(tmp_path, model(*rows))
    told = (await sim.get("/tools/web_search")).json()["data"]["native_support"]
    assert told == {
        "endpoint_count": 1,
        "model_count": 1,
        "models": [{"slug": "acme/sim-1", "providers": ["anthropic"]}],
    }


# --- where tools run and are taken ------------------------------------------------------------


@pytest.mark.parametrize("route", ["messages", "responses"])
def test_tools_run_where_the_sdk_s_unions_say(route: str) -> None:
    for told in TYPES[route]:
        kind = told["type"] and told["type"].replace("*", "20260101")
        if kind in {"tool_search_tool_bm2520260101", "tool_search_tool_regex20260101"}:
            kind = kind.removesuffix("20260101")
        if told["executes"] == "depends":
            assert runs_on_a_server({"type": kind, "parameters": {"engine": "openrouter"}})
            assert not runs_on_a_server({"type": kind})
        else:
            assert runs_on_a_server({"type": kind}) == (told["executes"] == "server"), kind


def test_a_tool_is_taken_on_the_routes_whose_union_holds_it() -> None:
    for route in ("messages", "responses"):
        listed = {told["type"] for told in TYPES[route]}
        for kind, tool in BY_TYPE.items():
            if kind in listed:
                assert FORMATS[route] in tool.spellings[kind], (route, kind)
    for kind in TYPES["chat_shorthands_for_openrouter_web_search"]:
        assert FORMATS["chat"] in BY_TYPE[kind].spellings[kind]


@pytest.mark.parametrize(
    ("kind", "route", "taken"),
    [
        ("openrouter:bash", "messages", True),
        ("openrouter:bash", "chat", False),
        ("openrouter:bash", "responses", False),
        ("openrouter:shell", "messages", True),
        ("openrouter:shell", "responses", True),
        ("openrouter:shell", "chat", False),
        ("openrouter:subagent", "messages", False),
        ("web_search_20260209", "chat", False),
        ("unheard_of", "chat", True),
    ],
)
async def test_a_tool_on_another_route_is_refused(kind: str, route: str, *, taken: bool) -> None:
    body = {"model": "x-ai/grok-4", "messages": HELLO, "input": "hi", "tools": [{"type": kind}]}
    reply = await Simulated().post(f"/{_ROUTES[route]}", body)
    assert reply.status_code == (200 if taken else 400), reply.text
    lenient = await Simulated(tools_elsewhere="run").post(f"/{_ROUTES[route]}", body)
    assert lenient.status_code == 200


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        (
            [{"type": "openrouter:fusion", "parameters": {"analysis_models": ["a"] * 9}}],
            "tools.0.parameters.analysis_models: Too big: expected array to have <=8 items",
        ),
        (
            [{"type": "openrouter:advisor"}, {"type": "openrouter:advisor", "parameters": {}}],
            "tools: names of openrouter:advisor must be unique; one may have none",
        ),
        (
            [{"type": "openrouter:subagent", "parameters": {"name": n}} for n in ("a", " a")],
            "tools: names of openrouter:subagent must be unique; one may have none",
        ),
    ],
)
async def test_tools_that_hold_models_are_checked(tools: list[Any], message: str) -> None:
    reply = await Simulated().chat("x-ai/grok-4", tools=tools)
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, message)


async def test_anthropic_s_advisor_needs_its_model() -> None:
    body = {"model": "x-ai/grok-4", "messages": HELLO, "tools": [{"type": "advisor_20260301"}]}
    reply = await Simulated().post("/messages", body)
    message = "tools.0.model: Invalid input: expected string"
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, message)
