"""What holds for chat holds for responses and messages too, however the bytes are cut (T-15)."""

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.policy.tags import with_tiers
from app.record.receipt_of import session_digest
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Pause, Reset, ScriptedUpstream, reply, sse
from tests.waiting import until_seen

RECORDED = Path(__file__).parent.parent / "fixtures/openrouter/sse"
PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages")
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": [], "input": "x", "stream": True}

# One short stream for each dialect: comments, several events, a character of three bytes.
SHORT = {
    "/v1/chat/completions": (
        b": OPENROUTER PROCESSING\n\n"
        b'data: {"id":"gen-1","provider":"Novita","choices":[{"delta":{"content":"'
        b'\xe2\x82\xac"}}]}\n\n'
        b'data: {"id":"gen-1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n'
        b"data: [DONE]\n\n"
    ),
    "/v1/responses": (
        b": \n\n"
        b'data: {"type":"response.output_text.delta","delta":"\xe2\x82\xac"}\n\n'
        b'data: {"type":"response.completed","response":{"id":"gen-1","provider":"Novita",'
        b'"usage":{"input_tokens":7,"output_tokens":2}}}\n\n'
        b"data: [DONE]\n\n"
    ),
    "/v1/messages": (
        b"event: message_start\n"
        b'data: {"type":"message_start","message":{"id":"gen-1","provider":"Novita",'
        b'"usage":{"input_tokens":7}}}\n\n'
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"'
        b'\xe2\x82\xac"}}\n\n'
        b"event: message_delta\n"
        b'data: {"type":"message_delta","usage":{"output_tokens":2}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
        b"event: data\ndata: [DONE]\n\n"
    ),
}


async def stream(proxy: Proxy, path: str) -> bytes:
    answer = await proxy.client.post(proxy.url + path, json=ASK)
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize("path", PATHS)
async def test_t07_t15_a_stream_split_at_every_offset_arrives_the_same(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str
) -> None:
    whole = SHORT[path]
    for cut in range(1, len(whole)):
        openrouter.plays(sse(whole[:cut], whole[cut:]))
        assert await stream(proxy, path) == whole, cut
    receipts = await proxy.receipts(len(whole) - 1)
    told = {
        (each["provider"], each["prompt_tokens"], each["completion_tokens"], each["ending"])
        for each in receipts
    }
    assert told == {("novita", 7, 2, "complete")}


@pytest.mark.parametrize("path", PATHS)
async def test_t07_t09_t15_byte_by_byte_is_the_same_too(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str
) -> None:
    openrouter.plays(sse(*(bytes([byte]) for byte in SHORT[path])))
    assert await stream(proxy, path) == SHORT[path]
    assert (await proxy.only_receipt())["generation_id"] == "gen-1"


def recordings() -> list[tuple[str, str, bytes]]:
    kinds = {"responses": PATHS[1], "messages": PATHS[2]}
    return [
        (
            next((path for kind, path in kinds.items() if kind in file.name), PATHS[0]),
            file.name,
            file.read_bytes(),
        )
        for file in sorted(RECORDED.iterdir())
        if file.suffix == ".sse"
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [(path, body) for path, _, body in recordings()],
    ids=[name for _, name, _ in recordings()],
)
async def test_t03_t04_t14_t15_recorded_streams_keep_every_byte(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str, body: bytes
) -> None:
    pieces = [body[start : start + 997] for start in range(0, len(body), 997)]
    openrouter.plays(sse(*pieces))
    got = await stream(proxy, path)
    assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize("path", PATHS)
async def test_t06_t15_a_break_stays_a_break(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str
) -> None:
    openrouter.plays(sse(SHORT[path][:60], Pause(0.05), Reset))
    with pytest.raises(httpx2.RemoteProtocolError):
        await stream(proxy, path)
    assert (await proxy.only_receipt())["ending"] == "upstream_cut"


@pytest.mark.parametrize("path", PATHS)
async def test_t11_t15_an_error_inside_a_stream_passes_and_is_noted(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str
) -> None:
    error = b'data: {"type":"error","error":{"code":429,"message":"slow down","type":"x"}}\n\n'
    openrouter.plays(sse(b": x\n\n", error))
    assert await stream(proxy, path) == b": x\n\n" + error
    receipt = await proxy.only_receipt()
    assert (receipt["ending"], receipt["error_message"]) == ("upstream_error", "slow down")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [402, 429, 500, 503, 529])
async def test_t12_t15_errors_before_the_body_keep_status_body_and_retry_after(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str, status: int
) -> None:
    body = b'{"error": {"code": %d, "message": "no"}}' % status
    openrouter.plays(reply(body, status=status, Retry_After="3"))
    answer = await proxy.client.post(proxy.url + path, json=ASK)
    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers["retry-after"] == "3"


@pytest.mark.parametrize("path", PATHS)
async def test_t08_t15_what_can_not_be_parsed_is_passed_on_all_the_same(
    proxy: Proxy, openrouter: ScriptedUpstream, path: str
) -> None:
    rubbish = b"data: {not json\n\ndata: \xff\xfe\n\n\r\rdata\n:\n\n" + b"x" * 5000
    openrouter.plays(sse(rubbish[:40], rubbish[40:]))
    assert await stream(proxy, path) == rubbish
    assert (await proxy.only_receipt())["ending"] == "complete"


async def test_t38_a_reload_that_shuts_a_provider_out_wins_at_once(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    """A session that a host has cached must not keep that host after the policy has changed."""
    rule = "version: 1\nrules:\n  - {name: r, models: ['*'], %s}\n"
    proxy = start_proxy(rule % "sort: price", upstream_url=openrouter.url)
    openrouter.plays(reply(b"{}"))
    ask = {**ASK, "stream": False, "session_id": "one"}
    await proxy.client.post(proxy.url + PATHS[0], json=ask)
    (tmp_path / "policies" / "test.yaml").write_text(rule % "ignore: [novita]")

    async def wins() -> bool:
        await proxy.client.post(proxy.url + PATHS[0], json=ask)
        return bool(openrouter.requests[-1].json["provider"] == {"ignore": with_tiers(["novita"])})

    await until_seen(wins)
    assert json.loads(openrouter.requests[-1].body)["session_id"] == "one"


@pytest.mark.parametrize("path", ["/v1/files", PATHS[0]])
async def test_a_session_named_by_header_is_on_every_receipt(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str
) -> None:
    """Also where the body is not one that we read, or could not be."""
    openrouter.plays(reply(b"{}"))
    proxy = start_proxy(upstream_url=openrouter.url)
    headers = {"x-session-id": "mine", "content-type": "application/json"}
    await proxy.client.post(proxy.url + path, content=b"{broken", headers=headers)
    assert (await proxy.only_receipt())["session"] == session_digest("mine")
