"""From a request that breaks a rule to the webhook, and nowhere in the way of a request."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.ledger.store import Store
from tests.conftest import Proxy, StartProxy
from tests.notifying.receiver import OK, Receiver, receiving, status
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.waiting import until, until_seen

ROOT = Path(__file__).parents[2]
POLICY = """\
version: 1
rules:
  - {name: picky, models: ["acme/*"], only: [groq]}
  - {name: quiet, models: ["calm/*"], only: [groq], notify: off}
"""
SERVED = {"id": "gen-1", "provider": "Novita", "choices": [{"message": {"content": "x"}}]}


async def ask(proxy: Proxy, model: str = "acme/sim-1") -> float:
    """Send a request; the seconds until its answer."""
    began = time.monotonic()
    body = {"model": model, "messages": []}
    answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=body)
    assert answer.status_code == 200
    return time.monotonic() - began


@pytest.fixture
def upstream(openrouter: ScriptedUpstream) -> ScriptedUpstream:
    openrouter.plays(reply(json.dumps(SERVED).encode()))
    return openrouter


async def arrived(receiver: Receiver, count: int = 1) -> list[dict[str, Any]]:
    await until(lambda: len(receiver.arrived) >= count)
    return [each.json() for each in receiver.arrived]


async def test_the_first_broken_answer_of_an_hour_is_told_and_the_next_are_not(
    start_proxy: StartProxy, upstream: ScriptedUpstream
) -> None:
    with receiving() as receiver:
        proxy = start_proxy(POLICY, upstream_url=upstream.url, notify_url=receiver.url)
        await ask(proxy, "calm/sim-1")
        for _ in range(3):
            await ask(proxy)
        receipts = await proxy.receipts(4)
        (told,) = await arrived(receiver)
        await until_seen(lambda: _delivered(proxy))
    assert {each["verdict"] for each in receipts} == {"broken"}
    assert (told["event"], told["subject"]) == ("broken", "picky")
    assert told["facts"]["receipt"] == receipts[2]["id"]
    assert told["facts"]["provider"] == "novita"
    page = (await proxy.client.get(f"{proxy.url}/dashboard/policy")).text
    assert "delivered, 1 try" in page
    assert "Not delivered:" not in page
    assert (await proxy.client.get(f"{proxy.url}/ready")).json()["notifications"] == {
        "undelivered": 0,
        "error": None,
    }


async def _delivered(proxy: Proxy) -> bool:
    text = (await proxy.client.get(f"{proxy.url}/metrics")).text
    return 'pointsman_notifications_total{event="broken",outcome="delivered"} 1.0' in text


async def test_a_webhook_that_refuses_is_shown_and_harms_nothing(
    start_proxy: StartProxy, upstream: ScriptedUpstream
) -> None:
    with receiving(status(404)) as receiver:
        proxy = start_proxy(POLICY, upstream_url=upstream.url, notify_url=receiver.url)
        await ask(proxy)

        async def is_shown() -> bool:
            ready = (await proxy.client.get(f"{proxy.url}/ready")).json()
            assert ready["status"] == "ready"
            return bool(ready["notifications"] == {"undelivered": 1, "error": "HTTP 404"})

        await until_seen(is_shown)
    pages = [
        (await proxy.client.get(proxy.url + path)).text
        for path in ("/dashboard", "/dashboard/policy", "/ready", "/metrics")
    ]
    assert "1 notification of the last day. The last error: HTTP 404." in pages[0]
    assert "given up after 1 try: HTTP 404" in pages[1]
    assert "pointsman_notifications_undelivered 1.0" in pages[3]
    assert "canary-of-the-url" not in "".join(pages)


async def test_a_caller_that_reads_only_its_own_receipts_sees_no_notifications(
    start_proxy: StartProxy, upstream: ScriptedUpstream
) -> None:
    """They name models and providers of other callers' requests."""
    with receiving() as receiver:
        proxy = start_proxy(
            POLICY,
            upstream_url=upstream.url,
            notify_url=receiver.url,
            caller_keys="anna:key-a,bert:key-b",
            operators="anna",
        )
        proxy.client.headers["authorization"] = "Bearer key-b"
        await ask(proxy)
        await arrived(receiver)
        pages = {}
        for key in ("key-a", "key-b"):
            headers = {"authorization": f"Bearer {key}"}
            answer = await proxy.client.get(f"{proxy.url}/dashboard/policy", headers=headers)
            pages[key] = answer.text
    title = "Rule &#34;picky&#34; was broken"
    assert [title in page for page in pages.values()] == [True, False]


async def test_a_webhook_that_hangs_delays_no_request(
    start_proxy: StartProxy, upstream: ScriptedUpstream
) -> None:
    with receiving(10.0) as receiver:
        proxy = start_proxy(POLICY, upstream_url=upstream.url, notify_url=receiver.url)
        await ask(proxy)
        await until(lambda: receiver.arrived)
        assert max([await ask(proxy) for _ in range(10)]) < 1.0
        assert len(await proxy.receipts(11)) == 11


async def test_what_a_server_could_not_tell_is_told_by_the_next_one(
    start_proxy: StartProxy, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    with receiving(status(503), OK) as receiver:
        proxy = start_proxy(POLICY, upstream_url=upstream.url, notify_url=receiver.url)
        await ask(proxy)
        await arrived(receiver)
        start_proxy(POLICY, upstream_url=upstream.url, notify_url=receiver.url)
        bodies = await arrived(receiver, 2)
        store = Store.open(f"sqlite:///{tmp_path}/ledger.db")
        await until(lambda: store.newest_notices(limit=1)[0].outcome == "delivered")
        store.close()
    assert bodies[0]["id"] == bodies[1]["id"]


LOADED = """
import sys
from app.main import create_app
from app.settings import Settings
from tests.running import running
settings = Settings.read(upstream_url="http://127.0.0.1:9/api/v1", openrouter_api_key="k")
with running(create_app(settings)):
    print(*sys.modules, sep=",")
"""


def test_without_a_webhook_nothing_that_delivers_is_loaded() -> None:
    told = subprocess.check_output([sys.executable, "-c", LOADED], text=True, cwd=ROOT)  # noqa: S603
    late = {"httpx2", *(f"app.notifying.{each}" for each in ("sender", "courier", "lookout"))}
    assert not late & set(told.strip().split(","))
