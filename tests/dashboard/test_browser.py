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
    "receipts": "/dashboard/receipts",
    "who": "/dashboard/who",
    "quality": "/dashboard/quality",
    "money": "/dashboard/money",
    "audit": "/dashboard/audit",
    "policy": "/dashboard/policy",
}
SHOTS = os.environ.get("POINTSMAN_SCREENSHOTS")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "dark"), (820, "light"), (1440, "light"), (1440, "dark")]
)
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
        row.locator(".when").click(force=True)  # the link covers the whole row
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
        for _ in range(16):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate(
                    "[document.activeElement.textContent.trim() || document.activeElement.name,"
                    " getComputedStyle(document.activeElement).outlineStyle]"
                )
            )
        names = [name for name, _ in reached]
        assert names[:8] == [
            "Pointsman",
            "Now",
            "Receipts",
            "Providers",
            "Quality",
            "Money",
            "Audit",
            "Policy",
        ]
        assert {"1 hour", "All", "Filter"} <= set(names)
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


# --- one question each, answered in at most two clicks from the first page ----------------------


def test_which_provider_serves_kimi_is_one_click_away(browser: "Browser", day: Served) -> None:
    with visit(browser, day.url) as visited:
        page = visited.open("/dashboard")
        page.get_by_role("link", name="Providers").click()
        row = page.locator(".matrix tr", has_text="moonshotai/kimi-k2")
        row.wait_for()
        hosts = page.locator(".matrix thead th a").all_inner_texts()
        served = [
            host
            for host, cell in zip(hosts, row.locator("td").all_inner_texts(), strict=True)
            if "errors" in cell
        ]
        assert set(served) == {"novita", "together", "deepinfra"}


def test_whether_the_policy_was_kept_is_on_the_first_page_and_leads_to_what_broke_it(
    browser: "Browser", day: Served
) -> None:
    with visit(browser, day.url, width=360) as visited:
        page = visited.open("/dashboard")
        tile = page.locator(".tile", has_text="Policy kept")
        assert "broken" in tile.inner_text()
        tile.get_by_role("link").click()
        page.wait_for_url("**/dashboard/receipts?*verdict=broken*")
        said = page.locator(".receipts .said").all_inner_texts()
        assert {each.strip() for each in said} == {"broken"}


def test_what_a_caller_spent_today_is_two_clicks_away(browser: "Browser", serve: Serve) -> None:
    served = serve(sample(0.1, caller="ci"), sample(0.2, caller="ci"), sample(0.3, caller="me"))
    with visit(browser, served.url) as visited:
        page = visited.open("/dashboard")
        page.locator(".receipts").get_by_role("link", name="ci").first.click()
        page.wait_for_url("**/dashboard/receipts?caller=ci")
        page.get_by_role("link", name="Money").click()
        page.wait_for_url("**/dashboard/money?caller=ci")
        days = page.get_by_role("table", name="By day").locator("tbody tr").all_inner_texts()
        assert sum(float(day.split("$")[1].split()[0]) for day in days) == pytest.approx(0.00084)


def test_which_provider_fails_at_a_tools_requests_is_two_clicks_away(
    browser: "Browser", serve: Serve
) -> None:
    tool = "agent/2.0"
    good = [sample(at, user_agent=tool, provider="together") for at in range(1, 9)]
    bad = [
        sample(at, user_agent=tool, provider="novita", ending="upstream_error", status=502)
        for at in range(1, 4)
    ]
    fell_back = sample(
        5,
        user_agent=tool,
        provider="together",
        attempts=(
            {"provider": "Groq", "model": None, "status": 500},
            {"provider": "Together", "model": None, "status": 200},
        ),
    )
    served = serve(*good, *bad, fell_back, sample(1, provider="deepinfra"))
    with visit(browser, served.url) as visited:
        page = visited.open("/dashboard")
        page.locator(".receipts").get_by_role("link", name="agent/2.0").first.click()
        page.wait_for_url("**user_agent=agent/2.0")
        page.get_by_role("link", name="Quality").click()
        page.get_by_role("heading", name="Quality").wait_for()
        table = page.get_by_role("table", name="Providers")
        rows = {
            row.split("\t")[0].strip(): row.split("\t")[1]
            for row in table.locator("tbody tr").all_inner_texts()
        }
        assert {name: rate.startswith("100") for name, rate in rows.items()} == {
            "novita": True,
            "groq": True,
            "together": False,
        }


def test_filters_stay_from_page_to_page_until_they_are_removed(
    browser: "Browser", day: Served
) -> None:
    with visit(browser, day.url) as visited:
        page = visited.open("/dashboard?provider=novita&since=7d")
        for name in ("Receipts", "Providers", "Quality", "Money", "Policy", "Now"):
            page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
            page.wait_for_url("**provider=novita&since=7d")
            assert page.get_by_role("list", name="Filtered by").is_visible()
        page.get_by_role("link", name="Remove the filter provider novita").click()
        page.wait_for_url("**/dashboard?since=7d")


def test_receipts_are_gone_through_page_by_page_and_back(browser: "Browser", serve: Serve) -> None:
    served = serve(*(sample(at) for at in range(1, 121)))
    with visit(browser, served.url) as visited:
        page = visited.open("/dashboard/receipts")
        seen: list[str | None] = []
        for _ in range(3):
            rows = page.locator("[data-receipt]")
            ids = [rows.nth(at).get_attribute("data-receipt") for at in range(rows.count())]
            seen += ids
            older = page.get_by_role("link", name="Older")
            if older.count():
                older.click()
                page.locator(f"[data-receipt={ids[0]}]").wait_for(state="detached")
        assert len(seen) == len(set(seen)) == 120
        page.get_by_role("link", name="Newer").click()
        page.locator(f"[data-receipt={seen[50]}]").wait_for()
        assert page.locator("[data-receipt]").count() == 50


def test_on_a_phone_the_verdict_and_the_cost_are_on_screen(browser: "Browser", day: Served) -> None:
    with visit(browser, day.url, width=360) as visited:
        page = visited.open("/dashboard/receipts")
        for part in (".said", ".cost"):
            box = page.locator(f".receipts tbody tr {part}").first.bounding_box()
            assert box is not None
            assert 0 <= box["x"] < box["x"] + box["width"] <= 360


def test_on_a_phone_the_present_page_and_whole_keys_are_on_screen(
    browser: "Browser", day: Served
) -> None:
    with visit(browser, day.url, width=360) as visited:
        page = visited.open("/dashboard/policy")
        entry = page.locator('.top nav [aria-current="page"]').bounding_box()
        assert entry is not None
        assert 0 <= entry["x"] < entry["x"] + entry["width"] <= 360
        key = page.locator(".clauses th", has_text="quantization_floor")
        assert key.locator("code").bounding_box()["height"] < 30  # type: ignore[index]


def test_a_click_on_a_head_sorts_and_a_second_one_turns_it_round(
    browser: "Browser", day: Served
) -> None:
    with visit(browser, day.url) as visited:
        page = visited.open("/dashboard/money")
        for direction in ("descending", "ascending"):
            page.locator("#by-model-title ~ div thead").get_by_role("link", name="Prompt").click()
            page.wait_for_url("**sort=prompt*")
            page.locator(f"#by-model-title ~ div th[aria-sort={direction}]").wait_for()


@pytest.mark.parametrize("width", [360, 1440])
def test_which_provider_is_bad_for_tool_calls_takes_two_clicks(
    browser: "Browser", serve: Serve, width: int
) -> None:
    """From the first page; a third one shows the answers themselves."""
    good = [sample(2 * at, provider="novita", tools_offered=3) for at in range(1, 60)]
    bad = [
        sample(
            3 * at,
            provider="chutes",
            tools_offered=3,
            defects=("tool_call_as_text",) if at % 3 == 0 else (),
        )
        for at in range(1, 40)
    ]
    unsure = [sample(at, provider="groq", defects=("repetition",)) for at in range(1, 3)]
    served = serve(*good, *bad, *unsure)
    with visit(browser, served.url, width=width) as visited:
        page = visited.open("/dashboard")
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="Quality").click()
        page.get_by_role("heading", name="Faulty answers by host").wait_for()
        page.get_by_role("link", name="Tool calls").click()
        page.wait_for_url("**sort=tool_calls")
        first = page.locator(".scores tbody tr").nth(1)
        assert "chutes, fp8" in first.inner_text()
        assert "33.3" in first.inner_text()
        assert "of 39" in first.inner_text()
        assert visited.violations() == []
        assert visited.overflow() <= 0
        first.get_by_role("link", name="13 tool call as text").click()
        page.wait_for_url("**defect=tool_call_as_text**")
        assert page.locator("[data-receipt]").count() == 13
        assert visited.complaints == []
