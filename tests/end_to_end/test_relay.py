"""The relay, over real sockets: what upstream sent is what the caller gets, as it arrives."""

import asyncio
import hashlib
import json

import httpx2
import pytest

from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Close, Pause, Reset, ScriptedUpstream, reply, sse

CHAT = "/v1/chat/completions"
ASK = {"model": "acme/sim-1", "messages": [{"role": "user", "content": "hello"}]}
ASK_STREAM = {**ASK, "stream": True}


def _frame(fields: bytes) -> bytes:
    return b'data: {"id":"gen-1","provider":"DeepInfra","model":"acme/sim-1",' + fields + b"}\n\n"


FRAMES = (
    b": OPENROUTER PROCESSING\n\n",
    _frame(b'"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]'),
    _frame(b'"choices":[{"index":0,"delta":{"content":"h\xc3\xa9llo"}}]'),
    b": OPENROUTER PROCESSING\n\n",
    _frame(
        b'"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":7,"completion_tokens":2,"cost":0.000021,'
        b'"prompt_tokens_details":{"cached_tokens":3}}'
    ),
    b"data: [DONE]\n\n",
)


async def test_a_whole_answer_arrives_as_upstream_sent_it(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    body = b'{"id": "gen-9",  "provider":"Novita","n":1.0,"big":123456789012345678901234567890}'
    openrouter.plays(reply(body, X_Generation_Id="gen-9", X_Odd="kept"))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert answer.status_code == 200
    assert answer.content == body
    assert answer.headers["x-odd"] == "kept"
    assert answer.headers["content-length"] == str(len(body))
    assert answer.headers["x-pointsman-receipt"].startswith("rcp_")


async def test_t03_t14_a_stream_keeps_every_byte_comments_included(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(*FRAMES))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK_STREAM)
    sent = hashlib.sha256(b"".join(FRAMES)).hexdigest()
    assert hashlib.sha256(answer.content).hexdigest() == sent
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-accel-buffering"] == "no"


async def test_t01_each_chunk_is_passed_on_as_soon_as_it_arrives(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    came = [asyncio.Event() for _ in FRAMES]  # the next one is not sent before
    script = [piece for frame, event in zip(FRAMES, came, strict=True) for piece in (frame, event)]
    openrouter.plays(sse(*script))
    arrivals: list[bytes] = []
    async with proxy.client.stream("POST", proxy.url + CHAT, json=ASK_STREAM) as answer:
        async for chunk in answer.aiter_raw():
            came[len(arrivals)].set()
            arrivals.append(chunk)
    assert tuple(arrivals) == FRAMES


async def test_t07_a_stream_cut_at_every_byte_tells_the_same(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url)
    whole = b"".join(FRAMES)
    openrouter.plays(sse(*(bytes([byte]) for byte in whole)))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK_STREAM)
    assert answer.content == whole
    receipt = await proxy.only_receipt()
    assert receipt["provider"] == "deepinfra"
    assert (receipt["prompt_tokens"], receipt["completion_tokens"]) == (7, 2)


async def test_t10_usage_and_cost_of_a_stream_are_on_the_receipt(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(*FRAMES))
    await proxy.client.post(proxy.url + CHAT, json=ASK_STREAM)
    receipt = await proxy.only_receipt()
    assert receipt["ending"] == "complete"
    assert receipt["streamed"] is True
    assert receipt["generation_id"] == "gen-1"
    assert receipt["cached_tokens"] == 3
    assert receipt["cost_usd"] == pytest.approx(0.000021)
    assert receipt["finish_reason"] == "stop"
    assert 0 < receipt["ttfb_ms"] <= receipt["ttft_ms"] <= receipt["duration_ms"]
    assert receipt["bytes_out"] == len(b"".join(FRAMES))


async def test_t05_a_stream_without_done_ends_without_done(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(*FRAMES[:-1]))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK_STREAM)
    assert answer.content == b"".join(FRAMES[:-1])


async def _stream_into(got: list[bytes], proxy: Proxy) -> None:
    async with proxy.client.stream("POST", proxy.url + CHAT, json=ASK_STREAM) as answer:
        async for chunk in answer.aiter_raw():
            got.append(chunk)  # noqa: PERF401 - what came before a break is the point


@pytest.mark.parametrize("cut", [Reset, Close])
async def test_t06_an_upstream_that_breaks_stays_visibly_broken(
    proxy: Proxy, openrouter: ScriptedUpstream, cut: type[Reset | Close]
) -> None:
    openrouter.plays(sse(*FRAMES[:3], Pause(0.05), cut))
    got: list[bytes] = []
    with pytest.raises(httpx2.RemoteProtocolError):
        await _stream_into(got, proxy)
    assert b"".join(got) == b"".join(FRAMES[:3])
    receipt = await proxy.only_receipt()
    assert receipt["ending"] == "upstream_cut"
    assert receipt["provider"] == "deepinfra"


async def test_t06_a_body_shorter_than_its_length_stays_short(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays((b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", Close))
    with pytest.raises(httpx2.RemoteProtocolError):
        await proxy.client.post(proxy.url + CHAT, json=ASK)
    assert (await proxy.only_receipt())["ending"] == "upstream_cut"


async def test_t11_an_error_inside_a_stream_is_passed_on_and_noted(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    error = (
        b'data: {"id":"gen-1","provider":"DeepInfra","choices":[{"index":0,"delta":{},'
        b'"finish_reason":"error"}],"error":{"code":429,"message":"slow down"}}\n\n'
    )
    openrouter.plays(sse(*FRAMES[:3], error))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK_STREAM)
    assert answer.content == b"".join(FRAMES[:3]) + error
    receipt = await proxy.only_receipt()
    assert receipt["ending"] == "upstream_error"
    assert receipt["error_code"] == "429"


@pytest.mark.parametrize("status", [400, 402, 404, 429, 500, 502, 503, 529])
async def test_t12_an_error_status_arrives_with_its_body_and_headers(
    proxy: Proxy, openrouter: ScriptedUpstream, status: int
) -> None:
    body = b'{"error":{"message":"no","code":%d}}' % status
    openrouter.plays(reply(body, status=status, Retry_After="7"))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK_STREAM)
    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers["retry-after"] == "7"
    receipt = await proxy.only_receipt()
    assert (receipt["status"], receipt["ending"]) == (status, "upstream_error")


async def test_t34_the_request_goes_on_byte_for_byte_where_no_policy_speaks(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    body = (
        b' {"model" : "acme/sim-1","n":1.0,"e":1e-7,"big":123456789012345678901,"u":"\\ud83d",'
        b'"x":{"a":1,"a":2},\t"messages":[]} '
    )
    await proxy.client.post(
        proxy.url + CHAT, content=body, headers={"content-type": "application/json"}
    )
    assert openrouter.only_request.body == body


async def test_t17_a_caller_who_leaves_mid_stream_ends_the_upstream_call(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(sse(*FRAMES[:3], Pause(20), *FRAMES[3:]))
    async with proxy.client.stream("POST", proxy.url + CHAT, json=ASK_STREAM) as answer:
        async for _ in answer.aiter_raw():
            break
    assert await openrouter.saw_hangup()
    receipt = await proxy.only_receipt()
    assert receipt["ending"] == "caller_left"
    assert receipt["provider"] == "deepinfra"


@pytest.mark.parametrize("ask", [ASK, ASK_STREAM])
async def test_t17_a_caller_who_leaves_before_the_headers_ends_the_upstream_call(
    proxy: Proxy, openrouter: ScriptedUpstream, ask: dict[str, object]
) -> None:
    openrouter.plays((Pause(20), *reply(b"{}")))
    call = asyncio.create_task(proxy.client.post(proxy.url + CHAT, json=ask))
    await openrouter.was_asked()
    await asyncio.sleep(0.05)  # at once, it would be one that closes its own direction only
    call.cancel()
    assert await openrouter.saw_hangup()
    receipt = await proxy.only_receipt()
    assert (receipt["ending"], receipt["status"]) == ("caller_left", None)


async def test_t20_failed_streams_give_their_connections_back(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b'{"error":{"message":"x","code":500}}', status=500))
    for _ in range(200):
        await proxy.client.post(proxy.url + CHAT, json=ASK_STREAM)
    openrouter.plays(sse(*FRAMES))
    answer = await proxy.client.post(proxy.url + CHAT, json=ASK_STREAM)
    assert answer.status_code == 200
    assert openrouter.connections <= 3  # the catalog was asked for over two of them


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/api/v1/chat/completions",
        "/chat/completions",
        "/v1/chat/completions/",
        "//v1/chat/completions",
        "/v1/v1/chat/completions",
    ],
)
async def test_t35_every_way_to_write_the_path_arrives(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str
) -> None:
    openrouter.plays(reply(b"{}"))
    await proxy.client.post(proxy.url + path, json=ASK)
    assert openrouter.only_request.target == "/api/v1/chat/completions"


async def test_any_other_path_is_passed_through_with_method_query_and_body(
    proxy: Proxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b'{"ok":true}', status=201))
    answer = await proxy.client.request(
        "PATCH", proxy.url + "/v1/presets/x?a=1&b=%20", content=b"\x00raw"
    )
    assert (answer.status_code, answer.content) == (201, b'{"ok":true}')
    request = openrouter.only_request
    assert (request.method, request.target) == ("PATCH", "/api/v1/presets/x?a=1&b=%20")
    assert request.body == b"\x00raw"


async def test_the_models_list_has_the_aliases_in_front(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    listed = b'{"data":[{"id":"acme/sim-1","context_length":32768, "x":1.0}],"total_count":1}'
    openrouter.plays_catalog = True
    openrouter.plays(reply(listed))
    proxy = start_proxy(
        "version: 1\naliases:\n  quick: {model: acme/sim-1, preferences: {sort: price}}\n",
        upstream_url=openrouter.url,
    )
    answer = await proxy.client.get(proxy.url + "/v1/models")
    first, second = answer.json()["data"]
    assert (first["id"], first["context_length"]) == ("quick", 32768)
    assert second["id"] == "acme/sim-1"
    assert b'{"id":"acme/sim-1","context_length":32768, "x":1.0}' in answer.content


async def test_the_policy_is_injected_and_the_rest_of_the_body_kept(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(
        "version: 1\nrules:\n"
        "  - {name: pinned, models: ['acme/*'], pin: [deepinfra, novita], zdr: true}\n",
        upstream_url=openrouter.url,
    )
    openrouter.plays(sse(*FRAMES))
    answer = await proxy.client.post(proxy.url + CHAT, json={**ASK_STREAM, "top_k": 1})
    sent = openrouter.only_request.json
    assert sent.pop("provider") == {
        "only": ["deepinfra", "novita"],
        "order": ["deepinfra", "novita"],
        "zdr": True,
    }
    assert sent == {**ASK_STREAM, "top_k": 1}
    assert answer.headers["x-pointsman-rule"] == "pinned"
    receipt = await proxy.only_receipt()
    assert receipt["rules"] == ["pinned"]
    assert receipt["verdict"] == "kept", json.dumps(receipt, indent=1)


async def test_a_callers_name_and_tool_choose_its_rules(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    policy = (
        "version: 1\nrules:\n"
        "  - {name: all, models: ['*'], sort: throughput}\n"
        "  - {name: helpers, models: ['*'], callers: [background], sort: price}\n"
        "  - {name: aider, models: ['*'], user_agents: ['aider/*'], zdr: true}\n"
    )
    keys = "background:key-of-background,anna:key-of-anna"
    proxy = start_proxy(policy, upstream_url=openrouter.url, caller_keys=keys)
    openrouter.plays(reply(b"{}"))
    chosen: dict[str, list[str]] = {}
    for name, agent in (("background", "x"), ("anna", "x"), ("anna", "aider/0.9")):
        headers = {"authorization": f"Bearer key-of-{name}", "user-agent": agent}
        answer = await proxy.client.post(proxy.url + CHAT, json=ASK, headers=headers)
        chosen[f"{name} {agent}"] = answer.headers["x-pointsman-rule"].split(", ")
    assert chosen == {
        "background x": ["helpers", "all"],
        "anna x": ["all"],
        "anna aider/0.9": ["aider", "all"],
    }
    sorts = [request.json["provider"]["sort"] for request in openrouter.requests]
    assert sorts == ["price", "throughput", "throughput"]
    assert "key-of" not in str([request.headers for request in openrouter.requests])


async def test_headers_choose_rules_and_rules_remove_headers(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    policy = (
        "version: 1\nrules:\n"
        "  - {name: all, models: ['*'], sort: throughput}\n"
        "  - name: subagents\n"
        "    models: ['*']\n"
        "    headers: {x-claude-code-agent-id: '*'}\n"
        "    sort: price\n"
        "    strip_headers: [x-stainless-*, x-team]\n"
    )
    proxy = start_proxy(
        policy, upstream_url=openrouter.url, forward_headers="x-team,x-claude-code-*"
    )
    openrouter.plays(reply(b"{}"))
    main = {"X-Team": "red", "X-Stainless-OS": "Linux", "X-Other": "1"}
    for headers in (main, {**main, "X-Claude-Code-Agent-Id": "canary-agent"}):
        await proxy.client.post(proxy.url + CHAT, json=ASK, headers=headers)
    first, second = openrouter.requests
    assert (first.json["provider"], second.json["provider"]) == (
        {"sort": "throughput"},
        {"sort": "price"},
    )
    names = [{name.lower() for name, _ in request.headers} for request in (first, second)]
    ours = {"x-team", "x-stainless-os", "x-other", "x-claude-code-agent-id"}
    assert names[0] & ours == {"x-team", "x-stainless-os"}
    assert names[1] & ours == {"x-claude-code-agent-id"}
    receipts = await proxy.receipts(2)
    assert {tuple(each["rules"]) for each in receipts} == {("all",), ("subagents", "all")}
    assert "canary-agent" not in json.dumps(receipts)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/files"), ("GET", "/v1/models"), ("POST", "/v1/messages/count_tokens")],
)
async def test_added_headers_are_forwarded_on_paths_without_a_policy_too(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, method: str, path: str
) -> None:
    proxy = start_proxy(upstream_url=openrouter.url, forward_headers="x-team")
    openrouter.plays_catalog = True
    openrouter.plays(reply(b"{}"))
    headers = {"x-team": "red", "x-other": "1"}
    body = ASK if method == "POST" else None
    await proxy.client.request(method, proxy.url + path, json=body, headers=headers)
    target = path.replace("/v1", "/api/v1")
    (ours,) = [
        [(name.lower(), value) for name, value in request.headers if name.lower() in headers]
        for request in openrouter.requests
        if request.target == target and "x-team" in str(request.headers).lower()
    ]
    assert ours == [("x-team", "red")]
