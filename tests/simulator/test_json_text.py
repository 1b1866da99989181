"""Halves of characters in requests: an answer, never an error of the simulator's own."""

import json
from typing import Any

import pytest

from app.simulator.json_text import without_halves
from tests.simulator.simulated import HELLO, Simulated, endpoint, model

HALF = "\ud800"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("plain", "plain"),
        ("😀", "😀"),
        (HALF, "\ufffd"),
        ("\udc00😀\udbff\udbff\udfff", "\ufffd😀\ufffd\U0010ffff"),
        (r"\ud800 as six characters", r"\ud800 as six characters"),
        ("\\" + HALF, "\\\ufffd"),
    ],
)
def test_only_halves_are_replaced(sent: str, read: str) -> None:
    assert json.loads(without_halves(json.dumps(sent).encode())) == read


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/messages", {"fallbacks": [{"model": "acme/one", HALF: 1}]}, 400),
        ("/messages", {"fallbacks": [{"model": HALF}]}, 400),
        ("/messages", {"model": f"acme/{HALF}"}, 400),
        ("/chat/completions", {"model": f"acme/{HALF}"}, 400),
        ("/chat/completions", {"provider": {HALF: 1}}, 400),
        ("/chat/completions", {"provider": {"only": [HALF]}}, 404),
        ("/chat/completions", {"preset": HALF}, 404),
        ("/chat/completions", {"model": f"acme/one@preset/{HALF}"}, 404),
        ("/chat/completions", {"messages": [{"role": "user", "content": HALF}]}, 200),
        ("/chat/completions", {"session_id": HALF, "plugins": [{"id": HALF}]}, 200),
        ("/embeddings", {"input": [HALF]}, 200),
        ("/batches", {"requests": [{"custom_id": HALF, "body": {HALF: 1}}]}, 400),
    ],
)
async def test_a_half_of_a_character_is_answered(
    tmp_path: Any, path: str, fields: dict[str, Any], status: int
) -> None:
    simulated = Simulated(tmp_path, model(endpoint("novita/fp8"), id="acme/one"))
    body = {"model": "acme/one", "max_tokens": 5, "messages": HELLO, **fields}
    assert (await simulated.post(path, body)).status_code == status
