"""A page in a real Chromium calls Pointsman, with its origin allowed and without (T-55)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.main import create_app
from app.settings import Settings
from app.simulator import create_simulator
from tests.dashboard.browser import chromium
from tests.running import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

CALL = """\
async ([url, fields]) => {
  const body = {model: "qwen/qwen3-coder", messages: [{role: "user", content: "hi"}], ...fields};
  const headers = {
    "authorization": "Bearer any", "content-type": "application/json", "x-stainless-os": "Linux"
  };
  try {
    const answer = await fetch(url + "/v1/chat/completions",
      {method: "POST", headers, body: JSON.stringify(body)});
    return {
      status: answer.status, receipt: answer.headers.get("x-pointsman-receipt"),
      generation: answer.headers.get("x-generation-id"), text: await answer.text(),
    };
  } catch (error) {
    return {error: error.name};
  }
}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@contextmanager
def page_and_proxy(tmp_path: Path, *, allowed: bool) -> Iterator[tuple[str, str]]:
    """The addresses of a web page and of a Pointsman that allows its origin, or another one."""
    page = Starlette(routes=[Route("/", lambda _: HTMLResponse("<title>A page</title>"))])
    with running(create_simulator(pace=0)) as openrouter, running(page) as site:
        settings = Settings.read(
            upstream_url=f"{openrouter.url}/api/v1",
            openrouter_api_key="sk-or-v1-x",
            state=tmp_path,
            allowed_origins=site.url if allowed else "https://app.example",
        )
        with running(create_app(settings)) as proxy:
            yield site.url, proxy.url


def test_t55_a_page_of_an_allowed_origin_reads_answers_streams_and_errors(
    browser: "Browser", tmp_path: Path
) -> None:
    with page_and_proxy(tmp_path, allowed=True) as (site, proxy):
        page = browser.new_page()
        page.goto(site)
        whole: dict[str, Any] = page.evaluate(CALL, [proxy, {}])
        streamed: dict[str, Any] = page.evaluate(CALL, [proxy, {"stream": True}])
        refused: dict[str, Any] = page.evaluate(CALL, [proxy, {"model": 7}])
        page.close()
    assert (whole["status"], streamed["status"], refused["status"]) == (200, 200, 400)
    assert '"choices"' in whole["text"]
    assert streamed["text"].endswith("data: [DONE]\n\n")
    assert "invalid_body" in refused["text"]
    assert all(each["receipt"] for each in (whole, streamed, refused))
    assert whole["generation"].startswith("gen-")


def test_t40_a_page_of_any_other_origin_reads_nothing(browser: "Browser", tmp_path: Path) -> None:
    with page_and_proxy(tmp_path, allowed=False) as (site, proxy):
        page = browser.new_page()
        page.goto(site)
        assert page.evaluate(CALL, [proxy, {}]) == {"error": "TypeError"}
        page.close()
