"""After some traffic, the scorecard shows the host of the demo that gives faulty answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.simulator import create_simulator
from tests.conftest import StartProxy
from tests.running import running

MODEL, EACH = "moonshotai/kimi-k2", 60
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
BODY: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "the weather in Paris"}],
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}],
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """The simulated OpenRouter of `pointsman demo`."""
    with running(create_simulator(pace=0.0, flawed=True)) as server:
        yield f"{server.url}/api/v1"


async def test_the_flawed_host_of_the_demo_stands_first(
    start_proxy: StartProxy, upstream: str
) -> None:
    proxy = start_proxy(upstream_url=upstream)
    hosts = ("groq", "novita")
    for _ in range(EACH):
        for tag in hosts:
            body = {**BODY, "provider": {"only": [tag], "allow_fallbacks": False}}
            answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=body)
            assert answer.status_code == 200
    await proxy.receipts(EACH * len(hosts))
    found = (await proxy.client.get(f"{proxy.url}/pointsman/score?by=provider")).json()
    (model,) = found["models"]
    first, second = model["hosts"]
    assert model["model"] == MODEL
    assert first["provider"] == "groq"
    assert first["rates"]["tool_calls"]["found"] >= 2
    assert first["rates"]["tool_calls"]["of"] == EACH
    assert second["rates"]["tool_calls"]["found"] == 0
    filtered = f"{proxy.url}/pointsman/receipts?defect=tool_calls&limit=1000"
    receipts = (await proxy.client.get(filtered)).json()["receipts"]
    assert len(receipts) == first["rates"]["tool_calls"]["found"]
    assert {each["provider"] for each in receipts} == {first["provider"]}
