"""curl, as the README shows it."""

import asyncio
import json
import shutil

import pytest

from tests.conftest import Proxy

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

ASK = '{"model": "qwen/qwen3-coder", "messages": [{"role": "user", "content": "hi"}]%s}'


async def curl(url: str, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20"),
        *("-H", "content-type: application/json", *arguments, url),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def test_a_whole_answer(simulated: Proxy) -> None:
    out = await curl(f"{simulated.url}/v1/chat/completions", "-d", ASK % "")
    assert json.loads(out)["choices"][0]["message"]["content"]
    assert (await simulated.only_receipt())["verdict"] == "kept"


async def test_a_stream(simulated: Proxy) -> None:
    out = await curl(f"{simulated.url}/v1/chat/completions", "-N", "-d", ASK % ', "stream": true')
    assert out.endswith("data: [DONE]\n\n")
    assert (await simulated.only_receipt())["verdict"] == "kept"


async def test_a_large_body_goes_up_although_curl_asks_first(simulated: Proxy) -> None:
    """Above a megabyte curl sends `Expect: 100-continue` and waits for leave."""
    body = ASK % (', "metadata": {"note": "' + "x" * 90_000 + '"}')
    out = await curl(
        f"{simulated.url}/v1/chat/completions", "-H", "Expect: 100-continue", "-d", body
    )
    assert "choices" in json.loads(out)


async def test_t54_curl_that_offers_http_2_is_served_over_http_1_1(simulated: Proxy) -> None:
    features = await curl("--version")
    if "HTTP2" not in features:
        pytest.skip("this curl speaks no HTTP/2")
    url = f"{simulated.url}/v1/chat/completions"
    out = await curl(url, "--http2", "--verbose", "--stderr", "-", "-d", ASK % "")
    assert "> Upgrade: h2c" in out
    assert "< HTTP/1.1 200 OK" in out
    assert '"choices"' in out
    assert (await simulated.only_receipt())["verdict"] == "kept"
