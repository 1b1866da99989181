"""Models that are routers: from what they pick, what narrows it (openrouter.md §A2.2, §A2.3)."""

from pathlib import Path
from typing import Any

import pytest

from app.simulator.naming import ROUTERS
from tests.simulator.channels import MODELS
from tests.simulator.simulated import METADATA, Simulated, endpoint, model

TEXT = {
    item["id"]
    for item in MODELS
    if item["endpoints"] and "text" in item["architecture"]["output_modalities"]
}
DEARER = [
    model(endpoint("a", prompt=f"0.00000{n}"), id=f"acme/coder-{n}", coding=n / 10)
    for n in range(1, 7)
]


def sim(folder: Path, **switches: Any) -> Simulated:
    return Simulated(folder, *MODELS, **switches)


async def picked(simulated: Simulated, router: str, times: int = 30, **fields: Any) -> set[str]:
    """The models that a router picked; each answer names the one it was."""
    simulated.router.reached.clear()
    for _ in range(times):
        reply = await simulated.chat(router, **fields)
        assert reply.status_code == 200, reply.text
        *_, last = [each for each in simulated.router.reached if each.why == "picked"]
        assert reply.json()["model"] == f"{last.model}-20261001"
    return {name for name, _, why in simulated.reached() if why == "picked"}


def plugin(name: str, **fields: Any) -> dict[str, Any]:
    return {"plugins": [{"id": name, **fields}]}


@pytest.mark.parametrize("router", ROUTERS)
async def test_each_router_answers_with_a_model_of_the_catalog(router: str, tmp_path: Path) -> None:
    reply = await sim(tmp_path).chat(router, headers=METADATA)
    told = reply.json()
    assert told["model"].removesuffix("-20261001") in TEXT
    assert told["openrouter_metadata"]["requested"] == router
    assert told["openrouter_metadata"]["strategy"] == ROUTERS[router][1]


@pytest.mark.parametrize(
    ("router", "name"),
    [("openrouter/auto", "auto-router"), ("openrouter/auto-beta", "auto-beta-router")],
)
async def test_auto_picks_among_allowed_models_without_excluded_ones(
    router: str, name: str, tmp_path: Path
) -> None:
    simulated = sim(tmp_path)
    assert len(await picked(simulated, router)) > 4
    narrow = plugin(name, allowed_models=["acme/*"], excluded_models=["acme/o*", "acme/stt"])
    assert await picked(simulated, router, **narrow) == {"acme/big", "acme/mini", "acme/judge"}
    other = plugin("auto-router" if name != "auto-router" else "auto-beta-router")
    other["plugins"][0]["allowed_models"] = ["acme/mini"]
    assert len(await picked(simulated, router, **other)) > 1, "the other's plugin says nothing"
    off = plugin(name, enabled=False, allowed_models=["acme/mini"])
    assert len(await picked(simulated, router, **off)) > 1
    nothing = await simulated.chat(router, **plugin(name, allowed_models=["none/*"]))
    assert nothing.status_code == 404


async def test_jev_ignores_an_include_list_that_matches_nothing_but_no_exclude_list(
    tmp_path: Path,
) -> None:
    simulated, router = sim(tmp_path), "typesafe/jev-router"
    joined = plugin("jev-router", models=["acme/mini"], allowed_models=["acme/judge"])
    assert await picked(simulated, router, **joined) == {"acme/mini", "acme/judge"}
    ignored = plugin("jev-router", models=["none/*"], excluded_models=["acme/*"])
    found = await picked(simulated, router, **ignored)
    assert len(found) > 1
    assert not [name for name in found if name.startswith("acme/")]
    reply = await simulated.chat(router, **plugin("jev-router", excluded_models=["*"]))
    assert reply.status_code == 404


async def test_preferences_filter_what_is_picked_from_unless_the_switch_says_otherwise(
    tmp_path: Path,
) -> None:
    azure: dict[str, Any] = {"provider": {"only": ["azure"]}}
    served = {"openai/gpt-5.6", "openai/gpt-4o-mini", "acme/judge"}
    simulated = sim(tmp_path)
    for router in ("openrouter/auto", "typesafe/jev-router", "openrouter/bodybuilder"):
        assert await picked(simulated, router, **azure) == served
    careless = sim(tmp_path, candidates_inherit=False)
    statuses = {(await careless.chat("openrouter/auto", **azure)).status_code for _ in range(20)}
    assert statuses == {200, 404}, "the preferences hold for the pick all the same"
    assert {tag for _, tag, _ in careless.reached()} == {"azure"}


async def test_free_picks_a_model_that_costs_nothing(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    assert await picked(simulated, "openrouter/free") == {"acme/gift:free"}
    denied = {"only": ["provider not named"]}
    assert (await simulated.chat("openrouter/free", provider=denied)).status_code == 404


async def test_pareto_picks_the_cheapest_good_enough_coder_and_two_fallbacks(
    tmp_path: Path,
) -> None:
    simulated, router = Simulated(tmp_path, *DEARER), "openrouter/pareto-code"
    assert await picked(simulated, router, times=3) == {"acme/coder-1"}
    good = plugin("pareto-router", min_coding_score=0.3)
    assert await picked(simulated, router, times=3, **good) == {"acme/coder-3"}
    reply = await simulated.chat(router, **good, simulate={"fail": {"a": 429}})
    assert reply.status_code == 429
    assert [name for name, _, _ in simulated.reached()][-3:] == [
        "acme/coder-3",
        "acme/coder-4",
        "acme/coder-5",
    ]
    dear = await simulated.chat(router, **plugin("pareto-router", max_price=0.5))
    assert dear.status_code == 404
    capped = plugin("pareto-router", max_price=2, min_coding_score=0.2)
    assert await picked(simulated, router, times=3, **capped) == {"acme/coder-2"}


# --- several models ---------------------------------------------------------------------------


async def test_fusion_lets_a_panel_answer_and_an_analyst_sum_up(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    chosen = plugin("fusion", analysis_models=["acme/mini", "acme/judge"], model="acme/big")
    reply = await simulated.chat("openrouter/fusion", **chosen, headers=METADATA)
    assert reply.json()["model"] == "acme/big-20261001"
    assert reply.json()["openrouter_metadata"]["strategy"] == "fusion"
    reached = [(name, why) for name, _, why in simulated.reached()]
    assert reached == [("acme/big", "picked"), ("acme/mini", "inner"), ("acme/judge", "inner")]
    assert {each.carrier for each in simulated.router.reached} == {"", "plugins.fusion"}


@pytest.mark.parametrize("router", ["openrouter/fusion", "openrouter/fusion-flash"])
async def test_fusion_has_a_default_panel(router: str, tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    await simulated.chat(router)
    assert {name for name, _, why in simulated.reached() if why == "inner"} == {
        "openai/gpt-5.6",
        "anthropic/claude-opus-4.8",
        "google/gemini-3-pro",
    }
    elsewhere = Simulated(tmp_path, *DEARER)
    await elsewhere.chat(router)
    inner = [name for name, _, why in elsewhere.reached() if why == "inner"]
    assert inner == ["acme/coder-1", "acme/coder-2", "acme/coder-3"]


async def test_the_plugin_alone_runs_nothing_but_configures_the_tool(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    configured = plugin("fusion", analysis_models=["acme/mini"], model="acme/judge")
    await simulated.chat("acme/big", **configured)
    assert {why for _, _, why in simulated.reached()} == {"outer"}
    await simulated.chat("acme/big", **configured, tools=[{"type": "openrouter:fusion"}])
    inner = [name for name, _, why in simulated.reached() if why == "inner"]
    assert inner == ["acme/mini", "acme/judge"]


# --- switchyard and its judge -----------------------------------------------------------------

YARD: dict[str, Any] = {"models": ["acme/big", "acme/mini", "acme/other-2.5"]}


async def judges(simulated: Simulated, **fields: Any) -> list[str]:
    simulated.router.reached.clear()
    reply = await simulated.chat("nvidia/switchyard", **YARD, **fields)
    assert reply.status_code == 200, reply.text
    return [name for name, _, why in simulated.reached() if why == "judge"]


async def test_switchyard_picks_among_the_request_s_models_after_a_judge(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    assert await judges(simulated) == ["google/gemini-2.5-flash-lite"]
    named = plugin("switchyard-router", judge_model="acme/judge")
    assert await judges(simulated, **named) == ["acme/judge"]
    assert await picked(simulated, "nvidia/switchyard", **YARD) == {*YARD["models"]}
    assert await judges(simulated, simulate={"switchyard_judge": "acme/judge"}) == ["acme/judge"]


async def test_a_judge_without_an_allowed_provider_is_replaced(tmp_path: Path) -> None:
    """By the default judge, then by the last resort; under `only: [baseten]` none of them is."""
    simulated = sim(tmp_path)
    novita = {"provider": {"only": ["novita", "groq"]}}
    named = plugin("switchyard-router", judge_model="acme/judge")
    assert await judges(simulated, **novita, **named) == ["google/gemini-2.5-flash-lite"]
    azure = {"provider": {"only": ["azure", "baseten"]}}
    assert await judges(simulated, **azure) == ["openai/gpt-4o-mini"]
    assert await judges(simulated, provider={"only": ["chutes"]}) == []
    careless = sim(tmp_path, judge_inherits=False)
    assert await judges(careless, **azure) == ["google/gemini-2.5-flash-lite"]


async def test_nothing_is_judged_where_no_model_is_left(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    reply = await simulated.chat("nvidia/switchyard", **YARD, provider={"only": ["nobody"]})
    assert reply.status_code == 404
    assert not simulated.reached()


async def test_a_judge_that_fails_is_replaced_and_noted(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    fail = {"fail": {"google-ai-studio": 500, "novita": 500}}
    assert (await judges(simulated, simulate=fail))[-1] == "openai/gpt-4o-mini"
    failed = [each for each in simulated.router.reached if each.status == 500]
    assert {each.why for each in failed} >= {"judge"}


async def test_switchyard_shows_what_it_resolved_to(tmp_path: Path) -> None:
    reply = await sim(tmp_path).chat("nvidia/switchyard", **YARD, headers=METADATA)
    (entry,) = reply.json()["openrouter_metadata"]["pipeline"]
    assert (entry["type"], entry["name"]) == ("plugin", "switchyard-router")
    data = entry["data"]
    assert {data["resolved_to"], *data["fallback_models"]} == {*YARD["models"]}
    assert data["resolved_to"] == reply.json()["model"].removesuffix("-20261001")
    assert {"strategy", "judge_ms", "route_ms"} < set(data)


async def test_jev_shows_its_candidates(tmp_path: Path) -> None:
    chosen = plugin("jev-router", models=["acme/mini", "acme/judge"])
    reply = await sim(tmp_path).chat("typesafe/jev-router", **chosen, headers=METADATA)
    (entry,) = reply.json()["openrouter_metadata"]["pipeline"]
    assert entry["data"]["candidates"] == ["acme/mini", "acme/judge"]
    assert [f"{entry['data']['resolved_models'][0]}-20261001"] == [reply.json()["model"]]


# --- rules for all ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"models": ["typesafe/jev-router"]}, 400),
        ({"models": ["acme/big"]}, 200),
    ],
)
async def test_two_routers_can_not_be_combined(
    fields: dict[str, Any], status: int, tmp_path: Path
) -> None:
    reply = await sim(tmp_path).chat("openrouter/auto", **fields)
    assert reply.status_code == status


async def test_switchyard_takes_no_latest_alias(tmp_path: Path) -> None:
    reply = await sim(tmp_path).chat("nvidia/switchyard", models=["~openai/gpt-latest"])
    assert reply.status_code == 400


async def test_a_router_can_be_what_a_request_falls_back_to(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    fail = {"fail": {"chutes": 429, "groq": 429}}
    fields = {"models": ["openrouter/auto"], "provider": {"ignore": ["baseten"]}}
    reply = await simulated.chat("acme/mini", **fields, simulate=fail, headers=METADATA)
    assert reply.status_code == 200
    assert reply.json()["openrouter_metadata"]["strategy"] == "fallback"
    assert simulated.reached()[-1][2] == "picked"


async def test_a_conversation_that_names_itself_keeps_its_model(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    for session in ("one", "two", "three"):
        own = await picked(simulated, "openrouter/auto", times=10, session_id=session)
        assert len(own) == 1
    first = await picked(simulated, "openrouter/auto", times=1, session_id="four")
    simulated.clock.now += 601
    later = [
        await picked(simulated, "openrouter/auto", times=1, session_id=f"four{n}")
        for n in range(10)
    ]
    assert any(each != first for each in later)


async def test_a_router_inside_a_tool_picks_too(tmp_path: Path) -> None:
    simulated = sim(tmp_path)
    tool = {"type": "openrouter:advisor", "parameters": {"model": "openrouter/free"}}
    await simulated.chat("acme/big", tools=[tool])
    assert [(name, why) for name, _, why in simulated.reached()] == [
        ("acme/big", "outer"),
        ("acme/gift:free", "inner"),
    ]
