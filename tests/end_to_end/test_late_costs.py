"""What an answer cost that ended before it said so is read from OpenRouter's record, and counts."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.record.late_costs import Pace
from app.simulator import Switches, create_simulator
from tests.conftest import UPSTREAM_KEY, Proxy, StartProxy
from tests.running import running
from tests.scripted_upstream import Close, Pause, ScriptedUpstream, reply, sse
from tests.waiting import until, until_seen

CHAT = "/v1/chat/completions"
MODEL = "x-ai/grok-4"
ASK: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "tell me a long story"}],
    "stream": True,
}
HELD = "version: 1\nrules:\n  - {name: held, models: ['*'], routes: pass, budget: %s}\n"
SOON = Pace(pauses=(0.02, 0.02, 0.05, 0.1, 0.5, 2.0), between=0.01)
NEVER = Pace(pauses=(60.0,), between=0.01)
AT_ONCE = Pace(pauses=(0.01,) * 3, between=0.01)
WORD = b'data: {"id":"gen-1","choices":[{"delta":{"content":"x"}}]}\n\n'
BILL = b'data: {"id":"gen-1","choices":[],"usage":{"cost":0.5}}\n\ndata: [DONE]\n\n'
RECORD = {"total_cost": 0.5, "native_tokens_prompt": 7, "native_tokens_completion": 9}


@contextmanager
def simulator(**switches: Any) -> Iterator[str]:
    """A simulated OpenRouter whose streams last long enough to be left."""
    with running(
        create_simulator(pace=0.2, switches=Switches(generation_delay=0.1, **switches))
    ) as server:
        yield f"{server.url}/api/v1"


async def leave(proxy: Proxy, headers: dict[str, str] | None = None) -> int:
    """Ask, and close the stream at its first bytes; the status."""
    url = proxy.url + CHAT
    async with proxy.client.stream("POST", url, json=ASK, headers=headers or {}) as answer:
        await anext(answer.aiter_raw())
        return answer.status_code


async def settled(proxy: Proxy, count: int = 1) -> list[dict[str, Any]]:
    """The receipts, once so many have a late cost."""
    found: list[dict[str, Any]] = []

    async def are_there() -> bool:
        answer = await proxy.client.get(f"{proxy.url}/pointsman/receipts?limit=1000")
        found[:] = answer.json()["receipts"]
        return [each["cost_source"] for each in found].count("record") == count

    await until_seen(are_there, within=15)
    return found


async def metric(proxy: Proxy, name: str) -> float:
    """A metric's value; the name with its labels as they are printed."""
    text = (await proxy.client.get(f"{proxy.url}/metrics")).text
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.rpartition(" ")[2])


async def told(proxy: Proxy, outcome: str) -> float:
    return await metric(proxy, f'pointsman_late_costs_total{{outcome="{outcome}"}}')


async def test_t83_a_client_that_closes_each_stream_before_its_end_meets_the_budget(
    start_proxy: StartProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a host that can't cancel; receipts, stats, metrics and both reports of budgets agree."""
    with simulator(quirks=("uncancellable",)) as upstream:
        proxy = start_proxy(HELD % "{usd: 0.001, per: day}", upstream_url=upstream, late_costs=SOON)
        statuses = []
        for number in range(1, 20):
            statuses.append(await leave(proxy))
            if statuses[-1] != 200:
                break
            await settled(proxy, number)
        refused = await proxy.client.post(proxy.url + CHAT, json=ASK)
        receipts = [one for one in await settled(proxy, len(statuses) - 1) if one["status"] == 200]
    assert 2 <= len(statuses) < 19
    assert refused.status_code == statuses[-1] == 402
    assert refused.json()["error"]["code"] == "budget_exceeded"
    assert {one["ending"] for one in receipts} == {"caller_left"}
    assert all(one["cost_usd"] > 0 and one["completion_tokens"] > 0 for one in receipts)
    paid = pytest.approx(sum(one["cost_usd"] for one in receipts))
    stats = (await proxy.client.get(f"{proxy.url}/pointsman/stats?by=rule")).json()
    assert stats["total"]["cost_usd"] == paid
    assert stats["groups"][0]["cost_usd"] == paid
    (budget,) = (await proxy.client.get(f"{proxy.url}/pointsman/budget")).json()["budgets"]
    assert budget["spent_usd"] == paid
    labels = f'{{model="{MODEL}",provider="{receipts[0]["provider"] or "none"}"}}'
    assert await metric(proxy, f"pointsman_cost_usd_total{labels}") == paid
    assert await told(proxy, "found") == len(receipts)
    assert await metric(proxy, "pointsman_late_costs_waiting") == 0
    monkeypatch.setenv("POINTSMAN_POLICIES", str(tmp_path / "policies"))
    monkeypatch.setenv("POINTSMAN_STATE", str(tmp_path))
    shown = CliRunner().invoke(commands, ["budget", "--json"])
    assert json.loads(shown.output)["budgets"][0]["spent_usd"] == paid


async def test_a_stream_that_its_host_stopped_cost_nothing_and_its_receipt_says_so(
    start_proxy: StartProxy,
) -> None:
    with simulator() as upstream:
        proxy = start_proxy(upstream_url=upstream, late_costs=SOON)
        await leave(proxy)
        (receipt,) = await settled(proxy)
    assert (receipt["ending"], receipt["cost_usd"]) == ("caller_left", 0)


async def test_a_record_is_read_with_the_key_that_sent_the_request_and_no_key_is_written(
    start_proxy: StartProxy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    keys = [f"sk-or-v1-canary-of-client-{name}" for name in "ab"]
    with simulator(quirks=("uncancellable",)) as upstream:
        proxy = start_proxy(upstream_url=upstream, openrouter_api_key=None, late_costs=SOON)
        await asyncio.gather(
            leave(proxy, {"authorization": f"Bearer {keys[0]}"}),
            leave(proxy, {"x-api-key": keys[1]}),
        )
        await settled(proxy, 2)
    written = contents(tmp_path)
    assert any(b"caller_left" in each for each in written)
    assert not any(b"canary" in each for each in written)
    assert "canary" not in caplog.text


async def test_the_operators_key_asks_where_it_asked(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(WORD, Pause(5), BILL))
    openrouter.records["gen-1"] = RECORD
    proxy = start_proxy(upstream_url=openrouter.url, late_costs=AT_ONCE)
    await leave(proxy, {"authorization": "Bearer of-the-client"})
    (receipt,) = await settled(proxy)
    (asked,) = openrouter.record_requests
    assert asked.header("authorization") == f"Bearer {UPSTREAM_KEY}"
    assert (receipt["cost_usd"], receipt["prompt_tokens"]) == (0.5, 7)


def contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file()]


Answering = Callable[[], tuple[Any, ...]]
ENDED: dict[str, tuple[Answering, str, str]] = {
    "cut": (lambda: sse(WORD, Close, end=False), "", "upstream_cut"),
    "deadline": (lambda: sse(WORD, Pause(5), BILL), "total: 300ms", "upstream_error"),
    "withheld": (
        lambda: reply(b'{"id":"gen-1","provider":"Novita","model":"x/y","choices":[]}'),
        "only: [groq], on_violation: block",
        "refused",
    ),
    "speech": (
        lambda: reply(b"mp3", content_type="audio/mpeg", X_Generation_Id="gen-1"),
        "",
        "complete",
    ),
}


@pytest.mark.parametrize("how", ENDED)
async def test_however_an_answer_ended_without_a_cost_its_record_is_read(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, how: str
) -> None:
    script, wanted, ending = ENDED[how]
    openrouter.plays(script())
    openrouter.records["gen-1"] = RECORD
    rule = f"{{name: r, models: ['*'], routes: pass, {wanted}}}"
    proxy = start_proxy(
        f"version: 1\nrules:\n  - {rule}\n", upstream_url=openrouter.url, late_costs=AT_ONCE
    )
    path = "/v1/audio/speech" if how == "speech" else CHAT
    body = {"model": "x/y", "input": "hi"} if how == "speech" else ASK
    try:
        await proxy.client.post(proxy.url + path, json=body)
    except httpx2.RemoteProtocolError:
        assert how in {"cut", "deadline"}
    (receipt,) = await settled(proxy)
    assert (receipt["ending"], receipt["cost_usd"]) == (ending, 0.5)


@pytest.mark.parametrize(
    "said",
    [
        b'data: {"id":"chatcmpl-1","choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n',
        b'data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: [DONE]\n\n',
        BILL,
    ],
    ids=["another upstream", "no id", "a cost"],
)
async def test_nothing_is_asked_where_there_is_nothing_to_learn(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, said: bytes
) -> None:
    openrouter.plays(sse(said))
    proxy = start_proxy(upstream_url=openrouter.url, late_costs=NEVER)
    await proxy.client.post(proxy.url + CHAT, json=ASK)
    await proxy.only_receipt()
    assert await metric(proxy, "pointsman_late_costs_waiting") == 0


async def test_a_cost_that_no_record_tells_is_given_up_and_counted(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """Its request is under way until then, and no longer."""
    openrouter.plays(sse(WORD, Pause(5), BILL))
    proxy = start_proxy(
        HELD % "{usd: 1, per: day}", upstream_url=openrouter.url, late_costs=AT_ONCE
    )
    await leave(proxy)

    async def given_up() -> bool:
        return await told(proxy, "not_found") == 1

    await until_seen(given_up)
    assert len(openrouter.record_requests) == len(AT_ONCE.pauses)
    assert await metric(proxy, "pointsman_late_costs_waiting") == 0
    receipt = await proxy.only_receipt()
    assert (receipt["cost_usd"], receipt["cost_source"]) == (None, None)


async def test_requests_whose_cost_is_not_known_yet_count_at_their_mean_cost(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """From 80 % on, so that a client can't leave any number of streams in two minutes."""
    priced = reply(b'{"id":"gen-0","model":"x/y","choices":[],"usage":{"cost":0.04}}')
    openrouter.plays(*[priced] * 20, sse(WORD, Pause(5), BILL))
    proxy = start_proxy(HELD % "{usd: 1, per: day}", upstream_url=openrouter.url, late_costs=NEVER)
    for _ in range(20):
        await proxy.client.post(proxy.url + CHAT, json={**ASK, "stream": False})
    statuses = [await leave(proxy) for _ in range(5)]

    async def are_waited_for() -> bool:
        return await metric(proxy, "pointsman_late_costs_waiting") == len(statuses)

    await until_seen(are_waited_for)
    refused = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert (refused.status_code, statuses) == (402, [200] * 5)
    assert "5 requests whose cost is not known yet will use up the rest" in refused.text
    await until(lambda: len(openrouter.requests) == 25)


async def test_at_its_ordinary_pace_nothing_is_asked_right_away(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(WORD, Pause(5), BILL))
    proxy = start_proxy(upstream_url=openrouter.url)  # at its ordinary pace
    await leave(proxy)
    receipt = await proxy.only_receipt()
    assert receipt["cost_usd"] is None
    assert await metric(proxy, "pointsman_late_costs_waiting") == 1
    assert openrouter.record_requests == []
