"""What a request's tools and plugins carry: models, doubts, and work on other servers."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.catalog import EMPTY
from app.catalog.server_tools import NO_LIST, SHIPPED, read_server_tools
from app.policy.carriers import Carried, carried
from app.policy.request import Request, read_request
from app.policy.routed import routed
from tests.policy.json_texts import BOUNDED
from tests.policy.sending import book_of

ADDITIONS = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"


def fixture(name: str) -> Any:
    return json.loads((ADDITIONS / name).read_text(encoding="utf-8"))


def read(**fields: Any) -> Request:
    return read_request(json.dumps({"model": "a/b", **fields}).encode())


def of(**fields: Any) -> Carried:
    return carried(read(**fields).fields)


@pytest.mark.parametrize("case", fixture("inner_models_requests.COMPOSED.json")["cases"])
def test_t57_models_named_inside_are_found(case: dict[str, Any]) -> None:
    """Recorded cases (openrouter.md §A2.2); no request names what they call `<...>`: a doubt."""
    body, expected = case["body"], case["expected"]
    if "model" not in body:
        pytest.skip("a stored template: a field of its own, not a tool")
    named = [name for name in expected if "*" not in name and not name.startswith("<")]
    asked = {body["model"], *body.get("models", ())}
    found = carried(read(**body).fields)
    assert set(found.models) - asked == set(named) - asked
    unsure = any(name.startswith("<") for name in expected)
    assert bool(found.doubts) == unsure


@pytest.mark.parametrize("route", ["messages", "responses"])
def test_where_each_documented_tool_runs(route: str) -> None:
    for row in fixture("server_side_tool_types.json")[route]:
        kind = row["type"] and row["type"].replace("*", "20251111")
        expected = "depends" if row["executes"] == "depends" else row["executes"]
        assert NO_LIST.runs(kind) == expected, kind


@pytest.mark.parametrize(
    ("kind", "runs"),
    [
        (None, "client"),
        ("function", "client"),
        ("computer_20250124", "client"),
        ("web_search_20250305", "server"),
        ("code_execution_20260120", "server"),
        ("mcp_toolset", "server"),
        ("hosted_thing", None),
        ("openrouter:new", None),
    ],
)
def test_where_a_tool_runs_by_the_table(kind: str | None, runs: str | None) -> None:
    assert NO_LIST.runs(kind) == runs


def test_openrouters_own_list_goes_before_the_table() -> None:
    listed = read_server_tools(fixture("tools_catalog.COMPOSED.json")["data"])
    assert listed.runs("advisor_20260301") == listed.runs("web_search_preview") == "server"
    engines = [{"executed_by": "client"}, {"executed_by": "openrouter"}]
    rows = [
        {"id": "openrouter:new", "engines": engines[1:]},
        {"id": "openrouter:mine", "aliases": [{"type": "mine_1"}, 5], "engines": engines[:1]},
        {"id": "openrouter:either", "engines": engines},
        {"id": "openrouter:untold"},
        {"id": 5},
        "rubbish",
    ]
    told = read_server_tools(rows)
    runs = {kind: told.runs(kind) for kind in ("openrouter:new", "mine_1", "openrouter:either")}
    assert runs == {"openrouter:new": "server", "mine_1": "client", "openrouter:either": "depends"}
    assert told.runs("openrouter:untold") == "server"
    assert read_server_tools("rubbish") == NO_LIST
    assert EMPTY.with_server_tools(rows).server_tools == told


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"plugins": []}, False),
        ({"plugins": None}, False),
        ({"plugins": [{"id": "web"}]}, True),
        ({"plugins": [{"id": "web", "enabled": False}]}, False),
        ({"plugins": [{"id": "response-healing"}]}, False),
        ({"plugins": [{"id": "never-heard-of"}]}, True),
        ({"plugins": [{"id": 5}, 7]}, False),
        ({"tools": [{"type": "openrouter:web_search"}]}, True),
        ({"tools": [{"type": "function"}, {"type": "openrouter:datetime"}]}, True),
        ({"tools": [{"type": "function", "function": {"name": "openrouter:x"}}]}, False),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, True),
        ({"tools": [{"type": "code_interpreter"}]}, True),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, False),
        ({"tools": [{"type": "openrouter:bash"}]}, False),
        ({"tools": [{"type": "openrouter:bash", "parameters": {"engine": "openrouter"}}]}, True),
        ({"tools": [{"type": 5}, "openrouter:x"]}, False),
        ({"tools": "openrouter:x"}, False),
        ({"tools": None}, False),
        ({"tools": {"type": "openrouter:x"}}, False),
        ({"mcp_servers": [{"url": "https://x"}]}, True),
        ({"mcp_servers": []}, False),
    ],
)
def test_what_runs_on_other_servers_is_noticed(fields: dict[str, Any], *, expected: bool) -> None:
    assert of(**fields).server_tools is expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [("a/b:online", True), ("a/b:Online @preset/x", True), ("a/b:nitro", False), ("a/b", False)],
)
def test_online_is_a_server_tool(model: str, *, expected: bool) -> None:
    for fields in ({"model": model}, {"models": [model]}):
        request = read_request(json.dumps({"model": "a/b", **fields}).encode())
        found = routed(book_of(), request, caller=None, user_agent="", catalog=EMPTY)
        assert found.server_tools is expected


@pytest.mark.parametrize(
    "tools",
    [
        rb'[{"type":"\u006fpenrouter:web_search"}]',
        rb'[{"type":"function","description":"\ud83d"},{"type":"openrouter:web_search"}]',
        rb'[5,{"type":"openrouter:web_search"}]',
        b'[{"type":"openrouter:web_search"},' + b"[" * 300 + b"]" * 300 + b"]",
    ],
)
def test_a_tool_is_noticed_however_it_is_spelled(tools: bytes) -> None:
    request = read_request(b'{"model":"a/b","tools":' + tools + b"}")

    def look(frames: int) -> bool:
        return look(frames - 1) if frames else carried(request.fields).server_tools

    assert look(0)
    assert look(sys.getrecursionlimit() - 250)


def test_what_can_not_be_read_is_doubted() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    for field in (b"tools", b"plugins"):
        found = carried({field.decode(): msgspec.Raw(deep)})
        assert found.server_tools
        assert found.doubts[0].carrier == field.decode()


def test_t57_tools_within_tools_are_read_to_a_depth() -> None:
    inner: dict[str, Any] = {"type": "openrouter:image_generation"}
    for _ in range(3):
        inner = {"type": "openrouter:subagent", "parameters": {"model": "c/d", "tools": [inner]}}
    assert of(tools=[inner]).models == ("c/d", "openai/gpt-5-image")


def test_more_inner_models_than_anybody_means_are_doubted() -> None:
    names = [f"a/m{n}" for n in range(1000)]
    parameters = {"analysis_models": names, "model": "a/judge"}
    found = of(tools=[{"type": "openrouter:fusion", "parameters": parameters}])
    assert len(found.inner) == 32
    assert found.doubts[0].why == "it names more than 32 models"


def test_what_refuse_and_strip_can_name() -> None:
    found = of(
        tools=[{"type": "openrouter:advisor"}, {"type": "web_search"}, {"type": "function"}],
        plugins=[{"id": "fusion"}, {"id": "armor"}],
    )
    assert found.carriers == (
        *("tools.openrouter:advisor", "tools.web_search", "plugins.fusion", "plugins.armor"),
    )
    assert {doubt.carrier for doubt in found.doubts} == {
        *("tools.openrouter:advisor", "plugins.armor"),
    }


def test_routers_hand_the_provider_object_on_and_others_do_not_say_so() -> None:
    routers = of(plugins=[{"id": "switchyard-router", "judge_model": "a/judge"}])
    assert [each.inherits for each in routers.inner] == [True]
    others = of(tools=[{"type": "openrouter:subagent", "parameters": {"model": "a/mini"}}])
    assert [each.inherits for each in others.inner] == [False]


def test_a_request_without_tools_costs_nothing_to_look_at() -> None:
    assert of() is of(messages=[])


@BOUNDED
@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=6) | st.sampled_from([*SHIPPED]),
        lambda inside: (
            st.lists(inside, max_size=4)
            | st.dictionaries(
                st.sampled_from(["type", "model", "parameters", "tools", "id", "models", "engine"]),
                inside,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_tools_are_reading_them_never_fails(value: Any) -> None:
    found = of(tools=value, plugins=value)
    assert "" not in found.models
    assert not found.server_tools or found.carriers
