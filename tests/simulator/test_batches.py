"""Batches: read as a stream, in the order of their keys, served by one host (openrouter.md §A8)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.simulator.batches import read_batch
from app.simulator.refusals import Refusal
from tests.simulator.channels import MODELS
from tests.simulator.simulated import HELLO, Simulated

ROW: dict[str, Any] = {"custom_id": "1", "body": {"model": "acme/big", "messages": HELLO}}
BATCH: dict[str, Any] = {
    "endpoint": "/v1/chat/completions",
    "model": "acme/big",
    "requests": [ROW, {**ROW, "custom_id": "2"}],
}
ADVISOR = {"type": "openrouter:advisor", "parameters": {"model": "acme/mini"}}


def read(body: Any) -> dict[str, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_batch("application/json", raw)


def last(*names: str) -> dict[str, Any]:
    """The batch with these keys behind all others."""
    full = {**BATCH, "callback_url": "https://example.com"}
    return {**{k: v for k, v in full.items() if k not in names}, **{k: full[k] for k in names}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (last("model"), 'model: must appear before "requests"'),
        (last("endpoint"), 'endpoint: must appear before "requests"'),
        (last("callback_url"), 'callback_url: must appear before "requests"'),
        ({k: v for k, v in BATCH.items() if k != "model"}, 'model: must appear before "requests"'),
        ({**BATCH, "endpoint": "/v1/images"}, "endpoint: Invalid option: expected one of"),
        ({**BATCH, "endpoint": []}, "endpoint: Invalid option: expected one of"),
        ({**BATCH, "requests": []}, "requests: Invalid input: expected array"),
        ({**BATCH, "requests": "x"}, "requests: Invalid input: expected array"),
        ({**BATCH, "requests": [5]}, "requests.0.body: Invalid input: expected object"),
        (
            {**BATCH, "requests": [ROW, {"body": {}}]},
            "requests.1.custom_id: Invalid input: expected string",
        ),
        (
            {**BATCH, "requests": [ROW, {"custom_id": "2", "body": {"model": "acme/mini"}}]},
            'requests.1.body.model: Invalid input: expected "acme/big"',
        ),
        ({**BATCH, "completion_window": "1h"}, 'completion_window: Invalid input: expected "24h"'),
        ([], "Invalid input: expected object"),
        (b"{", "Invalid JSON"),
    ],
)
def test_what_a_batch_must_be(body: Any, message: str) -> None:
    with pytest.raises(Refusal, match=re.escape(message)) as refused:
        read(body)
    assert refused.value.status == 400


def test_the_reader_sees_only_what_stands_before_the_requests() -> None:
    """Of a key given twice, the one before them; a `provider` behind them is never read."""
    raw = b'{"endpoint":"/v1/chat/completions","model":"acme/big","requests":%s,%s}'
    rows = json.dumps([ROW]).encode()
    late = read(raw % (rows, b'"provider":{"only":["openai"]},"model":"acme/mini"'))
    assert (late["model"], "provider" in late) == ("acme/big", False)
    early = read({**{k: BATCH[k] for k in ("endpoint", "model")}, "provider": {}, **BATCH})
    assert early["provider"] == {}
    without = read({**BATCH, "requests": [{"custom_id": "1", "body": {"messages": HELLO}}]})
    assert without["completion_window"] == "24h"


async def test_a_batch_is_accepted_and_served_by_one_host(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    reply = await simulated.post("/batches", {"provider": {"only": ["baseten"]}, **BATCH})
    told = reply.json()
    assert (reply.status_code, told["provider"], told["model"]) == (202, "Baseten", "acme/big")
    assert told["request_counts"] == {"total": 2, "completed": 0, "failed": 0}
    assert simulated.reached() == [("acme/big", "baseten", "outer")]
    done = (await simulated.get(f"/batches/{told['id']}")).json()
    assert (done["status"], done["request_counts"]["completed"]) == ("completed", 2)
    assert (await simulated.get("/batches/batch_none")).status_code == 404


async def test_other_preferences_are_refused_as_seen_live(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    asking = {"provider": {"only": ["baseten"], "zdr": True, "sort": "price"}, **BATCH}
    reply = await simulated.post("/batches", asking)
    message = 'provider: Unrecognized keys: "zdr", "sort"'
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, message)


async def test_without_fallbacks_a_batch_fails_where_its_host_does(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, *MODELS)
    strict = {"provider": {"only": ["baseten"], "allow_fallbacks": False}, **BATCH}
    assert (await simulated.post("/batches", strict)).status_code == 202
    failing = await simulated.post("/batches", strict, fail={"baseten": 503})
    assert failing.status_code == 503


@pytest.mark.parametrize("inherits", [True, False])
async def test_tools_of_the_requests_inside_call_their_models(
    tmp_path: Path, *, inherits: bool
) -> None:
    row = {**ROW, "body": {**ROW["body"], "tools": [ADVISOR], "provider": {"only": ["groq"]}}}
    wrong = {"custom_id": "3", "body": {"messages": "?"}}
    simulated = Simulated(tmp_path, *MODELS, inner_inherits=inherits)
    batch = {"provider": {"only": ["baseten"]}, **BATCH, "requests": [row] * 8 + [wrong]}
    assert (await simulated.post("/batches", batch)).status_code == 202
    first, *inner = simulated.reached()
    assert first == ("acme/big", "baseten", "outer")
    assert len(inner) == 8
    assert {why for _, _, why in inner} == {"inner"}
    assert ({tag for _, tag, _ in inner} == {"baseten"}) == inherits, "of the batch, not the row"
    assert {each.request for each in simulated.router.reached} == {1}
