"""GET /pointsman/stats and the pages of GET /pointsman/receipts."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.api.receipts import receipt_routes
from app.api.stats import stats_routes
from app.ledger.store import Store
from tests.ledger.receipts import START, receipt

RECEIPTS = [
    receipt(second, provider="novita" if second % 3 else "groq", verdict="kept", model_sent="m")
    for second in range(30)
]


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    store = Store.open("sqlite:///ledger.sqlite")
    store.write(RECEIPTS)
    app = FastAPI()

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "reads": None}, receive, send)

    app.include_router(stats_routes(lambda: store))
    app.include_router(receipt_routes(lambda: store))
    transport = httpx2.ASGITransport(app=door)
    async with httpx2.AsyncClient(transport=transport, base_url="http://ledger") as client:
        yield client
    store.close()


async def test_figures_come_in_groups(client: httpx2.AsyncClient) -> None:
    told = (await client.get("/pointsman/stats?by=provider")).json()
    assert [(group["provider"], group["requests"]) for group in told["groups"]] == [
        ("novita", 20),
        ("groq", 10),
    ]
    assert told["total"]["verdicts"] == {"kept": 30, "broken": 0, "unproven": 0, "none": 0}
    assert (told["by"], told["since"], told["until"]) == (["provider"], None, None)


async def test_time_and_filters_narrow_them(client: httpx2.AsyncClient) -> None:
    asked = {
        "since": (START + timedelta(seconds=10)).isoformat(),
        "until": "2026-11-21T09:30:20.125Z",
        "provider": "novita",
        "model": "m",
    }
    told = (await client.get("/pointsman/stats", params=asked)).json()
    assert told["total"]["requests"] == sum(one.provider == "novita" for one in RECEIPTS[10:20])
    assert told["until"] == "2026-11-21T09:30:20.125Z"
    spans = (await client.get("/pointsman/stats?since=1h")).json()
    assert spans["since"] is not None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("stats?by=host", "by: 'host' is not one of provider"),
        ("stats?since=yesterday", "since: 'yesterday' is not a time; use e.g. 90m"),
        ("stats?until=soon", "until: 'soon' is not a time"),
        ("stats?verdict=good", "verdict: 'good' is not one of kept, broken, unproven, none"),
        ("stats?model=", "model: there is no value"),
        ("stats?limit=5", "limit: not known"),
        ("receipts?by=model", "by: not known"),
        ("receipts?modle=m", "modle: not known; did you mean model?"),
        ("receipts?model=m&model=n", "model: given twice"),
        ("receipts?limit=0", "limit: '0' is not a number from 1 to 1000"),
        ("receipts?limit=9999", "limit: '9999' is not a number"),
        ("receipts?limit=-1", "limit: '-1' is not a number"),
        ("receipts?failed=maybe", "failed: 'maybe' is not one of true, false"),
    ],
)
async def test_a_wrong_question_is_told_what_is_right(
    client: httpx2.AsyncClient, query: str, words: str
) -> None:
    answer = await client.get(f"/pointsman/{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(words)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("model=m*&provider=GROQ", 10),
        ("verdict=none", 0),
        ("failed=false&path=/v1/*", 30),
        ("status=200", 0),
        ("since=2026-11-21T09:30:10.125Z&until=2026-11-21T09:30:20.125Z", 10),
    ],
)
async def test_receipts_and_stats_take_the_same_filters(
    client: httpx2.AsyncClient, query: str, count: int
) -> None:
    receipts = (await client.get(f"/pointsman/receipts?{query}")).json()["receipts"]
    stats = (await client.get(f"/pointsman/stats?{query}")).json()
    assert (len(receipts), stats["total"]["requests"]) == (count, count)


async def test_receipts_are_read_page_by_page(client: httpx2.AsyncClient) -> None:
    seen: list[str] = []
    before = ""
    while True:
        page = (await client.get(f"/pointsman/receipts?limit=7{before}")).json()["receipts"]
        if not page:
            break
        seen += [one["id"] for one in page]
        before = f"&before={seen[-1]}"
    assert seen == [one.id for one in reversed(RECEIPTS)]


async def test_the_score_of_each_host_is_counted(client: httpx2.AsyncClient) -> None:
    asked = {"by": "provider", "since": START.isoformat()}
    told = (await client.get("/pointsman/score", params=asked)).json()
    (model,) = told["models"]
    assert [host["provider"] for host in model["hosts"]] == ["groq", "novita"]
    assert model["total"]["rates"]["failed"]["of"] == 30
    wrong = await client.get("/pointsman/score?by=caller")
    assert (wrong.status_code, wrong.json()["detail"][:12]) == (400, "by: 'caller'")
