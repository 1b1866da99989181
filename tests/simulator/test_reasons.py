"""Whether a model reasons: always, unless it is turned off, or only if it is asked to."""

from typing import Any

import pytest

from tests.simulator.simulated import Simulated, endpoint, model

OFF: list[dict[str, Any]] = [
    {"reasoning": {"enabled": False}},
    {"reasoning": {"effort": "none"}},
    {"reasoning_effort": "none"},
]
ROW = endpoint("a", supported_parameters=["reasoning"])


@pytest.mark.parametrize("fields", [*OFF, {"thinking": {"type": "disabled"}}])
async def test_a_model_that_reasons_by_default_can_be_told_not_to(
    fields: dict[str, Any], tmp_path: Any
) -> None:
    simulated = Simulated(tmp_path, model(ROW, reasons="default"))
    every: list[dict[str, Any]] = [{}, {"reasoning": {}}, {"reasoning": {"enabled": True}}]
    for on in every:
        assert _thoughts(await simulated.chat(**on))
    assert not _thoughts(await simulated.chat(**fields))


@pytest.mark.parametrize("fields", OFF)
async def test_reasoning_that_is_mandatory_cannot_be_turned_off(
    fields: dict[str, Any], tmp_path: Any
) -> None:
    simulated = Simulated(tmp_path, model(ROW, reasons=True))
    reply = await simulated.chat(**fields)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"] == (
        "Reasoning is mandatory for this endpoint and cannot be disabled."
    )
    assert not simulated.reached()
    assert _thoughts(await simulated.chat())
    assert _thoughts(await simulated.chat(thinking={"type": "disabled"}))


async def test_the_listing_says_which_models_must_reason() -> None:
    simulated = Simulated()
    listed = (await simulated.get("/models")).json()["data"]
    modes = {item["id"]: item.get("reasoning") for item in listed}
    assert {name for name, mode in modes.items() if mode and mode["mandatory"]} == {
        *("openai/gpt-oss-120b", "openai/gpt-5.6-luna", "x-ai/grok-4", "minimax/minimax-m2")
    }
    for name, mode in modes.items():
        found = simulated.router.catalog.find(name)
        if mode is None or found is None:
            continue
        row = next(row for row in found.rows if "reasoning" in row.parameters)
        status = (await simulated.chat(name, reasoning={"enabled": False})).status_code
        assert status == (400 if mode["mandatory"] else 200), name
        reasons = _thoughts(await simulated.chat(name, provider={"only": [row.tag]}))
        assert bool(reasons) == mode["default_enabled"], name


def _thoughts(reply: Any) -> Any:
    assert reply.status_code == 200, reply.text
    (choice,) = reply.json()["choices"]
    return choice["message"]["reasoning"]
