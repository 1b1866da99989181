"""The built docs site in a real Chromium, from files and from a server: `make docs-test`."""

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.dashboard.browser import chromium, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BUILT = os.environ.get("POINTSMAN_TEST_SITE", "")
SITE = Path(__file__).parents[2] / BUILT
pytestmark = pytest.mark.skipif(not BUILT, reason="builds the docs site first: make docs-test")

PAGES = (
    *("index.html", "docs/index.html", "docs/policies.html", "docs/adr/README.html"),
    *("docs/api/pointsman.policy.html", "compose.yaml.html", "policies/examples/index.html"),
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so there
        """Say nothing."""


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The site behind a server that knows nothing but files."""
    handler = partial(Quiet, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as started:
        yield started


@pytest.fixture(params=["file", "http"])
def site(request: pytest.FixtureRequest, served: str) -> str:
    return served if request.param == "http" else f"{SITE.as_uri()}/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 820, 1440])
def test_pages_fit_and_ask_no_other_host(
    browser: "Browser", site: str, width: int, scheme: str
) -> None:
    with visit(browser, site, width=width, scheme="dark" if scheme == "dark" else "light") as seen:
        for page in PAGES:
            seen.open(page)
            assert seen.overflow() <= 0, page
        assert len(seen.requests) > len(PAGES)
        assert [each for each in seen.requests if not each.startswith((site, "data:"))] == []
        assert seen.complaints == []


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("quantization_floor", "docs/policies.html"),
        ("unproven", "docs/verdicts.html"),
        ("networkpolicy", "deploy/kubernetes/base/networkpolicy.yaml.html"),
        ("route_for", "docs/api/pointsman.policy.html"),
    ],
)
def test_a_search_finds_a_page(browser: "Browser", site: str, words: str, page: str) -> None:
    with visit(browser, site) as seen:
        opened = seen.open("index.html")
        opened.fill("input[name=q]", words)
        opened.press("input[name=q]", "Enter")
        found = "[...document.querySelectorAll('#search-results li > a')].map(each => each.href)"
        seen.until(f"{found}.length > 0")
        seen.until(f"{found}.some(each => new URL(each).pathname.endsWith('/{page}'))")
        assert {urlsplit(each).netloc for each in seen.requests} == {urlsplit(site).netloc}
