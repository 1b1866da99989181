"""Receipts and figures over HTTP."""

import unicodedata

from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from app.api.framed import framed
from app.ledger.store import Store
from tests.budget.accounts import NO_REPORT
from tests.ledger.receipts import receipt


async def nothing(*_: object) -> None:
    """Not asked for here."""


def test_t63_what_curl_prints_does_nothing_to_a_terminal() -> None:
    store = Store.open("sqlite:///ledger.sqlite")
    text = "a\x9b31m\u202e\u2028\x1b[2J\x7f上"
    store.write([receipt(model_asked=text, provider=text)])
    apps = {"explain": nothing, "pages": nothing, "otherwise": nothing}
    app = framed(lambda: store, budgets=NO_REPORT, **apps)

    async def let_in(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "reads": None}, receive, send)

    with TestClient(let_in) as client:
        receipts = client.get("/pointsman/receipts")
        stats = client.get("/pointsman/stats?by=model")
    for answer in (receipts, stats):
        assert not {unicodedata.category(char) for char in answer.text} & {"Cc", "Cf", "Zl", "Zp"}
        assert "上" in answer.text
    assert receipts.json()["receipts"][0]["provider"] == text
    assert stats.json()["groups"][0]["model"] == text
    store.close()
