"""The pages over a real server."""

import re
import sqlite3
from html import escape, unescape
from itertools import product
from pathlib import Path
from typing import NoReturn

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from app.catalog.catalog import EMPTY
from app.dashboard import shell as shell_module
from app.dashboard.pages import dashboard
from app.dashboard.shell import Sources
from app.errors import LedgerError
from app.policy.forecast.drift import Drift
from app.policy_folder import PolicyFolder
from tests.budget.accounts import NO_REPORT
from tests.dashboard.conftest import Serve, Served
from tests.dashboard.samples import HOSTILE, POLICY, sample
from tests.telemetry.exposed import STANDING
from tests.waiting import wait_until

PAGES = ["", "/receipts", "/who", "/quality", "/money", "/audit", "/policy", "/api"]
EVERY_PAGE = [f"/dashboard{page}" for page in PAGES]


def shows_every_page(served: Served) -> None:
    for page, period in product(EVERY_PAGE, ("", "1h", "7d", "30d", "nonsense")):
        answer = served.get(f"{page}?since={period}")
        unread = period == "nonsense" and not page.endswith("/api")  # which shows no receipts
        assert answer.status_code == (400 if unread else 200), (page, period)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.text.rstrip().endswith("</html>")


def test_every_page_can_be_shown_after_a_day(day: Served) -> None:
    shows_every_page(day)


def test_every_page_can_be_shown_before_the_first_request(serve: Serve) -> None:
    shows_every_page(serve())


@pytest.mark.parametrize("page", [*EVERY_PAGE, "/dashboard/nowhere", "/dashboard/sign-in"])
def test_every_page_keeps_to_itself(guarded: Served, page: str) -> None:
    headers = guarded.get(page, headers={"authorization": "Bearer key-of-aider"}).headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_a_page_says_where_one_is(day: Served, page: str) -> None:
    text = day.get(page).text
    assert re.findall(r'href="([^"]*)" aria-current="page"', text) == [page]
    assert text.count("<h1") == 1
    assert '<html lang="en">' in text


def test_receipts_are_listed_newest_first_and_link_to_the_whole(serve: Serve) -> None:
    old, new = sample(5), sample(1)
    served = serve(old, new)
    listed = re.findall(r'href="(/dashboard/receipts/[^"?]+)"', served.get("/dashboard").text)
    assert listed == [f"/dashboard/receipts/{each.id}" for each in (new, old)]
    whole = served.get(listed[0])
    assert whole.status_code == 200
    assert "Served by Novita (novita/fp8), listed as fp8" in whole.text


def test_a_filter_holds_for_the_list_and_is_handed_on_to_the_tail(serve: Serve) -> None:
    served = serve(sample(3, provider="novita"), sample(2, provider="groq", verdict="broken"))
    text = served.get("/dashboard?provider=groq&verdict=broken").text
    assert text.count("data-receipt=") == 1
    assert 'data-live="/dashboard/live?provider=groq&amp;verdict=broken"' in text
    none = served.get("/dashboard?provider=nobody").text
    assert none.count("data-receipt=") == 0
    assert "No receipt matches" in none


def test_figures_of_the_period_are_shown(serve: Serve) -> None:
    served = serve(*(sample(at) for at in range(1, 5)), sample(60 * 30, provider="older"))
    who = served.get("/dashboard/who?since=24h").text
    assert ">novita<" in who
    assert ">older<" not in who
    assert ">older<" in served.get("/dashboard/who?since=7d").text
    assert "$0.0017" in served.get("/dashboard/money").text  # four times 0.00042


def test_a_receipt_that_is_not_there_is_told_so(day: Served) -> None:
    answer = day.get("/dashboard/receipts/rcp_nothing")
    assert answer.status_code == 404
    assert "no receipt rcp_nothing" in answer.text


@pytest.mark.parametrize(
    "path", ["/nowhere", "/receipts/a/b", "/static/none.js", "/static/", "/%00"]
)
def test_nothing_below_dashboard_is_anybody_elses(day: Served, path: str) -> None:
    answer = day.get(f"/dashboard{path}")
    assert answer.status_code == 404
    assert "Page not found" in answer.text


def test_no_dots_lead_out_of_the_dashboard(day: Served) -> None:
    for path in ("/../v1/models", "/static/../../v1/models", "/%2e%2e/v1/models", "/./../health"):
        assert day.as_written("GET", f"/dashboard{path}") == 404


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_a_slash_too_many_leads_to_the_page(day: Served, page: str) -> None:
    answer = day.get(f"{page}/")
    assert (answer.status_code, answer.headers["location"]) == (307, page)


def test_pages_are_read_only(day: Served) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert day.client.request(method, f"{day.url}/dashboard").status_code == 405


# --- what others wrote ------------------------------------------------------------------------


def test_whatever_callers_and_upstream_wrote_is_shown_as_text(serve: Serve) -> None:
    evil = sample(
        caller=HOSTILE, user_agent=HOSTILE, model_asked=HOSTILE, alias=HOSTILE, model_sent=HOSTILE,
        provider=HOSTILE, model_served=HOSTILE, quantizations_listed=(HOSTILE,), reason=HOSTILE,
        error_message=HOSTILE, error_code=HOSTILE, path=f"/{HOSTILE}", finish_reason=HOSTILE,
        generation_id=HOSTILE, rules=(HOSTILE,), evidence=(HOSTILE,), cache_status=HOSTILE,
        attempts=({"provider": HOSTILE, "model": HOSTILE, "status": HOSTILE},),
        overruled=({"field": HOSTILE, "asked": HOSTILE, "sent": [HOSTILE], "why": HOSTILE},),
        preferences_sent={HOSTILE: HOSTILE}, ending="upstream_error",
    )  # fmt: skip
    served = serve(evil)
    stream = served.client.stream("GET", f"{served.url}/dashboard/live?after=0")
    with stream as live:
        rows = ""
        for line in live.iter_lines():
            rows += line
            if "</tr>" in line:
                break
    pages = [*EVERY_PAGE, f"/dashboard/receipts/{evil.id}", f"/dashboard?model={HOSTILE}"]
    for text in (rows, *(served.get(page).text for page in pages)):
        assert "<script>alert" not in text
        assert '"onmouseover' not in text
        assert "\u202e" not in text
        assert "49" not in re.findall(r"{{(.*?)}}", text)
    assert "&lt;script&gt;" in served.get(pages[-2]).text


def test_an_address_cannot_write_into_a_page(day: Served) -> None:
    for path in ("/dashboard/<b>x</b>", "/dashboard?model=<b>x</b>", "/dashboard/receipts/<b>x"):
        assert "<b>x" not in day.get(path).text


# --- when something is wrong ------------------------------------------------------------------


@pytest.fixture
def unreadable(serve: Serve, tmp_path: Path) -> Served:
    """A Pointsman whose ledger can be neither read nor written."""
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no ledger" * 4096)
    return serve(ledger_url=f"sqlite:///{broken}")


@pytest.mark.parametrize("page", ["", "/receipts", "/who", "/quality", "/money", "/receipts/rcp_x"])
def test_a_ledger_that_cannot_be_read_is_told_calmly(unreadable: Served, page: str) -> None:
    answer = unreadable.get(f"/dashboard{page}")
    assert answer.status_code == 503
    assert "read right now" in answer.text
    assert "Traceback" not in answer.text
    assert f'href="/dashboard{page}"' in answer.text


def test_policy_is_shown_even_where_the_ledger_cannot_be_read(unreadable: Served) -> None:
    answer = unreadable.get("/dashboard/policy")
    assert answer.status_code == 200
    assert "No figures now." in answer.text
    assert "quantization_floor" in answer.text


def test_receipts_that_cannot_be_written_are_told_on_every_page(unreadable: Served) -> None:
    wait_until(lambda: "t be written" in unreadable.get("/dashboard/policy").text)


def test_a_broken_policy_file_is_told_on_every_page_and_explained_on_one(serve: Serve) -> None:
    served = serve()
    served.policy_file.write_text("version: 1\nrules: [{name: x, modles: [a/b]}]\n")
    wait_until(lambda: "A policy file has mistakes" in served.get("/dashboard").text)
    policy = served.get("/dashboard/policy").text
    assert "test.yaml:2" in policy
    assert "did you mean models?" in policy
    assert "quantization_floor" in policy  # of the book in force


def test_a_defect_of_ours_is_a_page_too(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    served = serve(sample(provider="novita", quantizations_listed=("fp8",)))
    _break_a_row(served)
    answer = served.get("/dashboard")
    assert answer.status_code == 500
    assert "could not be rendered" in answer.text
    assert "could not be rendered" in caplog.text


def _break_a_row(served: Served) -> None:
    """Write what no Pointsman writes: a list where rules are."""
    with sqlite3.connect(served.ledger_file) as connection:
        connection.execute("UPDATE receipts SET rules = '7'")
    connection.close()


def test_the_policy_page_shows_who_is_left_once_a_model_is_in_use(serve: Serve) -> None:
    served = serve()
    assert served.ask("qwen/qwen3-coder").status_code == 200
    wait_until(lambda: "Endpoints that may serve: " in served.get("/dashboard/policy").text)
    assert "novita/fp8" in served.get("/dashboard/policy").text
    assert served.ask("deepseek/deepseek-v4.1-flash").status_code == 404
    wait_until(lambda: "no endpoint is left" in served.get("/dashboard/policy").text)


def test_drift_of_the_catalog_is_shown_the_newest_first(tmp_path: Path) -> None:
    (tmp_path / "test.yaml").write_text(POLICY, encoding="utf-8")
    drifts = (
        Drift("qwen/qwen3-coder", ("novita/fp8",), (), 1, 'rule "careful" (test.yaml:3)'),
        Drift("z-ai/glm", (), ("<b>x",), 3, ""),
    )
    sources = Sources(
        store=lambda: _raise(LedgerError("no ledger here")),
        policies=PolicyFolder(tmp_path),
        catalog=lambda: EMPTY,
        standing=lambda: STANDING,
        leaving=lambda: False,
        drifts=lambda: drifts,
        described=dict,
        budgets=NO_REPORT,
    )
    pages = dashboard(sources, ())

    async def let_in(scope: Scope, receive: Receive, send: Send) -> None:
        await pages({**scope, "reads": None}, receive, send)

    text = TestClient(let_in).get("/dashboard/policy").text
    assert text.index("z-ai/glm</span> 3 endpoints left") < text.index("1 endpoint left; gone")
    assert "rule &#34;careful&#34; (test.yaml:3)" in text
    assert "appear here after the first request for each model" in text
    assert "<b>x" not in text


def _raise(error: Exception) -> NoReturn:
    raise error


FILTERED = "provider=novita&since=7d"


@pytest.mark.parametrize(
    "page", [*EVERY_PAGE, "/dashboard/nowhere", "/dashboard/receipts/rcp_nothing", "a receipt"]
)
def test_filters_stay_on_every_way_from_every_page(day: Served, page: str) -> None:
    """A receipt, the page of the API and messages show no list, and pass the filters on."""
    if page == "a receipt":
        listed = day.get(f"/dashboard/receipts?{FILTERED}").text
        found = re.search(r'href="(/dashboard/receipts/rcp_[^"]+)"', listed)
        assert found is not None
        page = unescape(found[1])
    else:
        page = f"{page}?{FILTERED}"
    assert page.endswith(FILTERED)
    text = day.get(page).text
    links = [unescape(each) for each in re.findall(r'href="([^"]*)"', text)]
    for way in PAGES:
        assert f"/dashboard{way}?{FILTERED}" in links, way
    assert f'<a class="brand" href="/dashboard?{escape(FILTERED)}">' in text


def test_a_receipt_shows_the_filters_of_its_list_and_leads_back(day: Served) -> None:
    listed = re.findall(r"/dashboard/receipts/(rcp_\w+)", day.get("/dashboard").text)
    text = day.get(f"/dashboard/receipts/{listed[0]}?{FILTERED}").text
    assert "The list is filtered by" in text
    assert f'<a href="/dashboard/receipts?{escape(FILTERED)}">Back to the list</a>' in text
    assert "The list is filtered by" not in day.get(f"/dashboard/receipts/{listed[0]}").text


def test_a_filter_that_cannot_be_read_hides_no_receipt_and_is_not_passed_on(day: Served) -> None:
    listed = re.findall(r"/dashboard/receipts/(rcp_\w+)", day.get("/dashboard").text)
    answer = day.get(f"/dashboard/receipts/{listed[0]}?since=nonsense")
    assert answer.status_code == 200
    assert "nonsense" not in answer.text


def test_a_slash_too_many_keeps_the_filters(day: Served) -> None:
    answer = day.get(f"/dashboard/money/?{FILTERED}")
    assert answer.headers["location"] == f"/dashboard/money?{FILTERED}"


PLAIN = Path(shell_module.__file__).parent / "templates"


@pytest.mark.parametrize("template", sorted(PLAIN.glob("*.html")), ids=lambda path: path.name)
def test_pages_are_in_plain_english(template: Path) -> None:
    """No one without a noun: a client, a tool, a provider, an endpoint (comments aside)."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", template.read_text("utf-8"))
    assert re.findall(r"(?i)\b(?:who|whom|whoever|nobody|somebody)\b", text) == []


def test_the_audit_page_shows_each_endpoint_against_the_margin_and_its_history(day: Served) -> None:
    text = day.get("/dashboard/audit").text
    assert text.count('class="ratio"') == 4  # one of five had too few answers for a ratio
    assert "listed as fp4" in text
    assert "is fp4" not in text
    assert "Not audited, listed by OpenRouter as degraded: targon/fp8." in text
    assert '<a href="/dashboard/receipts?audit=aud_1">' in text
    assert "ratio 0.54, 95 % 0.44 to 0.64" in unescape(text)
    assert "The reference is alibaba (listed as bf16)" in text


def test_the_audit_page_is_of_the_model_that_is_filtered_by(day: Served) -> None:
    begun = day.get("/dashboard/audit?model=moonshotai/kimi-k2").text
    assert "No endpoint has a verdict yet." in begun
    assert '<td class="number">\u2013</td>' in begun
    none = day.get("/dashboard/audit?model=a/b").text
    assert "No audit of a/b" in none
    assert "pointsman audit a/b" in none
    assert 'href="/dashboard/audit?model=qwen/qwen3-coder"' in none


def test_before_the_first_audit_the_page_names_the_command(serve: Serve) -> None:
    text = serve().get("/dashboard/audit").text
    assert "No audits yet" in text
    assert "<code>pointsman audit qwen/qwen3-coder</code>" in text


def test_the_policy_page_shows_the_last_audit_of_each_endpoint_that_may_serve(day: Served) -> None:
    day.ask("qwen/qwen3-coder")
    wait_until(lambda: "audit-chip" in day.get("/dashboard/policy").text)
    text = day.get("/dashboard/policy").text
    assert 'href="/dashboard/audit?model=qwen/qwen3-coder"' in text
    assert re.search(r"</svg>\s*different, 20\d\d-\d\d-\d\d</a>", text)
    assert "novita/fp8 may serve qwen/qwen3-coder, but was different in the audit of" in text
