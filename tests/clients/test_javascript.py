"""The OpenAI SDK and the Vercel AI SDK on Node, with nothing changed but `baseURL`."""

import json
import shutil
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from app.tools.table import TOOLS
from tests.clients.conftest import FLOOR, Stand, Tell
from tests.clients.installed import HERE, node, program
from tests.clients.programs import output

MODEL = "qwen/qwen3-coder"
REFUSED = {"status": 403, "code": "policy_conflict"}


async def run(script: str, *arguments: str, home: Path) -> Any:
    """Run one of our scripts beside the packages that it imports."""
    packages = program("javascript").parent.parent
    shutil.copy(HERE / "node" / script, packages)
    out, _ = await output(
        *(str(node()), script, *arguments), environment={"HOME": str(home)}, cwd=packages, within=60
    )
    seen: Any = json.loads(out)
    return seen


async def test_the_openai_sdk(stand: Stand, tmp_path: Path, tell: Tell) -> None:
    seen = await run("openai_sdk.mjs", f"{stand.url}/v1", MODEL, home=tmp_path)
    assert seen["whole"]
    assert seen["streamed"]
    assert seen["responses"]
    assert seen["usage"]["completion_tokens"] > 0
    assert seen["tool"]["name"] == "read_file"
    assert json.loads(seen["tool"]["arguments"])
    assert seen["structured"] == {"city": "Lisbon", "sunny": True}
    assert seen["models"][0] == "precise-coder"
    assert seen["refused"] == {**REFUSED, "kind": "PermissionDeniedError"}
    receipts = await stand.proxy.receipts(7)
    assert seen["receipt"] in [receipt["id"] for receipt in receipts]
    assert [receipt["verdict"] for receipt in receipts].count("kept") >= 5
    assert {receipt["user_agent"] for receipt in receipts} == {"OpenAI/JS 7.55.0"}
    tell("javascript", receipts)


@pytest.mark.parametrize(
    ("provider", "agents"),
    [
        ("openrouter", {"ai/*", "ai-sdk/openrouter/*"}),
        ("compatible", {"ai/*", "ai-sdk-openai-compatible/*"}),
    ],
)
async def test_the_vercel_ai_sdk(
    provider: str, agents: set[str], stand: Stand, tmp_path: Path, tell: Tell
) -> None:
    seen = await run("ai_sdk.mjs", f"{stand.url}/v1", MODEL, provider, home=tmp_path)
    assert seen["whole"]
    assert seen["streamed"]
    assert seen["usage"]["outputTokens"] > 0
    assert (seen["written"], seen["steps"]) == ({"a.txt": "hello\n"}, 2)
    assert seen["structured"] == {"city": "Lisbon", "sunny": True}
    assert seen["refused"] == {**REFUSED, "known": True}

    refused, *receipts = await stand.proxy.receipts(6)
    assert refused["ending"] == "refused"
    assert {(receipt["verdict"], receipt["ending"]) for receipt in receipts} == {
        ("kept", "complete")
    }
    assert seen["receipt"] == receipts[-1]["id"]
    seen_agents = {receipt["user_agent"] for receipt in receipts}
    assert all(any(fnmatchcase(seen, agent) for seen in seen_agents) for agent in agents)
    assert all(fnmatchcase(seen, str(TOOLS["ai-sdk"].user_agent)) for seen in seen_agents)
    for body in stand.bodies:
        assert body["provider"] == {"quantizations": FLOOR, "data_collection": "deny"}
    tell("javascript", receipts)
