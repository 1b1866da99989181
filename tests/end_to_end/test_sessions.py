"""A receipt has the session that its tool names, in a digest, whatever is forwarded of it."""

import json
from typing import Any

import pytest

from app.record.receipt_of import session_digest
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": [{"role": "user", "content": "hi"}]}


async def sessions(
    proxy: Proxy, *requests: tuple[str, dict[str, Any], dict[str, str]]
) -> list[str | None]:
    """The sessions on the receipts of these requests: each a path, a body and headers."""
    for path, body, headers in requests:
        answer = await proxy.client.post(proxy.url + path, json=body, headers=headers)
        assert answer.status_code == 200
    receipts = await proxy.receipts(len(requests))
    return [receipt["session"] for receipt in sorted(receipts, key=lambda each: each["id"])]


async def test_a_tools_own_header_names_the_session_and_stays_here(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url)
    openrouter.plays(reply(b"{}"))
    found = await sessions(proxy, (CHAT, ASK, {"x-claude-code-session-id": "mine"}))
    assert found == [session_digest("mine")]
    names = {name.lower() for name, _ in openrouter.requests[-1].headers}
    assert "content-type" in names
    assert "x-claude-code-session-id" not in names


@pytest.mark.parametrize(
    ("rule", "expected", "sent"),
    [("set: {session_id: all}", "all", "all"), ("strip: [session_id]", "header", None)],
)
async def test_what_is_sent_counts(
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    rule: str,
    expected: str,
    sent: str | None,
) -> None:
    policy = f"version: 1\nrules:\n  - {{name: r, models: ['*'], {rule}}}\n"
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    openrouter.plays(reply(b"{}"))
    body = {**ASK, "session_id": "body"}
    assert await sessions(proxy, (CHAT, body, {"x-session-id": "header"})) == [
        session_digest(expected)
    ]
    assert json.loads(openrouter.requests[-1].body).get("session_id") == sent


async def test_sessions_are_guessed_only_where_that_is_set(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url)
    assert await sessions(proxy, (CHAT, ASK, {})) == [None]


async def test_a_guessed_session_is_on_the_receipts_of_its_conversation(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url, guess_sessions=True)
    turns = [*ASK["messages"], {"role": "assistant", "content": "a"}, *ASK["messages"]]
    first, second, named, embedded = await sessions(
        proxy,
        (CHAT, ASK, {}),
        (CHAT, {**ASK, "messages": turns}, {}),
        (CHAT, ASK, {"x-session-id": "mine"}),
        ("/v1/embeddings", {"model": "acme/sim-1", "input": "hi"}, {}),
    )
    assert first == second is not None
    assert named == session_digest("mine") != first
    assert embedded is None
