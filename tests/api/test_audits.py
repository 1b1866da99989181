"""Audits over HTTP: bounded, by model, and one with all that may be said of it."""

from typing import Any

import pytest

from app.ledger.audits import Audit
from app.ledger.store import Store
from tests.audits import MODEL, compared, kept, result
from tests.conftest import StartProxy
from tests.end_to_end.test_audited import ledger_in
from tests.ledger.receipts import START


async def get(proxy: Any, path: str) -> tuple[int, Any]:
    answer = await proxy.client.get(f"{proxy.url}/pointsman/{path}")
    return answer.status_code, answer.json()


@pytest.fixture
def ledger(tmp_path: Any) -> Store:
    store = ledger_in(tmp_path)
    kept(store, result(compared("groq", "different"), compared("novita", "same")), "aud_1", START)
    store.keep_audit(Audit(id="aud_0", model="a/b", started_at=START, plan={}))
    store.close()
    return store


@pytest.mark.usefixtures("ledger")
async def test_audits_are_listed_newest_first_and_by_model(start_proxy: StartProxy) -> None:
    proxy = start_proxy()
    status, body = await get(proxy, "audits")
    assert status == 200
    assert [each["audit"] for each in body["audits"]] == ["aud_1", "aud_0"]
    newest, begun = body["audits"]
    assert newest["verdicts"] == {"same": 1, "undecided": 0, "different": 1}
    assert (newest["requests_planned"], newest["spent_usd"]) == (300, 0.031)
    assert (begun["reference"], begun["spent_usd"], begun["requests_planned"]) == (None, None, None)
    _, body = await get(proxy, f"audits?model={MODEL}&limit=1")
    assert [each["model"] for each in body["audits"]] == [MODEL]


@pytest.mark.usefixtures("ledger")
async def test_one_audit_has_its_figures_and_what_may_be_said(start_proxy: StartProxy) -> None:
    proxy = start_proxy()
    status, body = await get(proxy, "audits/aud_1")
    assert status == 200
    assert [each["tag"] for each in body["result"]["compared"]] == ["groq", "novita"]
    assert "part from the reference's sooner" in " ".join(body["says"])
    _, begun = await get(proxy, "audits/aud_0")
    assert (begun["result"], begun["says"]) == (None, [])


async def test_what_can_not_be_answered_says_why(start_proxy: StartProxy) -> None:
    proxy = start_proxy()
    status, body = await get(proxy, "audits/aud_9")
    assert (status, body["error"]["message"]) == (404, "the ledger has no audit 'aud_9'")
    for limit in ("0", "201", "x", "9" * 5000):
        status, body = await get(proxy, f"audits?limit={limit}")
        assert status == 400
        assert "is not a number from 1 to 200" in body["error"]["message"]
