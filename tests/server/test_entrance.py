"""The way in: who answers which path, and what needn't be loaded for it."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from starlette.types import Message

from app.server.entrance import App, State
from app.server.on_demand import OnDemand
from app.server.process import Traffic
from app.telemetry.stalls import Stalls
from tests.conftest import Proxy

ROOT = Path(__file__).parent.parent.parent

# What nobody needs who only relays, however long: 8 MB and a third of the start are FastAPI's.
NOT_WHILE_RELAYING = {
    *("fastapi", "starlette.routing", "starlette.requests", "starlette.responses"),
    *("jinja2", "prometheus_client", "httpx2", "httpcore2", "h11", "rich", "opentelemetry.sdk"),
    "urllib.request",
    *("app.api.framed", "app.api.metrics", "app.dashboard.pages", "app.telemetry.metrics"),
}

# With a ledger in a file, there are no replicas to share anything with.
FOR_REPLICAS = {"app.ledger.duty", "app.dashboard.ledger_sessions", "app.record.score_mirror"}

SERVE = """
import sys
import app.__main__
from http.client import HTTPConnection
from app.main import create_app
from app.settings import Settings
from tests.running import running

def ask(method, path):
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.request(method, path, body="{}" if method == "POST" else None)
    print(connection.getresponse().status, end=" ")
    connection.close()

settings = Settings.read(upstream_url="http://127.0.0.1:9/api/v1", openrouter_api_key="k")
with running(create_app(settings)) as server:
    ask("GET", "/ready")
    ask("GET", "/health")
    ask("HEAD", "/health")
    ask("POST", "/v1/chat/completions")
    ask("POST", "/chat/completions")
    ask("GET", "/favicon.ico")
    print(*sys.modules, sep=",", end=" ")
    ask("GET", "/metrics")
    print("fastapi" in sys.modules, end=" ")
    ask("GET", "/pointsman/receipts")
    print(*sys.modules, sep=",")
"""


def test_a_proxy_that_nobody_looks_at_loads_no_frame_and_no_pages() -> None:
    """What probes and requests need is all there is; the first look at the ledger brings more."""
    told = subprocess.check_output([sys.executable, "-c", SERVE], text=True, cwd=ROOT)  # noqa: S603
    *answers, loaded, scraped, framed_by_scrape, read, loaded_then = told.split()
    assert answers == ["200", "200", "405", "415", "415", "404"]
    assert (scraped, framed_by_scrape, read) == ("200", "False", "200")
    assert not NOT_WHILE_RELAYING & set(loaded.split(","))
    assert "uvicorn" in loaded.split(",")
    assert "fastapi" in loaded_then.split(",")
    assert "jinja2" not in loaded_then.split(",")
    assert not FOR_REPLICAS & set(loaded_then.split(","))


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        *(("/health", "GET"), ("/ready", "GET"), ("/metrics", "GET, HEAD")),
        *(("/pointsman/receipts", "GET"), ("/pointsman/explain", "POST")),
    ],
)
async def test_another_method_is_refused_alike_with_and_without_fastapi(
    proxy: Proxy, path: str, allowed: str
) -> None:
    answer = await proxy.client.delete(proxy.url + path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"] == {
        "message": "Method Not Allowed",
        "type": "invalid_request_error",
        "param": None,
        "code": "method_not_allowed",
    }


@pytest.mark.parametrize("path", ["/pointsman/nothing", "/pointsman/receipts/a/b", "/dashboardx"])
async def test_what_fastapi_has_no_route_for_is_told_as_everywhere(proxy: Proxy, path: str) -> None:
    answer = await proxy.client.get(proxy.url + path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "way_out"),
    [
        ("GET", "/chat/completions", "use POST /v1/chat/completions"),
        ("POST", "/v2/chat/completions", "use POST /v1/chat/completions"),
        ("GET", "/model", "use GET /v1/models"),
        ("GET", "/nowhere", "OpenRouter's API is under /v1, Pointsman's own under /pointsman"),
    ],
)
async def test_a_404_names_the_path_that_was_probably_meant(
    proxy: Proxy, method: str, path: str, way_out: str
) -> None:
    answer = await proxy.client.request(method, proxy.url + path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == f"{method} {path!a} is not served; {way_out}"


async def test_the_app_is_open_between_start_and_stop() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        seen.append("opened")
        yield
        seen.append("closed")

    async def receive() -> Message:
        seen.append("told")
        return {}

    async def send(message: Message) -> None:
        seen.append(message["type"])

    app = App(_never, opened, State(Traffic(), Stalls()), NOT_FRAMED)
    await app({"type": "lifespan"}, receive, send)
    assert seen == [
        *("told", "opened", "lifespan.startup.complete"),
        *("told", "closed", "lifespan.shutdown.complete"),
    ]


async def test_an_app_that_does_not_open_does_not_say_it_did() -> None:
    said: list[str] = []

    def opened() -> AbstractAsyncContextManager[None]:
        raise OSError("no room")

    async def send(message: Message) -> None:
        said.append(message["type"])

    with pytest.raises(OSError, match="no room"):
        await App(_never, opened, State(Traffic(), Stalls()), NOT_FRAMED)(
            {"type": "lifespan"}, _nothing, send
        )
    assert said == []


NOT_FRAMED = OnDemand(lambda: _never)


async def _never(*_: object) -> None:
    raise AssertionError("no request was made")


async def _nothing() -> Message:
    return {}


async def _nowhere(message: Message) -> None:
    del message
