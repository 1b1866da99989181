"""A budget and a webhook hold over the processes of `pointsman serve --workers 2`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.end_to_end.test_workers import ASK, CHAT, Served, serving
from tests.notifying.receiver import Receiver, receiving
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.waiting import until, until_seen

POLICY = """\
version: 1
rules:
  - {name: held, models: ["*"], budget: {usd: 1, per: month}}
  - {name: picky, models: ["acme/*"], only: [groq]}
"""
PRICE = 0.125

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

Clients = dict[int, httpx2.AsyncClient]


@pytest.fixture
def upstream(openrouter: ScriptedUpstream) -> ScriptedUpstream:
    said = {
        "id": "gen-1",
        "provider": "Novita",
        "model": "acme/sim-1",
        "choices": [{"message": {"role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost": PRICE},
    }
    openrouter.plays(reply(json.dumps(said).encode()))
    return openrouter


@asynccontextmanager
async def held(
    folder: Path, upstream: ScriptedUpstream, receiver: Receiver
) -> AsyncIterator[Served]:
    """Two workers under one budget and one webhook."""
    async with serving(
        folder, upstream, policy=POLICY, POINTSMAN_NOTIFY_URL=receiver.url
    ) as served:
        yield served


def knows(client: httpx2.AsyncClient, usd: float) -> Callable[[], Awaitable[bool]]:
    """Whether the worker at the other end knows that so much is spent."""

    async def looked() -> bool:
        dry = (await client.post("/pointsman/explain", json=ASK)).json()
        return bool(dry["budgets"][0]["spent_usd"] == usd)

    return looked


async def spend(clients: Clients, count: int) -> None:
    """Send so many requests, one after the other, by both workers in turn."""
    for number in range(count):
        answer = await clients[1 + number % 2].post(CHAT, json=ASK)
        assert answer.status_code == 200


async def refused(clients: Clients) -> list[dict[str, Any]]:
    """The error with which each worker refuses."""
    answers = [await clients[number].post(CHAT, json=ASK) for number in (1, 2)]
    assert [each.status_code for each in answers] == [402, 402]
    return [each.json()["error"] for each in answers]


async def test_t80_a_budget_and_its_messages_are_one_for_all_workers(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    with receiving() as receiver:
        async with held(tmp_path, upstream, receiver) as served, served.to_each() as clients:
            for count, usd in ((7, 0.875), (1, 1.0)):
                await spend(clients, count)
                for client in clients.values():
                    await until_seen(knows(client, usd))
            errors = await refused(clients)
            assert {each["code"] for each in errors} == {"budget_exceeded"}
            assert all("is spent: $1.00 of $1 per month" in each["message"] for each in errors)
            assert len([each for each in upstream.requests if each.method == "POST"]) == 8
            await until(lambda: len(receiver.arrived) >= 3)
            await asyncio.sleep(1.0)  # in which a second worker would have told it again
            told = [each.json() for each in receiver.arrived]
            assert sorted((each["event"], each["facts"].get("kind", "")) for each in told) == [
                ("broken", ""),
                ("budget", "near"),
                ("budget", "spent"),
            ]
            assert served.log.count("is spent, and requests are refused") == 1


async def test_t80_a_worker_that_is_killed_takes_nothing_that_is_spent_with_it(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    with receiving() as receiver:
        async with held(tmp_path, upstream, receiver) as served:
            async with served.to_each() as clients:
                await spend(clients, 8)
                for client in clients.values():
                    await until_seen(knows(client, 1.0))
                os.kill(served.pids[0], signal.SIGKILL)
                await served.logged("was ended by SIGKILL")
            async with served.to_each() as clients:
                await until_seen(knows(clients[1], 1.0))
                await refused(clients)
