"""`stop_server_tools_when` ends the simulated loop of server tools, and a bad one is a 400."""

from typing import Any

import pytest

from tests.simulator.simulated import HELLO, Simulated

TOOLS = [
    {"type": "openrouter:subagent", "parameters": {"model": "qwen/qwen3-coder", "name": name}}
    for name in ("one", "two", "three")
]


async def calls(*conditions: Any) -> int:
    """How many inner calls a request with three tools makes."""
    simulated = Simulated()
    body = {"model": "moonshotai/kimi-k2", "messages": HELLO, "tools": TOOLS}
    if conditions:
        body["stop_server_tools_when"] = list(conditions)
    answer = await simulated.post("/chat/completions", body)
    assert answer.status_code == 200
    return sum(each.why == "inner" for each in simulated.app.state.router.reached)


@pytest.mark.parametrize(
    ("conditions", "made"),
    [
        ([], 3),
        ([{"type": "step_count_is", "step_count": 2}], 2),
        ([{"type": "step_count_is", "step_count": 0}], 0),
        ([{"type": "has_tool_call", "tool_name": "two"}], 2),
        ([{"type": "has_tool_call", "tool_name": "openrouter:subagent"}], 1),
        ([{"type": "has_tool_call", "tool_name": "other"}], 3),
        ([{"type": "max_tokens_used", "max_tokens": 1}], 1),
        ([{"type": "max_cost", "max_cost_in_dollars": 0.0000001}], 1),
        ([{"type": "max_cost", "max_cost_in_dollars": 0}], 0),
        ([{"type": "max_cost", "max_cost_in_dollars": 10}], 3),
        ([{"type": "finish_reason_is", "reason": "stop"}], 1),
        (
            [
                {"type": "finish_reason_is", "reason": "length"},
                {"type": "step_count_is", "step_count": 2},
            ],
            2,
        ),
    ],
)
async def test_the_loop_ends_once_a_condition_holds(conditions: Any, made: int) -> None:
    assert await calls(*conditions) == made


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({}, "stop_server_tools_when: Invalid input: expected array"),
        ([7], "stop_server_tools_when.0.type: Invalid input"),
        ([{"type": "max_price"}], "stop_server_tools_when.0.type: Invalid input"),
        ([{"type": "max_cost"}], "stop_server_tools_when.0.max_cost_in_dollars: Invalid input"),
        ([{"type": "step_count_is", "step_count": 1.5}], "0.step_count: Invalid input"),
        ([{"type": "has_tool_call", "tool_name": 1}], "0.tool_name: Invalid input"),
    ],
)
async def test_a_condition_of_another_shape_is_refused(conditions: Any, said: str) -> None:
    body = {"model": "qwen/qwen3-coder", "messages": HELLO, "stop_server_tools_when": conditions}
    answer = await Simulated().post("/chat/completions", body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
