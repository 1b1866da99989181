"""The JDK's own HTTP client, on which JetBrains' IDEs, LangChain4j and Spring AI are built."""

import asyncio
import os
import shutil

import pytest

from tests.clients.conftest import FLOOR, Stand
from tests.clients.installed import HERE

pytestmark = [
    pytest.mark.skipif(
        "POINTSMAN_TEST_CLIENTS" not in os.environ, reason="`make test-clients` runs it"
    ),
    pytest.mark.skipif(shutil.which("java") is None, reason="java is not on this machine"),
]
ASK = '{"model": "qwen/qwen3-coder", "messages": [{"role": "user", "content": "hi"}]%s}'


async def test_t54_the_jdks_client_is_served_although_it_offers_h2c(stand: Stand) -> None:
    url = f"{stand.url}/v1/chat/completions"
    bodies = (ASK % "", ASK % ', "stream": true', ASK % "")
    java = await asyncio.create_subprocess_exec(
        *("java", str(HERE / "java" / "Ask.java"), url, *bodies), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, _ = await java.communicate()
    assert java.returncode == 0
    whole, streamed, again = out.decode().splitlines()
    assert whole.startswith("200 HTTP_1_1 {")
    assert again.startswith("200 HTTP_1_1 {")
    assert streamed.startswith("200 HTTP_1_1 ")
    assert streamed.endswith("data: [DONE]|")
    for body in stand.bodies:
        assert body["provider"] == {"quantizations": FLOOR, "data_collection": "deny"}
    receipts = await stand.receipts()
    assert {receipt["verdict"] for receipt in receipts} == {"kept"}
    assert receipts[0]["user_agent"].startswith("Java-http-client/")
