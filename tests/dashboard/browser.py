"""A real Chromium, with what its pages ask for and complain of written down."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium() -> Iterator["Browser"]:
    """The browser that Debian's package `chromium` brings."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no Playwright: pip install playwright"
    )
    if PROGRAM is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=PROGRAM,
            # No sandbox: containers and root have none. It shows our own pages only.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """One tab, and what happened in it."""

    page: "Page"
    url: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, path: str) -> "Page":
        """Go to a path, and wait until what it loads is there."""
        self.page.goto(self.url + path, wait_until="load")
        return self.page

    def hear(self, said: "ConsoleMessage") -> None:
        """Note what the browser complains of."""
        if said.type in {"warning", "error"}:
            self.complaints.append(f"{said.type}: {said.text}")

    def until(self, truth: str, within: float = 8.0) -> None:
        """Wait until an expression is true; Playwright's own way needs `eval` in the page."""
        late = time.monotonic() + within
        while not self.page.evaluate(truth):
            assert time.monotonic() < late, f"never true: {truth}"
            self.page.wait_for_timeout(30)

    @property
    def elsewhere(self) -> list[str]:
        """Addresses that are not this server's."""
        return [
            each for each in self.requests if urlsplit(each).netloc != urlsplit(self.url).netloc
        ]

    def violations(self) -> list[str]:
        """What axe-core finds: the rule, and where."""
        # As the page's own policy forbids foreign scripts, it is brought in from outside.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = self.page.evaluate(
            "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", _RULES
        )
        return [
            f"{each['id']}: {', '.join(str(node['target']) for node in each['nodes'])}"
            for each in found["violations"]
        ]

    def overflow(self) -> int:
        """How far the page is wider than the window."""
        wide: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wide


@contextmanager
def visit(
    browser: "Browser",
    url: str,
    *,
    width: int = 1440,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[Visit]:
    """A tab of its own, without cookies."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en-GB"
    )
    visited = Visit(context.new_page(), url)
    visited.page.set_default_timeout(8000)
    visited.page.on("console", visited.hear)
    visited.page.on("pageerror", lambda error: visited.complaints.append(str(error)))
    visited.page.on("request", lambda request: visited.requests.append(request.url))
    try:
        yield visited
    finally:
        context.close()
