"""Presets over sockets: read with the key that the request will use, joined, or refused."""

import json
from typing import Any

import pytest

from tests.conftest import UPSTREAM_KEY, StartProxy
from tests.scripted_upstream import ScriptedUpstream, reply

RULE = 'version: 1\nrules:\n  - {name: r, models: ["*"], zdr: true}\n'
CHAT = "/v1/chat/completions"


def preset(**config: Any) -> bytes:
    designated = {"version": 3, "config": config}
    return json.dumps({"data": {"status": "active", "designated_version": designated}}).encode()


ASK = {"model": "a/b", "preset": "mine", "messages": []}


async def test_t56_a_preset_is_read_once_and_joined(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(preset(provider={"only": ["novita"]})), reply(b'{"provider": "Novita"}'))
    proxy = start_proxy(RULE, upstream_url=openrouter.url)
    for _ in range(2):
        answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
        assert answer.status_code == 200
    read, first, second = openrouter.requests
    assert (read.method, read.target) == ("GET", "/api/v1/presets/mine")
    assert read.header("authorization") == f"Bearer {UPSTREAM_KEY}"
    joined = {"zdr": True, "only": ["novita"]}
    assert first.json == second.json == {**ASK, "provider": joined}


async def test_t56_it_is_read_with_the_callers_key_where_that_goes_on(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(preset()), reply(b"{}"))
    proxy = start_proxy(RULE, upstream_url=openrouter.url, openrouter_api_key="")
    headers = {"authorization": "Bearer sk-or-v1-mine"}
    await proxy.client.post(proxy.url + CHAT, json=ASK, headers=headers)
    assert openrouter.requests[0].header("authorization") == "Bearer sk-or-v1-mine"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
async def test_t56_one_that_can_not_be_read_is_refused_and_nothing_is_sent(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str
) -> None:
    openrouter.plays(reply(b'{"error": {"code": 404}}', status=404))
    proxy = start_proxy(RULE, upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + path, json=ASK)
    assert answer.status_code == 403
    error = answer.json()["error"]
    assert error["code"] == "policy_refused"
    assert 'the filters of rule "r" can\'t be enforced with the preset mine' in error["message"]
    assert [each.method for each in openrouter.requests] == ["GET"]
    assert (await proxy.only_receipt())["ending"] == "refused"


async def test_a_preset_named_like_a_path_is_never_asked_for(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(RULE, upstream_url=openrouter.url)
    ask = {**ASK, "preset": None, "model": "@preset/../../key"}
    answer = await proxy.client.post(proxy.url + CHAT, json=ask)
    assert (answer.status_code, openrouter.requests) == (403, [])
    assert "that is not a valid preset name" in answer.text
