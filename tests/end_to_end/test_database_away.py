"""A PostgreSQL that is away: requests go on, receipts wait, and what depends on it says so."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import StartProxy
from tests.end_to_end.test_replicas import HI, KEYS, SIGN_IN, rows_of, sign_in
from tests.ledger.postgres import Postgres, programs
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.waiting import until_seen

POLICY = """\
version: 1
rules:
  - {name: careful, models: ["*"], callers: [ci], budget: {usd: 5, per: day, fail: closed}}
"""
AIDER, CI = ({"authorization": f"Bearer key-of-{name}"} for name in ("aider", "ci"))


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A server of its own, which the test stops and starts."""
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL: it takes apt install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pointsman-postgres-"))
    try:
        with Postgres(found, folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def test_requests_go_on_and_what_depends_on_the_database_says_so(
    server: Postgres, start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    ledger = f"{server.url}/ledger"
    proxy = start_proxy(POLICY, upstream_url=openrouter.url, ledger_url=ledger, caller_keys=KEYS)
    client, url = proxy.client, proxy.url

    async def asks(headers: dict[str, str]) -> httpx2.Response:
        return await client.post(f"{url}/v1/chat/completions", json=HI, headers=headers)

    async def ready() -> dict[str, Any]:
        answer = await client.get(f"{url}/ready")
        return {"code": answer.status_code, **answer.json()}

    async def is_(status: str) -> bool:
        return bool((await ready())["status"] == status)

    async def serves_ci() -> bool:
        return (await asks(CI)).status_code == 200

    await until_seen(lambda: is_("ready"))
    await until_seen(serves_ci)  # what is spent is known
    cookie = {"cookie": await sign_in(client, url)}
    assert (await client.get(f"{url}/dashboard", headers=cookie)).status_code == 200
    await asyncio.sleep(1)  # so that its receipts are written
    before = len(rows_of(ledger, "SELECT id FROM receipts"))

    await asyncio.to_thread(server.stop)
    assert [(await asks(AIDER)).status_code for _ in range(20)] == [200] * 20
    await until_seen(lambda: is_("degraded"))
    now = await ready()
    assert (now["code"], now["ledger"]["waiting"] >= 20) == (200, True)
    assert now["ledger"]["error"]

    async def refuses_ci() -> bool:
        answer = await asks(CI)
        return answer.status_code == 503 and answer.json()["error"]["code"] == "budget_unknown"

    await until_seen(refuses_ci)
    page = await client.get(f"{url}/dashboard", headers=cookie)
    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert "signing in needs the ledger" in page.text
    form = {"key": "key-of-ci"}
    refused = await client.post(f"{url}{SIGN_IN}", data=form, headers={"origin": url})
    assert refused.status_code == 503
    assert (await client.get(f"{url}/dashboard/policy", headers=AIDER)).status_code == 200

    await asyncio.to_thread(server.start)
    await until_seen(lambda: is_("ready"))
    await until_seen(serves_ci)
    assert (await client.get(f"{url}/dashboard", headers=cookie)).status_code == 200

    async def all_written() -> bool:
        return bool((await ready())["ledger"]["waiting"] == 0)

    await until_seen(all_written)
    asked = len(openrouter.requests)
    filed = rows_of(ledger, "SELECT id FROM receipts WHERE status = 200")
    assert len(filed) == asked >= before + 20


async def test_a_replica_that_starts_while_the_database_is_away_serves(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """It is not `starting` for ever: only as long as a ledger is really being opened."""
    openrouter.plays(reply(b"{}"))
    nowhere = "postgresql+psycopg://pointsman@127.0.0.1:1/ledger"
    proxy = start_proxy(upstream_url=openrouter.url, ledger_url=nowhere)
    answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=HI)
    assert answer.status_code == 200

    async def is_degraded() -> bool:
        ready = await proxy.client.get(f"{proxy.url}/ready")
        return ready.status_code == 200 and ready.json()["status"] == "degraded"

    await until_seen(is_degraded)
