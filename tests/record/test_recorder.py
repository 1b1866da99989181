"""After an answer: what decides is waited for, and then its receipt is filed, once."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.ledger.listed import Listed
from app.ledger.receipt import Receipt
from app.openrouter.catalog_feed import CatalogFeed
from app.policy.apply import apply
from app.policy.file.parse import read_book
from app.policy.request import read_request
from app.policy.routed import routed
from app.record.conversations import Conversations
from app.record.recorder import Recorder
from app.server.process import Traffic
from app.telemetry.tallies import Tallies
from app.telemetry.telemetry import Telemetry
from app.wire.dialect import DIALECTS
from tests.budget.accounts import NO_BUDGETS

CHAT = DIALECTS["/chat/completions"]
MODEL = "acme/one"
ENDPOINT = {
    "tag": "novita/fp8",
    "provider_name": "Novita",
    "quantization": "fp8",
    "pricing": {"prompt": "0", "completion": "0"},
}
LISTING = json.dumps({"data": {"id": MODEL, "endpoints": [ENDPOINT]}}).encode()
BOOK = read_book(
    {"p.yaml": "version: 1\nrules:\n  - {name: eight, models: ['*'], quantizations: [fp8]}\n"}
)
Get = Callable[[str], Awaitable[tuple[int, bytes]]]


def recording(get: Get) -> tuple[Recorder, CatalogFeed, list[Receipt]]:
    filed: list[Receipt] = []
    feed = CatalogFeed(get)
    recorder = Recorder(
        feed=feed,
        submit=lambda receipt, _: filed.append(receipt),
        telemetry=Telemetry(Tallies(lambda _: None)),
        traffic=Traffic(),
        conversations=Conversations(idle=600.0),
        accounts=NO_BUDGETS,
    )
    return recorder, feed, filed


async def one_request(recorder: Recorder, feed: CatalogFeed) -> None:
    async def send(_: Any) -> None:
        """The client reads it."""

    scope = {"type": "http", "path": "/v1/chat/completions", "headers": []}
    async with recorder.exchange(scope, send, CHAT) as exchange:
        request = read_request(json.dumps({"model": MODEL}).encode())
        found = routed(BOOK, request, caller=None, user_agent="", catalog=feed.current)
        exchange.routed(found)
        feed.want(MODEL)
        exchange.sending(apply(request, found.route))
        answer = exchange.begin_answer(200, [(b"content-type", b"application/json")])
        answer.saw(json.dumps({"model": MODEL, "provider": "Novita"}).encode())
        exchange.complete = True


async def test_the_first_request_for_a_model_is_judged_by_the_listing_it_has_fetched() -> None:
    go = asyncio.Event()

    async def get(path: str) -> tuple[int, bytes]:
        await go.wait()
        return (200, LISTING) if path.endswith("/endpoints") else (503, b"")

    recorder, feed, filed = recording(get)
    await one_request(recorder, feed)
    await asyncio.sleep(0.02)
    assert filed == []
    go.set()
    await feed.settled()
    await asyncio.sleep(0.02)
    assert [receipt.verdict for receipt in filed] == ["kept"]
    await recorder.close()
    assert len(filed) == 1


@pytest.mark.parametrize("closed_first", [True, False])
async def test_a_receipt_that_waits_for_a_listing_is_filed_before_the_recorder_closes(
    *, closed_first: bool
) -> None:
    async def get(_: str) -> tuple[int, bytes]:
        await asyncio.sleep(60)
        raise AssertionError("nothing waits for so long")

    recorder, feed, filed = recording(get)
    await one_request(recorder, feed)
    if closed_first:
        await feed.close()
    await recorder.close()
    assert [receipt.verdict for receipt in filed] == ["unproven"]
    await feed.close()


async def test_a_ledger_in_trouble_reaches_no_request(caplog: pytest.LogCaptureFixture) -> None:
    def trouble(_: Receipt, _listed: Listed | None) -> None:
        raise RuntimeError("no ledger")

    async def get(_: str) -> tuple[int, bytes]:
        return 503, b""

    feed = CatalogFeed(get)
    telemetry = Telemetry(Tallies(lambda _: None))
    recorder = Recorder(
        feed=feed,
        submit=trouble,
        telemetry=telemetry,
        traffic=Traffic(),
        conversations=Conversations(idle=600.0),
        accounts=NO_BUDGETS,
    )
    await one_request(recorder, feed)
    await recorder.close()
    assert "no receipt could be created" in caplog.text
