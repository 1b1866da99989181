"""A conversation stays at its host, over real sockets: pinned, let go of, shared and refused."""

import json
import time
from typing import Any

from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.waiting import until_seen

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": [], "session_id": "mine"}
RULE = "version: 1\nrules:\n  - {name: kept, models: ['*'], affinity: %s}\n"
SEALED = {"role": "assistant", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}


def served_by(provider: str, status: int = 200) -> Any:
    said = {"id": "gen-1", "provider": provider, "model": "acme/sim-1", "choices": [
        {"finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1}}  # fmt: skip
    failed = {"error": {"code": status, "message": "no", "metadata": {"provider_name": provider}}}
    return reply(json.dumps(said if status == 200 else failed).encode(), status=status)


async def ask(proxy: Proxy, upstream: ScriptedUpstream, **more: Any) -> Any:
    """Send a turn; returns the `provider` object that upstream was sent."""
    count = len(upstream.requests)
    await proxy.client.post(proxy.url + CHAT, json={**ASK, **more})
    assert len(upstream.requests) == count + 1
    return upstream.requests[-1].json.get("provider")


async def test_a_turn_goes_first_to_the_host_of_the_one_before(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(RULE % "pin", upstream_url=openrouter.url)
    openrouter.plays(served_by("Novita"))
    assert await ask(proxy, openrouter) is None
    await proxy.receipts(1)
    assert await ask(proxy, openrouter) == {"order": ["novita"]}
    assert await ask(proxy, openrouter, session_id="another") is None
    assert await ask(proxy, openrouter, model="acme/sim-2") is None


async def test_a_failing_host_is_let_go_of_and_its_successor_is_kept(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(RULE % "pin", upstream_url=openrouter.url)
    openrouter.plays(served_by("Novita"))
    await ask(proxy, openrouter)
    await proxy.receipts(1)
    openrouter.plays(served_by("Novita", 503))
    assert await ask(proxy, openrouter) == {"order": ["novita"]}
    await proxy.receipts(2)
    openrouter.plays(served_by("DeepInfra"))
    assert await ask(proxy, openrouter) is None
    await proxy.receipts(3)
    assert await ask(proxy, openrouter) == {"order": ["deepinfra"]}


async def test_another_process_on_the_same_ledger_knows_within_a_second(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    one, other = (start_proxy(RULE % "pin", upstream_url=openrouter.url) for _ in range(2))
    openrouter.plays(served_by("Novita"))
    await ask(one, openrouter)
    began = time.monotonic()

    async def pinned() -> bool:
        body = {**ASK, "session_id": "mine"}
        dry = await other.client.post(f"{other.url}/pointsman/explain", json=body)
        assert dry.status_code == 200
        return bool(dry.json()["pinned_to"] == "novita")

    await until_seen(pinned)
    assert time.monotonic() - began < 20  # a second, and what a busy machine takes
    assert await ask(other, openrouter) == {"order": ["novita"]}


async def test_a_restart_forgets_nothing(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(served_by("Novita"))
    proxy = start_proxy(RULE % "pin", upstream_url=openrouter.url)
    await ask(proxy, openrouter)
    await proxy.receipts(1)
    again = start_proxy(RULE % "pin", upstream_url=openrouter.url)

    async def pinned() -> bool:
        dry = await again.client.post(f"{again.url}/pointsman/explain", json=ASK)
        return bool(dry.json()["pin_reason"] == "last_turn")

    await until_seen(pinned)


async def test_sealed_reasoning_goes_to_its_issuer_alone_or_is_refused_before_anything_is_sent(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(RULE % "strict", upstream_url=openrouter.url)
    openrouter.plays(served_by("Novita"))
    await ask(proxy, openrouter)
    await proxy.receipts(1)
    sealed = [{"role": "user", "content": "x"}, SEALED]
    sent = await ask(proxy, openrouter, messages=sealed)
    assert sent == {"only": ["novita"], "order": ["novita"]}
    count = len(openrouter.requests)
    body = {**ASK, "messages": sealed, "provider": {"ignore": ["novita"]}}
    answer = await proxy.client.post(proxy.url + CHAT, json=body)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "sealed_elsewhere"
    assert answer.headers["x-should-retry"] == "false"
    assert len(openrouter.requests) == count


async def test_a_hint_reaches_openrouter_for_a_tool_that_names_its_session_elsewhere(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(RULE % "hint", upstream_url=openrouter.url)
    openrouter.plays(served_by("Novita"))
    bare = {key: value for key, value in ASK.items() if key != "session_id"}
    await proxy.client.post(proxy.url + CHAT, json=bare)
    assert openrouter.requests[-1].json == bare
    await proxy.client.post(proxy.url + CHAT, json=bare, headers={"x-session-id": "mine"})
    receipt, _ = await proxy.receipts(2)
    assert openrouter.requests[-1].json == {**bare, "session_id": receipt["session"]}


async def test_two_callers_sessions_of_one_name_are_two_for_openrouter(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    keys = {"anna": "key-of-anna-1234567890", "ben": "key-of-ben-1234567890"}
    proxy = start_proxy(RULE % "pin", upstream_url=openrouter.url, caller_keys=keys)
    openrouter.plays(served_by("Novita"))
    sent = []
    for key in (*keys.values(), *keys.values()):
        headers = {"x-task-id": "1", "authorization": f"Bearer {key}"}
        body = {"model": "acme/sim-1", "messages": []}
        answer = await proxy.client.post(proxy.url + CHAT, json=body, headers=headers)
        assert answer.status_code == 200
        sent.append(openrouter.requests[-1].json["session_id"])
    assert sent[:2] == sent[2:]
    assert sent[0] != sent[1]
