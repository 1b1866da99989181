"""OpenRouter's response cache: on when asked for, and what a hit lacks."""

from pathlib import Path
from typing import Any

import pytest

from tests.simulator.simulated import HELLO, KEY, METADATA, Simulated, endpoint, events, model

ON = {"X-OpenRouter-Cache": "true"}
OFF = {"X-OpenRouter-Cache": "false"}
STATUS = "x-openrouter-cache-status"
PATHS = ["chat/completions", "completions", "responses", "messages"]


def cached(tmp_path: Path, **switches: Any) -> Simulated:
    return Simulated(tmp_path, model(endpoint("a")), **switches)


async def statuses(simulated: Simulated, headers: dict[str, str], **fields: Any) -> list[Any]:
    """Of two requests that are the same."""
    replies = [await simulated.chat(headers=headers, **fields) for _ in range(2)]
    return [reply.headers.get(STATUS) for reply in replies]


@pytest.mark.parametrize(
    ("switch", "headers", "expected"),
    [
        ("asked", {}, [None, None]),
        ("asked", OFF, [None, None]),
        ("asked", ON, ["MISS", "HIT"]),
        ("on", {}, ["MISS", "HIT"]),
        ("on", OFF, [None, None]),
        ("always", OFF, ["MISS", "HIT"]),
    ],
)
async def test_it_is_used_where_header_and_switch_say_so(
    switch: str, headers: dict[str, str], expected: list[Any], tmp_path: Path
) -> None:
    assert await statuses(cached(tmp_path, response_cache=switch), headers) == expected


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_hit_has_a_new_id_no_usage_no_metadata_and_no_endpoint(
    path: str, tmp_path: Path, *, stream: bool
) -> None:
    simulated = cached(tmp_path)
    body: dict[str, Any] = {"model": "acme/sim-1", "messages": HELLO, "stream": stream}
    body |= {"input": "hi", "prompt": "hi"}
    first, second = [await simulated.post(f"/{path}", body, {**ON, **METADATA}) for _ in range(2)]
    assert (first.headers[STATUS], second.headers[STATUS]) == ("MISS", "HIT")
    assert first.headers["x-generation-id"] != second.headers["x-generation-id"]
    assert second.headers["x-openrouter-cache-source-id"] == first.headers["x-generation-id"]
    assert "openrouter_metadata" in first.text
    assert "openrouter_metadata" not in second.text
    assert len(simulated.reached()) == 1
    was, now = [each for _, each, _ in simulated.router.served.values()]
    assert now.completion.text == was.completion.text
    assert now.spent == now.completion.usage.prompt_tokens == 0 < was.spent
    if not stream:
        told = second.json()["usage"]
        assert told["cost"] == 0
        assert not [value for name, value in told.items() if name.endswith("tokens") and value]
    elif path == "chat/completions":
        (usage,) = [frame["usage"] for frame in events(second.text) if frame.get("usage")]
        assert usage["total_tokens"] == 0


async def test_the_record_of_a_hit_names_its_source(tmp_path: Path) -> None:
    simulated = cached(tmp_path, generation_delay=0.0)
    first, second = [await simulated.chat(headers=ON) for _ in range(2)]
    key = {"authorization": f"Bearer {KEY}"}
    records = [
        (await simulated.get(f"/generation?id={reply.json()['id']}", key)).json()["data"]
        for reply in (first, second)
    ]
    assert [each["response_cache_source_id"] for each in records] == [None, first.json()["id"]]
    assert [len(each["provider_responses"]) for each in records] == [1, 0]
    simulated.router.left_early.add(second.json()["id"])
    left = (await simulated.get(f"/generation?id={second.json()['id']}", key)).json()["data"]
    assert left["provider_responses"] == []


async def test_another_request_is_no_hit(tmp_path: Path) -> None:
    simulated = cached(tmp_path)
    bodies: list[dict[str, Any]] = [
        {"model": "acme/sim-1", "messages": HELLO},
        {"messages": HELLO, "model": "acme/sim-1"},
        {"model": "acme/sim-1", "messages": HELLO, "stream": True},
        {"model": "acme/sim-1", "messages": HELLO, "temperature": 0},
    ]
    for body in bodies:
        reply = await simulated.post("/chat/completions", body, ON)
        assert reply.headers[STATUS] == "MISS"
    other = {**ON, "authorization": "Bearer sk-or-v1-another"}
    assert (await simulated.post("/chat/completions", bodies[0], other)).headers[STATUS] == "MISS"


async def test_an_answer_is_kept_for_a_time_or_until_it_is_cleared(tmp_path: Path) -> None:
    simulated = cached(tmp_path)
    for headers, seconds in ((ON, 300), ({**ON, "X-OpenRouter-Cache-TTL": "60"}, 60)):
        simulated.clock.now += 1000
        assert (await simulated.chat(headers=headers)).headers[STATUS] == "MISS"
        simulated.clock.now += seconds - 1
        hit = await simulated.chat(headers=headers)
        assert hit.headers[STATUS] == "HIT"
        assert hit.headers["x-openrouter-cache-age"] == str(seconds - 1)
        assert hit.headers["x-openrouter-cache-ttl"] == str(seconds)
        simulated.clock.now += 1
        assert (await simulated.chat(headers=headers)).headers[STATUS] == "MISS"
    clearing = {**ON, "X-OpenRouter-Cache-Clear": "true"}
    assert (await simulated.chat(headers=clearing)).headers[STATUS] == "MISS"


@pytest.mark.parametrize(
    ("config", "headers", "expected"),
    [
        ({"cache_enabled": True}, {}, ["MISS", "HIT"]),
        ({"cache_enabled": True}, OFF, [None, None]),
        ({"cache_enabled": False}, ON, [None, None]),
        ({}, ON, ["MISS", "HIT"]),
    ],
)
async def test_a_preset_can_turn_it_on_and_its_no_beats_a_header(
    config: dict[str, Any], headers: dict[str, str], expected: list[Any], tmp_path: Path
) -> None:
    preset = {"slug": "p", "versions": [{"config": {"cache_ttl_seconds": 7, **config}}]}
    simulated = Simulated(tmp_path, model(endpoint("a")), presets=[preset])
    assert await statuses(simulated, headers, preset="p") == expected
    if expected[0]:
        assert (await simulated.chat(headers=headers, preset="p")).headers[
            "x-openrouter-cache-ttl"
        ] == "7"


async def test_a_failure_is_not_kept_and_the_oldest_answer_is_forgotten(tmp_path: Path) -> None:
    simulated = cached(tmp_path)
    assert (await simulated.chat(headers=ON, simulate={"fail": {"a": 503}})).status_code == 503
    assert (await simulated.chat(headers=ON)).headers[STATUS] == "MISS"
    for number in range(1000):
        turn = [{"role": "user", "content": str(number)}]
        await simulated.chat(headers=ON, messages=turn)
    assert (await simulated.chat(headers=ON)).headers[STATUS] == "MISS"
