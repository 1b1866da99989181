"""Canaries: a prompt, an answer and keys go through every path and every error path, and are then
looked for everywhere that Pointsman writes or shows anything, at debug log level.
"""

import asyncio
import csv
import gzip
import json
import logging
import threading
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.cli.bundle import write_bundle
from app.cli.doctor import as_json_object, examine
from app.cli.export import export
from app.ledger.store import Store
from app.ledger.wanted import EVERYTHING
from app.settings import Settings
from tests.conftest import UPSTREAM_KEY, Proxy, StartProxy
from tests.notifying.receiver import Receiver, receiving
from tests.otlp_receiver import Collector, collecting
from tests.running import NO_TLS
from tests.scripted_upstream import Pause, Reset, ScriptedUpstream, reply, sse
from tests.waiting import until

PROMPT, ANSWER = "canary-prompt-7f3a", "canary-answer-91bc"
KEY, COOKIE, SESSION = "canary-key-of-a-caller", "canary-cookie-5d", "canary-session-e1"
AGENT = "canary-agent-3c"
TOOL = "canary-tool-b2"  # a tool's name, and a name in its schema and its arguments
CALLER, BROWSER = "canary-name-of-a-caller", "canary-user-agent-77"  # on receipts, in no bundle
HOOK, SIGNED = "canary-of-the-url", "canary-of-the-signature"
CANARIES = (PROMPT, ANSWER, KEY, COOKIE, SESSION, AGENT, TOOL, UPSTREAM_KEY)

POLICY = """\
version: 1
rules:
  - {name: all, models: ["*"], zdr: true, refuse: [preset], affinity: strict}
  - {name: picky, models: ["acme/picky"], only: [groq], on_violation: block_unproven}
  - {name: agents, models: ["*"], headers: {x-a: "*", x-claude-code-agent-id: "c*"}, sort: price}
"""

TURN = [{"role": "user", "content": PROMPT}]
SAID = [{"type": "text", "text": PROMPT}]
SCHEMA = {"type": "object", "properties": {TOOL: {"type": "integer"}}, "required": [TOOL]}
TOOLS = [{"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}]
BODIES: dict[str, dict[str, Any]] = {
    "chat/completions": {
        "model": "acme/sim-1",
        "messages": TURN,
        "user": SESSION,
        "session_id": SESSION,
        "tools": TOOLS,
    },
    "responses": {"model": "acme/sim-1", "input": PROMPT, "instructions": PROMPT},
    "messages": {"model": "acme/sim-1", "messages": TURN, "system": SAID, "max_tokens": 5},
    "completions": {"model": "acme/sim-1", "prompt": PROMPT},
    "embeddings": {"model": "acme/sim-1", "input": [PROMPT]},
    "rerank": {"model": "acme/sim-1", "query": PROMPT, "documents": [PROMPT]},
}
CHAT = BODIES["chat/completions"]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.1}
CALL = {"id": "1", "function": {"name": TOOL, "arguments": json.dumps({TOOL: ANSWER})}}
SAYS = {"content": ANSWER, "reasoning": ANSWER, "tool_calls": [CALL]}
CHOICE = {"message": SAYS, "finish_reason": "stop"}
WHOLE = {"id": "gen-1", "provider": "Novita", "choices": [CHOICE], "text": ANSWER, "usage": USAGE}
TOKEN = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\n' % ANSWER.encode()
# What a provider says may quote the prompt, and whose account it was (T-47).
QUOTED = {"raw": PROMPT + ANSWER, "provider_name": "Novita", "flagged_input": PROMPT}


def error(status: int, **more: Any) -> bytes:
    told = {"message": "Provider returned error", "code": status, "metadata": QUOTED, **more}
    return json.dumps({"error": told, "user_id": SESSION}).encode()


ANSWERS = {
    "whole": reply(json.dumps(WHOLE).encode()),
    "streamed": sse(b": OPENROUTER PROCESSING\n\n", TOKEN, b"data: [DONE]\n\n"),
    "no route": reply(error(404), status=404),
    "bad request": reply(error(400), status=400),
    "limited": reply(error(429), status=429, Retry_After="1"),
    "down": reply(error(502), status=502),
    "a page": reply(f"<html>{PROMPT}{ANSWER}".encode(), status=503, content_type="text/html"),
    "rubbish": reply(f"not json {ANSWER}".encode()),
    "half an event": sse(TOKEN, b'data: {"choices":[{"delta":{"content":"' + ANSWER.encode()),
    "an error in a stream": sse(TOKEN, b"data: " + error(502) + b"\n\n"),
    "cut": sse(TOKEN, Reset, end=False),
}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that gets every span and measurement soon."""
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "200")
        yield collector


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """A webhook that is told of everything; its URL has a canary, too."""
    with receiving() as receiver:
        assert HOOK in receiver.url
        yield receiver


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """A caller that sends its key, a cookie and a session with everything."""
    headers = {"authorization": f"Bearer {KEY}", "cookie": COOKIE, "x-session-id": SESSION}
    headers |= {"x-claude-code-agent-id": AGENT, "x-a": AGENT, "user-agent": BROWSER}
    async with httpx2.AsyncClient(
        verify=NO_TLS, timeout=60, trust_env=False, headers=headers
    ) as client:
        yield client


async def send(client: httpx2.AsyncClient, url: str, **request: Any) -> int | None:
    """Send one POST and read what comes; its status, None where the answer broke off."""
    try:
        return (await client.post(url, **request)).status_code
    except httpx2.RemoteProtocolError:
        return None


async def every_answer(client: httpx2.AsyncClient, proxy: Proxy, up: ScriptedUpstream) -> int:
    """Each kind of answer on each path that a policy holds; how many requests that were."""
    sent = 0
    for path, body in BODIES.items():
        for answer in ANSWERS.values():
            up.plays(answer)
            await send(client, f"{proxy.url}/v1/{path}", json=body)
            sent += 1
    return sent


async def every_refusal(client: httpx2.AsyncClient, proxy: Proxy, up: ScriptedUpstream) -> int:
    """Everything that Pointsman says no to, or withholds; how many requests that were."""
    up.plays(ANSWERS["whole"])
    url, typed = f"{proxy.url}/v1/chat/completions", {"content-type": "application/json"}
    half = b'{"model":"a/b","messages":"' + PROMPT.encode()
    refused: list[tuple[dict[str, Any], int]] = [
        ({"content": half, "headers": typed}, 400),
        ({"content": f'"{PROMPT}"'.encode(), "headers": typed}, 400),
        ({"content": b"\xff" + PROMPT.encode(), "headers": typed}, 400),
        ({"content": PROMPT.encode(), "headers": {"content-type": "text/plain"}}, 415),
        ({"content": half, "headers": {**typed, "content-encoding": "gzip"}}, 400),
        ({"content": gzip.compress(half), "headers": {**typed, "content-encoding": "gzip"}}, 400),
        ({"content": half, "headers": {**typed, "content-encoding": "br"}}, 415),
        ({"json": {"messages": TURN}}, 400),
        ({"json": {**CHAT, "model": [PROMPT]}}, 400),
        ({"json": {**CHAT, "models": PROMPT}}, 400),
        ({"json": {**CHAT, "stream": PROMPT}}, 200),
        ({"json": {**CHAT, "provider": PROMPT}}, 400),
        ({"json": {**CHAT, "provider": {"zdr": False, "only": 7}}}, 400),
        ({"json": {**CHAT, "preset": PROMPT}}, 403),
        ({"json": {**CHAT, "model": "acme/picky", "provider": {"only": ["novita"]}}}, 403),
        ({"json": {**CHAT, "model": "acme/picky"}}, 502),
        ({"json": {**CHAT, "pad": PROMPT * 60_000}}, 413),
        ({"json": CHAT, "headers": {"host": "evil.example"}}, 403),
        ({"json": CHAT, "headers": {"origin": "https://evil.example"}}, 403),
    ]
    for request, expected in refused:
        assert await send(client, url, **request) == expected, request
    return len(refused)


async def every_other_path(client: httpx2.AsyncClient, proxy: Proxy, up: ScriptedUpstream) -> int:
    """Paths that pass through, explain or count; how many receipts they leave."""
    filed = 0
    for answer in ("whole", "bad request", "a page", "cut"):
        up.plays(ANSWERS[answer])
        await send(client, f"{proxy.url}/v1/files/{answer}?q=1", content=PROMPT.encode())
        filed += 1
        await send(client, f"{proxy.url}/v1/messages/count_tokens", json=BODIES["messages"])
        await client.get(f"{proxy.url}/v1/models")
        await client.get(f"{proxy.url}/v1/models/acme/sim-1")
    dry = {"x-pointsman-dry-run": "1"}
    await send(client, f"{proxy.url}/v1/chat/completions", json=CHAT, headers=dry)
    await send(client, f"{proxy.url}/pointsman/explain", json=CHAT)
    await client.get(f"{proxy.url}/{PROMPT}")
    up.plays(sse(TOKEN, Pause(30)))
    url = f"{proxy.url}/v1/chat/completions"
    async with client.stream("POST", url, json={**CHAT, "stream": True}) as answered:
        chunks = answered.aiter_raw()
        await anext(chunks)  # and then the caller leaves
    return filed + 1


PAGES = (
    *("/metrics", "/ready", "/health", "/pointsman/receipts?limit=1000", "/pointsman/stats"),
    *("/dashboard", "/dashboard/who", "/dashboard/quality", "/dashboard/money"),
    *("/dashboard/policy", "/dashboard/sign-in"),
)


async def everything_shown(proxy: Proxy, receipts: list[dict[str, Any]]) -> str:
    """Every page and figure there is, and each receipt by itself."""
    one_of_each = {(each["ending"], each["dialect"]): each["id"] for each in receipts}
    alone = [f"/pointsman/receipts/{each}" for each in one_of_each.values()]
    alone += [f"/dashboard/receipts/{each}" for each in one_of_each.values()]
    shown = ""
    for path in (*PAGES, *alone):
        answer = await proxy.client.get(proxy.url + path)
        assert answer.status_code in {200, 303}, path  # without keys nobody signs in
        shown += answer.text + str(answer.headers)
    return shown


def everything_on_disk(folder: Path) -> str:
    """All files, whatever they are; the test's own policies aside."""
    files = [each for each in folder.rglob("*") if each.is_file() and each.suffix != ".yaml"]
    assert files
    return "".join(each.read_bytes().decode("latin-1") for each in files)


def everything_exported(ledger: Path, output: Path) -> int:
    """Exports land beside the ledger, to be looked through with it; how many receipts they have."""
    store = Store.open(f"sqlite:///{ledger}")
    try:
        export(store, EVERYTHING, form="jsonl", output=output / "all.jsonl")
        export(store, EVERYTHING, form="csv", output=output / "all.csv")
    finally:
        store.close()
    with (output / "all.csv").open(newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


def everything_reported(settings: Settings, folder: Path) -> dict[str, str]:
    """What `pointsman bundle` collects, and what `pointsman doctor --json` prints."""
    file = folder / "bundle.zip"
    write_bundle(settings, file, receipts=1000, with_policies=True)
    with zipfile.ZipFile(file) as opened:
        found = {each: opened.read(each).decode() for each in opened.namelist()}
    file.unlink()
    return {**found, "doctor --json": json.dumps(as_json_object(asyncio.run(examine(settings))))}


def everything_logged(records: list[logging.LogRecord]) -> str:
    """All lines with their tracebacks; this thread's are those of the test's own client."""
    lines = logging.Formatter("%(name)s %(message)s")
    here = threading.current_thread().name
    return "\n".join(lines.format(record) for record in records if record.threadName != here)


@pytest.mark.parametrize(
    ("transport", "caller_keys"),
    [("lean", ""), ("httpx", f"{CALLER}:{KEY}")],
    ids=["the caller's key goes on", "the caller's key stays here"],
)
async def test_t39_t47_no_prompt_answer_or_key_is_found_anywhere(  # noqa: PLR0917 - fixtures
    collector: Collector,
    start_proxy: StartProxy,
    openrouter: ScriptedUpstream,
    client: httpx2.AsyncClient,
    hook: Receiver,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    transport: str,
    caller_keys: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    settings: dict[str, Any] = {
        "upstream_url": openrouter.url,
        "openrouter_api_key": UPSTREAM_KEY if caller_keys else "",
        "caller_keys": caller_keys,
        "operators": CALLER if caller_keys else "",
        "transport": transport,
        "max_body_mb": 1,
        "log_level": "debug",
        "otel": True,
        "notify_url": hook.url,
        "notify_secret": SIGNED,
    }
    proxy = start_proxy(POLICY, **settings)
    if caller_keys:
        proxy.client.headers["x-api-key"] = KEY
        assert await send(proxy.client, f"{proxy.url}/v1/x", headers={"x-api-key": PROMPT}) == 401
    filed = await every_answer(client, proxy, openrouter)
    filed += await every_refusal(client, proxy, openrouter)
    filed += await every_other_path(client, proxy, openrouter)
    receipts = await proxy.receipts(filed)
    assert {each["ending"] for each in receipts} == {
        *("complete", "empty", "unfinished"),
        *("caller_left", "upstream_cut", "upstream_error", "refused"),
    }
    collector.wait(lambda it: len(it.spans) == filed and it.metrics)
    await asyncio.sleep(0.3)  # one more batch of measurements
    await until(lambda: hook.arrived)
    shown = await everything_shown(proxy, receipts)
    assert everything_exported(tmp_path / "ledger.db", tmp_path) == filed
    places = {
        "what is shown": shown,
        "the log": everything_logged(caplog.records),
        "the disk": everything_on_disk(tmp_path),
        "what a collector gets": b"".join(collector.raw).decode("latin-1"),
    }
    secret = [(each, word) for each in places for word in (HOOK, SIGNED) if word in places[each]]
    assert secret == []
    places["what a webhook gets"] = b"".join(each.body for each in hook.arrived).decode()
    assert [
        (place, canary) for place, text in places.items() for canary in CANARIES if canary in text
    ] == []
    there = Settings.read(
        **settings,
        port=int(proxy.url.rpartition(":")[2]),
        policies=tmp_path / "policies",
        state=tmp_path,
    )
    openrouter.plays(ANSWERS["bad request"])  # what a provider says to doctor, too
    reported = await asyncio.to_thread(everything_reported, there, tmp_path)
    digests = {each[name] for each in receipts for name in ("session", "subagent") if each[name]}
    assert digests
    words = {*CANARIES, HOOK, SIGNED, CALLER, BROWSER, *digests, "gen-1"}
    assert [(name, word) for name, text in reported.items() for word in words if word in text] == []
    assert {"policies/test.yaml", "metrics.txt", "ready.json"} <= reported.keys()
    assert reported["receipts.jsonl"].count("\n") == filed
    assert receipts[0]["id"] in reported["receipts.jsonl"]
    assert "tool-1" in reported["receipts.jsonl"]
    assert receipts[0]["id"] in places["the disk"]  # looking there finds what is there
    assert receipts[0]["id"] in places["what a collector gets"]
    assert receipts[0]["id"] in places["the log"]
    assert '"event":"broken"' in places["what a webhook gets"]
    assert hook.arrived[0].json()["title"].split('"')[0] in places["the disk"]  # of the notices
