"""The OpenAI SDK for Node, as it comes. `make test-clients` installs it."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Proxy

HERE = Path(__file__).parent / "node"
MODEL = "qwen/qwen3-coder"

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules" / "openai").is_dir(),
    reason="the OpenAI SDK for Node is not here; `make test-clients` installs and tests it",
)


async def test_the_node_sdk_works_unchanged_but_for_its_base_url(simulated: Proxy) -> None:
    process = await asyncio.create_subprocess_exec(
        *("node", "openai_sdk.mjs", f"{simulated.url}/v1", MODEL),
        cwd=HERE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    seen = json.loads(out)
    assert seen["whole"]
    assert seen["streamed"]
    assert seen["responses"]
    assert seen["usage"]["completion_tokens"] > 0
    assert seen["tool"]["name"] == "read_file"
    assert json.loads(seen["tool"]["arguments"])
    assert seen["models"][0] == "precise-coder"
    assert seen["refused"] == {
        "status": 403,
        "code": "policy_conflict",
        "kind": "PermissionDeniedError",
    }
    receipts = await simulated.receipts(6)
    assert seen["receipt"] in [receipt["id"] for receipt in receipts]
    assert [receipt["verdict"] for receipt in receipts].count("kept") >= 4
