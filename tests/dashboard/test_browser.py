"""The pages in a real Chromium. Screenshots go where POINTSMAN_SCREENSHOTS says, if it does."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from tests.dashboard.browser import chromium, visit
from tests.dashboard.conftest import Serve, Served
from tests.dashboard.samples import HOSTILE, sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.slow

PAGES = {
    "now": "/dashboard",
    "who": "/dashboard/who",
    "quality": "/dashboard/quality",
    "money": "/dashboard/money",
    "policy": "/dashboard/policy",
}
SHOTS = os.environ.get("POINTSMAN_SCREENSHOTS")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1440, "light")])
def test_every_page_fits_is_accessible_and_loads_nothing_from_elsewhere(
    browser: "Browser", day: Served, width: int, scheme: Literal["light", "dark"]
) -> None:
    day.ask("qwen/qwen3-coder")
    with visit(browser, day.url, width=width, scheme=scheme) as visited:
        newest = visited.open("/dashboard").locator(".what a").first.get_attribute("href") or ""
        for name, path in {**PAGES, "receipt": newest}.items():
            page = visited.open(path)
            visited.until("!document.querySelector('time:not([data-local])')")
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}.png", full_page=True)
            assert visited.violations() == [], name
            assert visited.overflow() <= 0, name
        assert visited.complaints == []
        assert visited.elsewhere == []


def test_empty_states_and_trouble_fit_and_are_accessible_too(
    browser: "Browser", serve: Serve, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no ledger" * 4096)
    shown = (
        (serve(), (*PAGES.values(), "/dashboard?model=none", "/dashboard/nowhere")),
        (serve(ledger_url=f"sqlite:///{broken}"), (PAGES["now"], PAGES["policy"])),
    )
    for served, paths in shown:
        with visit(browser, served.url, width=360) as visited:
            for path in paths:
                visited.open(path)
                assert visited.violations() == [], path
                assert visited.overflow() <= 0, path


def test_charts_are_drawn_from_their_tables_and_again_when_the_light_changes(
    browser: "Browser", day: Served
) -> None:
    with visit(browser, day.url) as visited:
        page = visited.open("/dashboard/who?since=1h")
        assert page.locator(".chart canvas").count() == 2
        before = page.locator(".chart canvas").first.evaluate("c => c.toDataURL()")
        assert len(before) > 2000
        page.emulate_media(color_scheme="dark")
        visited.until(f"document.querySelector('.chart canvas').toDataURL() !== {before!r}")
        assert page.locator(".chart canvas").count() == 2
        page.locator(".chart summary").first.click()
        assert page.locator(".chart table").first.get_by_role("row").count() > 12
        told = " ".join(_tips_along(page, page.locator(".plot").first))
        assert any(name in told for name in ("novita", "together", "deepinfra"))
        assert visited.complaints == []


def _tips_along(page: "Page", plot: "Locator") -> list[str]:
    """What a pointer is told on its way from left to right: some minutes have no requests."""
    plot.hover()
    box = plot.bounding_box()
    assert box is not None
    tips: list[str] = []
    for step in range(1, 60):
        page.mouse.move(box["x"] + box["width"] * step / 60, box["y"] + box["height"] / 2)
        tips += page.locator(".tip:visible").all_inner_texts()
    return tips


def test_choosing_a_period_swaps_the_figures_and_keeps_the_page(
    browser: "Browser", day: Served
) -> None:
    with visit(browser, day.url) as visited:
        page = visited.open("/dashboard/money")
        page.evaluate("window.stayed = true")
        page.get_by_role("link", name="30 days").click()
        page.wait_for_url("**/dashboard/money?since=30d")
        page.wait_for_selector(".periods [aria-current]:has-text('30 days')")
        page.wait_for_selector(".chart canvas")
        assert page.evaluate("window.stayed") is True
        assert page.locator("main").count() == 1
        page.go_back()
        page.wait_for_selector(".periods [aria-current]:has-text('24 hours')")
        assert visited.complaints == []


def test_a_request_made_while_one_looks_appears_is_announced_and_can_be_opened(
    browser: "Browser", serve: Serve
) -> None:
    served = serve()
    with visit(browser, served.url) as visited:
        page = visited.open("/dashboard")
        page.wait_for_selector("[data-state=live]")
        assert page.get_by_text("No requests yet").is_visible()
        receipt = served.ask("qwen/qwen3-coder", stream=True).headers["x-pointsman-receipt"]
        row = page.locator(f"[data-receipt={receipt}]")
        row.wait_for()
        assert "kept" in row.inner_text()
        assert not page.get_by_text("No requests yet").is_visible()
        visited.until("document.querySelector('#tail-said').textContent.includes('1 new')")
        row.get_by_role("link").click()
        assert page.get_by_role("heading", level=1).inner_text() == "qwen/qwen3-coder"
        assert visited.complaints == []


def test_the_tail_can_be_paused_and_misses_nothing(browser: "Browser", serve: Serve) -> None:
    served = serve(sample())
    with visit(browser, served.url) as visited:
        page = visited.open("/dashboard")
        page.wait_for_selector("[data-state=live]")
        pause = page.get_by_role("button", name="Pause")
        pause.click()
        assert pause.get_attribute("aria-pressed") == "true"
        served.ask("qwen/qwen3-coder")
        page.wait_for_timeout(900)
        assert page.locator("[data-receipt]").count() == 1
        pause.click()
        visited.until("document.querySelectorAll('[data-receipt]').length === 2")


def test_the_list_stays_short_however_much_comes(browser: "Browser", serve: Serve) -> None:
    served = serve(*(sample(at) for at in range(1, 50)))
    with visit(browser, served.url) as visited:
        page = visited.open("/dashboard")
        page.wait_for_selector("[data-state=live]")
        asked = [served.ask("qwen/qwen3-coder") for _ in range(4)]
        last = asked[-1].headers["x-pointsman-receipt"]
        page.locator(f"[data-receipt={last}]").wait_for()
        assert page.locator("[data-receipt]").count() == 50
        assert page.locator("[data-receipt]").first.get_attribute("data-receipt") == last


def test_everything_can_be_reached_and_seen_by_keyboard(browser: "Browser", day: Served) -> None:
    with visit(browser, day.url) as visited:
        page = visited.open("/dashboard")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        assert (page.locator(".skip").bounding_box() or {"y": -1})["y"] >= 0
        reached = []
        for _ in range(14):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate(
                    "[document.activeElement.textContent.trim() || document.activeElement.name,"
                    " getComputedStyle(document.activeElement).outlineStyle]"
                )
            )
        names = [name for name, _ in reached]
        assert names[:6] == ["Pointsman", "Now", "Providers", "Quality", "Money", "Policy"]
        assert {"Pause", "model", "provider", "caller", "Show"} <= set(names)
        assert {outline for _, outline in reached} == {"solid"}
        page.get_by_role("link", name="Skip to the content").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_a_screen_reader_finds_its_way(browser: "Browser", day: Served) -> None:
    with visit(browser, day.url) as visited:
        for name, path in PAGES.items():
            page = visited.open(path)
            for role in ("banner", "main", "contentinfo"):
                assert page.get_by_role(role).count() == 1, name
            assert page.get_by_role("navigation", name="Pages").count() == 1
            assert page.get_by_role("heading", level=1).count() == 1
            tables = page.locator("table")
            for at in range(tables.count()):
                assert tables.nth(at).locator("caption").count() == 1, name


def test_what_is_hostile_stays_text_in_a_browser_too(browser: "Browser", serve: Serve) -> None:
    evil = sample(model_asked=HOSTILE, provider=HOSTILE, reason=HOSTILE, rules=(HOSTILE,))
    served = serve(evil)
    with visit(browser, served.url) as visited:
        visited.page.on("dialog", lambda dialog: visited.complaints.append(dialog.message))
        for path in (*PAGES.values(), f"/dashboard/receipts/{evil.id}"):
            visited.open(path)
        page = visited.open("/dashboard")
        page.wait_for_selector("[data-state=live]")
        later = served.ask(f"evil/{HOSTILE}").headers["x-pointsman-receipt"]
        page.locator(f"[data-receipt={later}]").wait_for()
        assert "<script>" in page.locator(f"[data-receipt={later}] .what").inner_text()
        assert visited.complaints == []
        assert visited.elsewhere == []


def test_with_caller_keys_one_signs_in_looks_and_signs_out(
    browser: "Browser", guarded: Served
) -> None:
    with visit(browser, guarded.url, width=360) as visited:
        page = visited.open("/dashboard/who?since=7d")
        assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
        assert visited.violations() == []
        assert page.evaluate("document.activeElement.id") == "key"
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()
        assert visited.violations() == []
        page.get_by_label("Caller key").fill("key-of-aider")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/dashboard/who?since=7d")
        assert page.evaluate("document.cookie") == ""
        visited.open("/dashboard").wait_for_selector("[data-state=live]")
        assert visited.violations() == []
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/dashboard/sign-in")
        visited.open("/dashboard")
        assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
        assert [said for said in visited.complaints if "401" not in said] == []
