"""Attempts, fallback to other hosts and models, and what is told of them."""

from pathlib import Path
from typing import Any

import pytest

from app.simulator.catalog import Catalog
from app.simulator.refusals import Refusal
from app.simulator.router import Router
from app.simulator.switches import Switches
from tests.simulator.simulated import (
    METADATA,
    NOW,
    Simulated,
    asked,
    endpoint,
    everyone_fails,
    model,
    tried,
)

ONE = model(endpoint("a"), endpoint("b"))
TWO = model(endpoint("xai", "unknown"), id="x-ai/grok-4")
IN_ORDER: dict[str, Any] = {"provider": {"order": ["a", "b"]}}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 524, 529])
async def test_a_failing_host_is_followed_by_the_next(status: int, tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, ONE)
    fail = everyone_fails(["a"], status)
    reply = await simulated.chat(**IN_ORDER, simulate=fail, headers=METADATA)
    told = reply.json()["openrouter_metadata"]
    assert (reply.status_code, reply.json()["provider"]) == (200, "B")
    assert (told["attempt"], told["strategy"]) == (2, "direct")
    assert told["summary"] == "available=2, attempts=2, selected=B"
    slug = "acme/sim-1-20261001"
    assert told["attempts"] == [
        {"provider": "A", "model": slug, "status": status},
        {"provider": "B", "model": slug, "status": 200},
    ]


async def test_a_bad_request_is_no_better_with_another_host(tmp_path: Path) -> None:
    fail = everyone_fails(["a"], 400)
    reply = await Simulated(tmp_path, ONE).chat(**IN_ORDER, simulate=fail)
    assert reply.status_code == 400
    assert reply.json()["error"]["metadata"]["provider_name"] == "A"


async def test_when_all_fail_the_last_error_comes_with_the_earlier_ones(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, ONE)
    fail = {"fail": {"a": 429, "b": 502}}
    reply = await simulated.chat(**IN_ORDER, simulate=fail, headers=METADATA)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["message"]) == (
        502,
        502,
        "Provider returned error",
    )
    assert error["metadata"]["provider_name"] == "B"
    assert error["metadata"]["previous_errors"] == [
        {"code": 429, "message": "Provider returned error", "provider_name": "A"}
    ]
    told = reply.json()["openrouter_metadata"]
    assert told["attempt"] == 2
    assert [row["status"] for row in told["attempts"]] == [429, 502]
    assert not any(row["selected"] for row in told["endpoints"]["available"])
    assert "selected" not in told["summary"]


async def test_without_fallbacks_the_host_s_error_comes_back(tmp_path: Path) -> None:
    strict = {"order": ["a"], "allow_fallbacks": False}
    reply = await Simulated(tmp_path, ONE).chat(provider=strict, simulate=everyone_fails(["a"]))
    assert reply.status_code == 429
    assert "previous_errors" not in reply.json()["error"]["metadata"]


@pytest.mark.parametrize(
    ("fields", "switches"),
    [
        ({"provider": {"only": ["xai"]}}, {}),  # recorded 2025-11-02: the primary is skipped
        ({}, everyone_fails(["a", "b"])),
        ({}, everyone_fails(["a", "b"], 400)),  # any error leads to the next model
        ({"provider": {"quantizations": ["unknown"]}}, {}),
    ],
)
async def test_the_next_model_answers_where_the_first_can_not(
    fields: dict[str, Any], switches: dict[str, Any], tmp_path: Path
) -> None:
    simulated = Simulated(tmp_path, ONE, TWO)
    both = {"models": ["x-ai/grok-4"], **fields}
    reply = await simulated.chat(**both, simulate=switches, headers=METADATA)
    assert (reply.json()["provider"], reply.json()["model"]) == ("Xai", "x-ai/grok-4-20261001")
    told = reply.json()["openrouter_metadata"]
    assert (told["requested"], told["strategy"]) == ("acme/sim-1", "fallback")
    assert told["attempt"] == len(told.get("attempts", [1]))


async def test_messages_may_name_their_fallbacks_in_anthropic_s_way(tmp_path: Path) -> None:
    body = {"model": "acme/sim-1", "messages": [], "fallbacks": [{"model": "x-ai/grok-4"}]}
    simulated = Simulated(tmp_path, ONE, TWO)
    reply = await simulated.post("/messages", body, **everyone_fails(["a", "b"]))
    assert reply.json()["model"] == "x-ai/grok-4-20261001"


async def test_the_first_model_s_404_is_told_when_no_model_is_left(tmp_path: Path) -> None:
    reply = await Simulated(tmp_path, ONE, TWO).chat(
        models=["x-ai/grok-4"], provider={"only": ["provider not named"]}
    )
    assert reply.status_code == 404
    assert "Providers serving acme/sim-1-20261001: a, b" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("sort", "tags"),
    [
        ({"by": "price"}, ["dear"]),
        ({"by": "price", "partition": "model"}, ["dear"]),
        ({"by": "price", "partition": "none"}, ["cheap", "dear"]),
    ],
)
def test_partition_none_sorts_the_hosts_of_all_models_as_one(
    sort: dict[str, str], tags: list[str]
) -> None:
    models = [model(endpoint("dear", prompt="1")), model(endpoint("cheap", prompt="0"), id="a/b")]
    catalog = Catalog(models)
    ask = asked(catalog, models=["a/b"], provider={"sort": sort})
    answer = Router(catalog, seed=0, clock=lambda: NOW).route(ask)
    assert [row.tag for row in answer.available] == tags


def test_every_available_host_is_reached_when_those_before_it_fail() -> None:
    rows = [endpoint(tag) for tag in ("a", "b", "c", "d")]
    catalog = Catalog([model(*rows)])
    reached: list[str] = []
    for _ in rows:
        ask = asked(catalog, _failing(reached))
        reached.append(Router(catalog, seed=3, clock=lambda: NOW).route(ask).completion.row.tag)
    assert reached == tried(*rows, seed=3)
    with pytest.raises(Refusal):
        Router(catalog, seed=3, clock=lambda: NOW).route(asked(catalog, _failing(reached)))


def _failing(tags: list[str]) -> Switches:
    return Switches(fail=dict.fromkeys(tags, 503))


async def test_metadata_says_which_model_a_latest_alias_means() -> None:
    reply = await Simulated().chat("~anthropic/claude-sonnet-latest", headers=METADATA)
    told = reply.json()["openrouter_metadata"]
    assert told["strategy"] == "latest"
    assert reply.json()["model"] == "anthropic/claude-4.6-sonnet-20260217"


@pytest.mark.parametrize(
    ("headers", "there"),
    [
        (METADATA, True),
        ({"X-OpenRouter-Metadata": "ENABLED"}, True),
        ({"X-OpenRouter-Experimental-Metadata": "enabled"}, True),
        ({"X-OpenRouter-Metadata": "true"}, False),
        ({"X-OpenRouter-Metadata": "disabled"}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("path", ["chat/completions", "completions", "responses", "messages"])
async def test_metadata_comes_only_when_the_header_asks_for_it(
    path: str, headers: dict[str, str], *, there: bool
) -> None:
    simulated = Simulated()
    body = {"model": "qwen/qwen3-coder", "messages": [], "input": "", "prompt": ""}
    whole = await simulated.post(f"/{path}", body, headers)
    streamed = await simulated.post(f"/{path}", {**body, "stream": True}, headers)
    refused = await simulated.post(f"/{path}", {**body, "provider": {"only": ["nobody"]}}, headers)
    assert ("openrouter_metadata" in whole.json()) == there
    assert streamed.text.count('"openrouter_metadata"') == there
    assert ("openrouter_metadata" in refused.json()) == there


@pytest.mark.parametrize(
    ("path", "changes", "switches"),
    [
        ("/chat/completions", {}, {"fail": {"openai": 500, "azure": 500}}),
        ("/chat/completions", {"model": "no/model"}, {}),
        ("/chat/completions", {"provider": {"x": 1}}, {}),
        ("/embeddings", {"model": "openai/text-embedding-3-small", "input": "x"}, {}),
        ("/embeddings", {"provider": {"only": ["nobody"]}}, {}),
    ],
)
async def test_metadata_is_absent_on_a_500_at_the_edge_and_on_embeddings(
    path: str, changes: dict[str, Any], switches: dict[str, Any]
) -> None:
    body = {"model": "openai/gpt-4.1-mini", "messages": [], **changes}
    reply = await Simulated().post(path, body, METADATA, **switches)
    assert "openrouter_metadata" not in reply.json()


async def test_the_same_seed_and_requests_are_served_alike_to_the_byte() -> None:
    async def play(count: int) -> list[bytes]:
        simulated = Simulated()
        models = ["qwen/qwen3-coder", "deepseek/deepseek-v4.1-flash"]
        return [
            (await simulated.chat(models[n % 2], stream=n % 3 == 0, session_id=str(n))).content
            for n in range(count)
        ]

    assert await play(12) == await play(12)


def test_what_is_remembered_is_bounded() -> None:
    catalog = Catalog([model(endpoint("a", input_cache_read="0.0000001"))])
    router = Router(catalog, seed=0, clock=lambda: NOW)
    for number in range(1100):
        router.route(asked(catalog, session_id=str(number)))
    assert len(router.served) == 1000


def test_remembered_picks_are_bounded() -> None:
    catalog = Catalog([model(endpoint("a"), id=f"acme/{n}") for n in range(30)])
    router = Router(catalog, seed=0, clock=lambda: NOW, remembered=3)

    def picks(session: str) -> set[str]:
        asking = asked(catalog, model="openrouter/auto", session_id=session)
        return {router.route(asking).completion.row.model.id for _ in range(5)}

    first = picks("0")
    assert len(first) == 1
    assert all(len(picks(str(number))) == 1 for number in range(1, 4))
    assert picks("0") != first, "forgotten"


def test_another_seed_is_served_otherwise() -> None:
    rows = [endpoint(tag) for tag in ("a", "b", "c", "d")]
    assert len({tuple(tried(*rows, seed=seed)) for seed in range(20)}) > 1


async def test_the_router_remembers_what_it_served_and_what_it_refused() -> None:
    """With every host that got the prompt, so that a long run can be checked."""
    simulated = Simulated()
    for number in range(3):
        fail = everyone_fails(["xai"], 400 + number)
        await simulated.chat("x-ai/grok-4", user=f"{number}", simulate=fail)
        await simulated.chat("x-ai/grok-4", user=f"{number}")
    told = [(ask.body["user"], refusal.attempts[0][1]) for ask, refusal in simulated.router.refused]
    assert told == [("0", 400), ("1", 401), ("2", 402)]
    assert [ask.body["user"] for ask, _, _ in simulated.router.served.values()] == ["0", "1", "2"]


def test_no_more_is_remembered_than_was_asked_for() -> None:
    catalog = Catalog([ONE])
    router = Router(catalog, seed=0, clock=lambda: NOW, remembered=2)
    for number in range(5):
        router.route(asked(catalog, user=number))
        with pytest.raises(Refusal):
            router.route(asked(catalog, user=number, provider={"only": ["nobody"]}))
    assert [ask.body["user"] for ask, _, _ in router.served.values()] == [3, 4]
    assert [ask.body["user"] for ask, _ in router.refused] == [3, 4]
