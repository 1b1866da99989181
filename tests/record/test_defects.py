"""Looking for defects is bounded: in memory, and in how long a receipt waits for it."""

import asyncio
import json
import logging
import time
from typing import Any

import pytest

from app.policy.request import read_request
from app.record import defects as defects_of_answers
from app.record.defects import Defects
from app.record.exchange import Arrival, Exchange
from app.wire.dialect import DIALECTS

# Each level tries all of the next one: more steps than one answer may cost.
COSTLY = {
    "$ref": "#/$defs/a",
    "$defs": {
        "a": {"anyOf": [{"$ref": "#/$defs/b"}] * 50},
        "b": {"anyOf": [{"$ref": "#/$defs/c"}] * 50},
        "c": {"anyOf": [{"type": "string"}] * 50},
    },
}


def asking(name: str, **body: Any) -> tuple[Exchange, Any]:
    exchange = Exchange(Arrival(name, "/v1/chat/completions", DIALECTS["/chat/completions"]))
    return exchange, read_request(json.dumps({"model": "a/b", **body}).encode()).fields


def answered(exchange: Exchange, text: str) -> Exchange:
    """An exchange whose answer has ended."""
    said = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
    answer = exchange.begin_answer(200, [(b"content-type", b"application/json")])
    answer.saw(json.dumps(said).encode())
    exchange.complete = True
    return exchange


async def found(defects: Defects, exchange: Exchange) -> tuple[str, ...]:
    assert exchange.answer.observer is not None
    return await defects.of(exchange, exchange.answer.observer.close())


async def test_costly_schemas_delay_a_receipt_by_half_a_second_at_most(
    caplog: pytest.LogCaptureFixture,
) -> None:
    defects = Defects()
    waiting = []
    demand = {"type": "json_schema", "json_schema": {"schema": COSTLY}}
    for number in range(40):
        exchange, fields = asking(f"rcp_{number}", response_format=demand)
        defects.note(exchange, fields)
        waiting.append(answered(exchange, "{}"))
    plain, fields = asking("rcp_plain", tools=[{"function": {"name": "x"}}])
    defects.note(plain, fields)
    waiting.append(answered(plain, "one \ufffd"))
    with caplog.at_level(logging.WARNING):
        began = time.monotonic()
        told = await asyncio.gather(*(found(defects, each) for each in waiting))
        assert time.monotonic() - began < 4 * defects_of_answers.PATIENCE_SECONDS
    assert set(told) == {()}
    assert [each.levelname for each in caplog.records] == ["WARNING"]  # and no more of them
    await asyncio.sleep(defects_of_answers.PATIENCE_SECONDS)
    assert await found(defects, plain) == ("undecoded_bytes",)


@pytest.mark.parametrize("name", ["response_format", "tools", "tool_choice", "text", "stop"])
@pytest.mark.parametrize(
    "odd", [{"type": {}}, [{"type": []}], {"type": "json_schema", "schema": 1}]
)
async def test_no_demand_of_a_request_costs_it_its_receipt(
    caplog: pytest.LogCaptureFixture, name: str, odd: object
) -> None:
    defects = Defects()
    exchange, fields = asking("rcp_1", **{name: odd})
    defects.note(exchange, fields)
    assert "undecoded_bytes" in await found(defects, answered(exchange, "one \ufffd"))
    assert not caplog.records


async def test_a_failure_to_find_defects_costs_no_receipt(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("a word of the answer")

    monkeypatch.setattr("app.defects.find.defects_in", fails)
    defects = Defects()
    exchange, fields = asking("rcp_1")
    defects.note(exchange, fields)
    assert await found(defects, answered(exchange, "hi")) == ()
    assert "the defects of request rcp_1 can't be found: KeyError" in caplog.text
    assert "a word of the answer" not in caplog.text


def test_what_open_requests_offer_is_held_within_a_bound_and_shared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(defects_of_answers, "MOST_HELD", 3000)
    defects = Defects()

    def noted(name: str, size: int, tool: str) -> Exchange:
        tools = [{"function": {"name": tool, "description": "x" * size}}]
        exchange, fields = asking(name, tools=tools)
        defects.note(exchange, fields)
        return exchange

    first, same = noted("rcp_1", 1000, "a"), noted("rcp_2", 1000, "a")
    assert first.offered is not None
    assert same.offered is not None
    assert same.offered["tools"] is first.offered["tools"]
    assert 1000 < defects.held < 1200
    other = noted("rcp_3", 1500, "b")
    assert other.offered is not None
    assert noted("rcp_4", 1000, "c").offered is None
    for each in (first, same, other):
        defects.let_go(each)
        assert each.offered is None
    assert defects.held == 0
    defects.let_go(other)
    assert defects.held == 0
    assert noted("rcp_5", 1000, "c").offered is not None
