"""A rule's deadlines end a request that misses them, and nothing else does."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx2
import pytest

from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Pause, ScriptedUpstream, Step, reply, sse

COMMENT = b": OPENROUTER PROCESSING\n\n"
LONG = Pause(90)  # far beyond any deadline here
ASK = {"model": "acme/sim-1", "messages": [{"role": "user", "content": "hello"}]}


def _data(**fields: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps({"provider": "DeepInfra", **fields}).encode()


def _chat(text: str) -> bytes:
    return _data(id="gen-1", choices=[{"index": 0, "delta": {"content": text}}])


# By dialect: what comes before the first token, and an event with one.
EVENTS = {
    "chat": (_chat(""), _chat("hello")),
    "responses": (
        _data(type="response.created", sequence_number=0, response={"id": "gen-1"}),
        _data(type="response.output_text.delta", sequence_number=1, delta="hello"),
    ),
    "messages": (
        b"event: message_start\n" + _data(type="message_start", message={"id": "gen-1"}),
        b"event: content_block_delta\n"
        + _data(type="content_block_delta", index=0, delta={"type": "text_delta", "text": "hi"}),
    ),
}
PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
DIALECTS = pytest.mark.parametrize("dialect", [*PATHS])


def _policy(**keys: str) -> str:
    written = "".join(f", {key}: {value}" for key, value in keys.items())
    return f'version: 1\nrules:\n  - {{name: prompt, models: ["*"]{written}}}\n'


async def _broken(proxy: Proxy, dialect: str = "chat") -> list[bytes]:
    """The pieces of a stream that must break off."""
    got: list[bytes] = []
    with pytest.raises(httpx2.RemoteProtocolError):
        await _stream_into(got, proxy, dialect)
    return got


async def _stream_into(got: list[bytes], proxy: Proxy, dialect: str) -> None:
    ask = {**ASK, "stream": True}
    async with proxy.client.stream("POST", proxy.url + PATHS[dialect], json=ask) as answer:
        assert answer.status_code == 200
        async for piece in answer.aiter_raw():
            got.append(piece)  # noqa: PERF401 - what came before the break is the point


def _error(sent: Sequence[bytes], got: list[bytes]) -> dict[str, Any]:
    """The one event after all that was sent."""
    arrived, before = b"".join(got), b"".join(sent)
    assert arrived.startswith(before)
    *_, line, end, rest = arrived[len(before) :].split(b"\n")
    assert (end, rest) == (b"", b"")
    event: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return event


# --- the first token --------------------------------------------------------------------------


@DIALECTS
async def test_t69_comments_do_not_count_as_a_first_token(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, dialect: str
) -> None:
    sent = (COMMENT, Pause(0.1), EVENTS[dialect][0], Pause(0.1), *(COMMENT, Pause(0.05)) * 50)
    openrouter.plays(sse(*sent, LONG))
    proxy = start_proxy(_policy(first_token="1500ms"), upstream_url=openrouter.url)
    got = b"".join(await _broken(proxy, dialect))
    assert await openrouter.saw_hangup()
    assert got.startswith(COMMENT + EVENTS[dialect][0] + COMMENT)
    assert b"first_token_deadline" in got[-700:]
    receipt = await proxy.only_receipt()
    assert receipt["error_code"] == "first_token_deadline"
    assert (receipt["ending"], receipt["status"]) == ("upstream_error", 200)
    assert receipt["ttft_ms"] is None
    assert receipt["bytes_out"] == len(got)
    assert 'the first_token of rule "prompt" (' in receipt["error_message"]


@DIALECTS
@pytest.mark.parametrize("stream", [True, False])
async def test_t69_an_answer_that_does_not_begin_is_a_504(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, dialect: str, *, stream: bool
) -> None:
    openrouter.plays((LONG,))
    proxy = start_proxy(_policy(first_token="200ms"), upstream_url=openrouter.url)
    url = proxy.url + PATHS[dialect]
    answer = await proxy.client.post(url, json={**ASK, "stream": stream})
    assert await openrouter.saw_hangup()
    assert answer.status_code == 504
    error = answer.json()["error"]
    assert error["code"] == "first_token_deadline"
    assert error["type"] == ("timeout_error" if dialect == "messages" else "upstream_error")
    assert "did not begin within 200ms" in error["message"]
    assert "x-should-retry" not in answer.headers
    assert (await proxy.only_receipt())["ending"] == "upstream_error"
    assert len(openrouter.requests) == 1


async def test_of_a_whole_answer_blanks_are_no_beginning(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    openrouter.plays((head, *(b"\n   \n", Pause(0.05)) * 9, LONG))
    proxy = start_proxy(_policy(first_token="200ms"), upstream_url=openrouter.url)
    with pytest.raises(httpx2.RemoteProtocolError):
        await proxy.client.post(proxy.url + PATHS["chat"], json=ASK)
    receipt = await proxy.only_receipt()
    assert (receipt["error_code"], receipt["ending"]) == ("first_token_deadline", "upstream_error")


async def test_what_begins_in_time_may_take_its_time(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    pieces: tuple[Step, ...] = (COMMENT, _chat("a"), Pause(0.5), _chat("b"), b"data: [DONE]\n\n")
    whole = b'{"choices": [{"finish_reason": "stop", "message": {"content": "x"}}]}'
    openrouter.plays(sse(*pieces), reply(whole))
    proxy = start_proxy(_policy(first_token="300ms"), upstream_url=openrouter.url)
    url = proxy.url + PATHS["chat"]
    answer = await proxy.client.post(url, json={**ASK, "stream": True})
    assert answer.content == b"".join(each for each in pieces if isinstance(each, bytes))
    assert (await proxy.client.post(url, json=ASK)).content == whole
    assert [each["ending"] for each in await proxy.receipts(2)] == ["complete", "complete"]


async def test_an_answer_that_cannot_be_read_begins_with_its_first_byte(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: br\r\n"
    openrouter.plays((head + b"Content-Length: 2\r\n\r\n", b"\x8b", Pause(0.4), b"\x03"))
    proxy = start_proxy(_policy(first_token="200ms"), upstream_url=openrouter.url)
    async with proxy.client.stream("POST", proxy.url + PATHS["chat"], json=ASK) as answer:
        assert [piece async for piece in answer.aiter_raw()]
    assert (await proxy.only_receipt())["ending"] == "complete"


# --- a stall ----------------------------------------------------------------------------------


@DIALECTS
async def test_t69_a_stream_that_stalls_breaks_off_with_an_error_of_its_dialect(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, dialect: str
) -> None:
    sent = EVENTS[dialect]
    openrouter.plays(sse(*sent, LONG))
    proxy = start_proxy(_policy(stall="200ms"), upstream_url=openrouter.url)
    event = _error(sent, await _broken(proxy, dialect))
    assert await openrouter.saw_hangup()
    assert event["error"]["code"] == "stall_deadline"
    assert "paused for more than 200ms" in event["error"]["message"]
    if dialect == "chat":
        assert event.keys() == {"error"}
    else:
        assert event["type"] == "error"
    if dialect == "responses":
        assert (event["code"], event["sequence_number"]) == ("stall_deadline", 2)
    receipt = await proxy.only_receipt()
    assert (receipt["error_code"], receipt["ending"]) == ("stall_deadline", "upstream_error")
    assert receipt["provider"] == "deepinfra"
    assert receipt["ttft_ms"] is not None
    stats = (await proxy.client.get(f"{proxy.url}/pointsman/stats")).json()
    (row,) = stats["groups"]
    assert (row["provider"], row["errors"]) == ("deepinfra", 1)


@pytest.mark.parametrize("alive", [COMMENT, PING, b"data: : OPENROUTER PROCESSING\n\n"])
async def test_t69_a_stream_that_is_only_kept_alive_stalls(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, alive: bytes
) -> None:
    openrouter.plays(sse(*EVENTS["messages"], *(alive, Pause(0.05)) * 40))
    proxy = start_proxy(_policy(stall="300ms"), upstream_url=openrouter.url)
    assert b"stall_deadline" in b"".join(await _broken(proxy, "messages"))
    assert await openrouter.saw_hangup()


async def test_a_stream_that_makes_progress_does_not_stall(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """Its events may have no token, and may arrive in parts."""
    empty, token = _chat(""), _chat("hello")
    parts = [
        part for cut in range(0, len(token), 30) for part in (token[cut : cut + 30], Pause(0.05))
    ]
    pieces = (token, *(empty, Pause(0.1)) * 20, COMMENT, *parts, b"data: [DONE]\n\n")
    openrouter.plays(sse(*pieces))
    proxy = start_proxy(_policy(first_token="1500ms", stall="1500ms"), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + PATHS["chat"], json={**ASK, "stream": True})
    assert answer.content == b"".join(each for each in pieces if isinstance(each, bytes))
    assert (await proxy.only_receipt())["ending"] == "complete"


@pytest.mark.parametrize("cut", [30, -1])
async def test_t69_no_error_is_added_to_half_an_event(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, cut: int
) -> None:
    sent = (_chat("a"), _chat("b")[:cut])
    openrouter.plays(sse(*sent, LONG))
    proxy = start_proxy(_policy(stall="200ms"), upstream_url=openrouter.url)
    assert b"".join(await _broken(proxy)) == b"".join(sent)
    assert (await proxy.only_receipt())["error_code"] == "stall_deadline"


async def test_t69_no_error_is_added_to_a_body_of_a_declared_length(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 5000\r\n\r\n"
    openrouter.plays((head, _chat("a"), LONG))
    proxy = start_proxy(_policy(stall="200ms"), upstream_url=openrouter.url)
    assert b"".join(await _broken(proxy)) == _chat("a")


async def test_a_whole_answer_that_stalls_stays_visibly_short(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    openrouter.plays((head, b'{"provider":', LONG))
    proxy = start_proxy(_policy(stall="200ms"), upstream_url=openrouter.url)
    with pytest.raises(httpx2.RemoteProtocolError):
        await proxy.client.post(proxy.url + PATHS["chat"], json=ASK)
    assert await openrouter.saw_hangup()
    assert (await proxy.only_receipt())["error_code"] == "stall_deadline"


async def test_a_stall_in_an_answer_that_is_withheld_is_a_504(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """Streams on `/responses` name their provider last, so they are withheld until then."""
    unnamed = (each.replace(b"provider", b"other") for each in EVENTS["responses"])
    openrouter.plays(sse(*unnamed, LONG))
    policy = _policy(stall="200ms", only="[deepinfra]", on_violation="block")
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    ask = {**ASK, "stream": True}
    answer = await proxy.client.post(proxy.url + PATHS["responses"], json=ask)
    assert await openrouter.saw_hangup()
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "stall_deadline")


# --- in total ---------------------------------------------------------------------------------


@DIALECTS
async def test_t69_a_stream_that_goes_on_for_too_long_breaks_off(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, dialect: str
) -> None:
    before, token = EVENTS[dialect]
    openrouter.plays(sse(before, *(token, Pause(0.05)) * 40))
    proxy = start_proxy(_policy(stall="10s", total="400ms"), upstream_url=openrouter.url)
    got = b"".join(await _broken(proxy, dialect))
    assert await openrouter.saw_hangup()
    assert got.count(token) > 1
    assert b'"code":"total_deadline"' in got.rpartition(b"data: ")[2]
    receipt = await proxy.only_receipt()
    assert (receipt["error_code"], receipt["ending"]) == ("total_deadline", "upstream_error")
    assert 400 <= receipt["duration_ms"] < 3000


async def test_a_total_that_passes_before_the_answer_is_a_504_that_sdks_do_not_repeat(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays((LONG,))
    proxy = start_proxy(_policy(total="200ms"), upstream_url=openrouter.url)
    answer = await proxy.client.post(proxy.url + PATHS["chat"], json=ASK)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "total_deadline")
    assert answer.headers["x-should-retry"] == "false"
    assert await openrouter.saw_hangup()


async def test_a_request_whose_total_is_over_before_it_is_sent_is_not_sent(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(_policy(total="1ms"), upstream_url=openrouter.url)

    async def slowly() -> AsyncIterator[bytes]:
        body = json.dumps(ASK).encode()
        yield body[:10]
        await asyncio.sleep(0.05)
        yield body[10:]

    headers = {"content-type": "application/json"}
    url = proxy.url + PATHS["chat"]
    answer = await proxy.client.post(url, content=slowly(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "total_deadline")
    assert "nothing was sent to OpenRouter" in answer.json()["error"]["message"]
    assert openrouter.requests == []


# --- which, and by which transport -------------------------------------------------------------


async def test_the_tightest_of_several_models_deadlines_holds(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays((LONG,))
    policy = (
        "version: 1\nrules:\n"
        '  - {name: patient, models: ["acme/*"], total: 1h, first_token: 1m}\n'
        '  - {name: hasty, models: ["other/*"], first_token: 200ms}\n'
    )
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    ask = {**ASK, "models": ["other/sim-2"]}
    answer = await proxy.client.post(proxy.url + PATHS["chat"], json=ask)
    message = answer.json()["error"]["message"]
    assert 'the first_token of rule "hasty" (' in message
    assert "test.yaml:4);" in message


async def test_t69_a_deadline_ends_requests_through_httpx_too(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays((LONG,), sse(_chat("a"), LONG))
    policy = _policy(first_token="200ms", stall="200ms")
    proxy = start_proxy(policy, upstream_url=openrouter.url, transport="httpx")
    answer = await proxy.client.post(proxy.url + PATHS["chat"], json=ASK)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "first_token_deadline")
    assert await openrouter.saw_hangup()
    openrouter.hung_up.clear()
    assert _error([_chat("a")], await _broken(proxy))["error"]["code"] == "stall_deadline"
    assert await openrouter.saw_hangup()
