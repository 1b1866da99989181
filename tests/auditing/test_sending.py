"""An audit's requests go by the proxy's own path, marked; and no client can mark its own."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.auditing.answered import body_of, drop_of
from app.auditing.sending import Sending, _seconds, sending
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from app.settings import Settings
from tests.auditing.made import planned
from tests.conftest import Proxy
from tests.policy.listings import MODEL, row
from tests.scripted_upstream import Pause, ScriptedUpstream, reply

BODY = body_of(MODEL, planned("novita/fp8"), "Why is the sky blue?")
ANSWER: dict[str, Any] = {
    "id": "gen-1",
    "provider": "Novita",
    "model": MODEL,
    "choices": [{"message": {"role": "assistant", "content": "Light."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "cost": 0.00002},
}


@pytest.fixture
def settings(tmp_path: Path, openrouter: ScriptedUpstream) -> Settings:
    openrouter.lists(MODEL, [row("novita/fp8", "Novita")])
    return Settings.read(
        upstream_url=openrouter.url,
        openrouter_api_key="sk-or-v1-x",
        ledger_url=f"sqlite:///{tmp_path}/ledger.sqlite",
        state=tmp_path,
    )


def kept(settings: Settings, wanted: Wanted) -> list[Any]:
    store = Store.open(settings.ledger())
    found = store.recent(wanted, limit=10)
    store.close()
    return found


async def test_a_request_arrives_as_it_was_made_without_the_cache(
    settings: Settings, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(json.dumps(ANSWER).encode()))
    async with sending(settings, "aud_1") as path:
        got = await path.ask(BODY)
    assert (got.status, got.text) == (200, "Light.")
    request = openrouter.only_request
    assert request.body == BODY
    assert request.header("x-openrouter-cache") == "false"
    assert request.header("x-openrouter-metadata") == "enabled"
    assert request.header("authorization") == "Bearer sk-or-v1-x"
    assert not [name for name, _ in request.headers if "pointsman" in name.lower()]
    assert "session" not in str(request.headers) + request.body.decode()


async def test_its_receipt_has_evidence_and_cost_like_any_other_and_the_audits_id(
    settings: Settings, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(json.dumps(ANSWER).encode()))
    async with sending(settings, "aud_1") as path:
        got = await path.ask(BODY)
    (receipt,) = kept(settings, Wanted(audit="aud_1"))
    assert got.receipt is not None
    assert receipt.id == got.receipt.id
    assert (receipt.provider, receipt.verdict, receipt.cost_usd) == (
        "novita",
        "kept",
        Decimal("0.00002"),
    )
    assert "body.provider" in receipt.evidence
    assert (receipt.rules, receipt.session, receipt.affinity) == ((), None, None)
    assert kept(settings, Wanted()) == []


async def test_a_hit_of_openrouters_cache_shows(
    settings: Settings, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(json.dumps(ANSWER).encode(), X_OpenRouter_Cache_Status="HIT"))
    async with sending(settings, "aud_1") as path:
        got = await path.ask(BODY)
    assert got.receipt is not None
    assert drop_of(planned("novita/fp8"), got.receipt) == "cached"


async def test_a_provider_that_was_not_asked_for_shows(
    settings: Settings, openrouter: ScriptedUpstream
) -> None:
    openrouter.plays(reply(json.dumps({**ANSWER, "provider": "Groq"}).encode()))
    async with sending(settings, "aud_1") as path:
        got = await path.ask(BODY)
    assert got.receipt is not None
    assert got.receipt.provider == "groq"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{}", None),
        (b"nonsense", None),
        (b'{"choices": [{"message": {"content": null}}]}', ""),
        (b'{"choices": [{"message": {"content": [{"text": "a"}]}}]}', None),
        (b'{"choices": {}}', None),
    ],
)
async def test_an_answer_without_a_text_is_none(
    settings: Settings, openrouter: ScriptedUpstream, body: bytes, text: str | None
) -> None:
    openrouter.plays(reply(body))
    async with sending(settings, "aud_1") as path:
        assert (await path.ask(BODY)).text == text


async def test_an_error_says_when_to_come_back(
    settings: Settings, openrouter: ScriptedUpstream
) -> None:
    error = b'{"error": {"code": 429, "message": "slow down"}}'
    openrouter.plays(reply(error, status=429, Retry_After="7"))
    async with sending(settings, "aud_1") as path:
        got = await path.ask(BODY)
    assert (got.status, got.retry_after, got.text) == (429, 7.0, None)
    assert got.receipt is not None
    assert got.receipt.audit == "aud_1"


async def test_an_answer_that_does_not_come_is_given_up(
    settings: Settings, openrouter: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auditing.sending.SECONDS", 0.3)
    openrouter.plays((Pause(30),))
    async with sending(settings, "aud_1") as path:
        got = await path.ask(BODY)
    assert (got.status, got.receipt) == (None, None)
    (receipt,) = kept(settings, Wanted(audit="any"))
    assert receipt.ending == "caller_left"


async def test_a_receipt_that_is_never_filed_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.auditing.sending._RECEIPT_SECONDS", 0.01)

    async def answers(scope: Any, receive: Any, send: Any, dialect: Any) -> None:
        del scope, receive, dialect
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    got = await Sending(answers, {}).ask(BODY)  # type: ignore[arg-type]
    assert (got.status, got.receipt) == (200, None)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(b"7", 7.0), (b"0.5", 0.5), (b"", None), (b"-1", None), (b"inf", None), (b"nan", None)],
)
def test_a_retry_after_is_a_number_of_seconds(told: bytes, seconds: float | None) -> None:
    assert _seconds(told) == seconds


@pytest.mark.parametrize(
    "claims",
    [
        {"headers": {"x-pointsman-audit": "aud_1"}},
        {"headers": {"user-agent": "Pointsman audit"}},
        {"headers": {"x-openrouter-cache": "false", "x-pointsman-receipt": "aud_1"}},
        {"params": {"audit": "aud_1"}},
        {"fields": {"audit": "aud_1"}},
        {"fields": {"metadata": {"audit": "aud_1"}}},
    ],
    ids=str,
)
async def test_no_client_of_a_server_can_pass_for_an_audit(
    proxy: Proxy, openrouter: ScriptedUpstream, claims: dict[str, Any]
) -> None:
    """Its receipts would be missing from every figure."""
    openrouter.plays(reply(json.dumps(ANSWER).encode()))
    fields = {"model": MODEL, "messages": [], **claims.pop("fields", {})}
    await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=fields, **claims)
    receipt = await proxy.only_receipt()
    assert receipt["audit"] is None
