"""What stands on every page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from app.catalog.catalog import EMPTY
from app.dashboard.shell import Shell, Sources, shell_of
from app.policy_folder import PolicyFolder
from tests.budget.accounts import NO_REPORT
from tests.dashboard.samples import POLICY
from tests.telemetry.exposed import STANDING

WELL = replace(STANDING, problems=(), ledger_dropped=0, notifications_undelivered=0)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "test.yaml").write_text(POLICY, encoding="utf-8")
    return Sources(
        store=lambda: pytest.fail("nobody asked for the ledger"),
        policies=PolicyFolder(tmp_path),
        catalog=lambda: EMPTY,
        standing=lambda: WELL,
        leaving=lambda: False,
        drifts=tuple,
        described=dict,
        budgets=NO_REPORT,
    )


def shell_at(sources: Sources, path: str = "/dashboard", query: str = "") -> Shell:
    scope = {
        "type": "http",
        "reads": None,
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1:4477")],
        "caller": None,
    }
    return shell_of(sources, Request(scope))


def test_when_all_is_well_nothing_is_said(sources: Sources) -> None:
    assert shell_at(sources).notices == ()


def noticed(sources: Sources, **now: Any) -> list[str]:
    standing = replace(WELL, **now)
    shell = shell_at(replace(sources, standing=lambda: standing))
    return [f"{notice.title} {notice.text}" for notice in shell.notices]


def test_receipts_that_were_lost_are_never_kept_quiet(sources: Sources) -> None:
    (notice,) = noticed(sources, ledger_dropped=1234)
    assert notice == (
        "Receipts were lost. 1,234 since the start; the queue was full, or a value did not fit."
    )


def test_receipts_that_wait_are_counted(sources: Sources) -> None:
    (notice,) = noticed(sources, ledger_error="disk full", ledger_waiting=1)
    assert notice == "Receipts can't be written: disk full (1 wait in memory)"
    assert noticed(sources, ledger_error="disk full", ledger_waiting=0) == [
        "Receipts can't be written: disk full"
    ]


@pytest.mark.parametrize(
    ("error", "text"),
    [("HTTP 404", " The last error: HTTP 404."), (None, "")],
)
def test_notifications_that_are_not_delivered_are_noticed(
    sources: Sources, error: str | None, text: str
) -> None:
    (notice,) = noticed(sources, notifications_undelivered=2, notifications_error=error)
    assert notice == f"Not delivered: 2 notifications of the last day.{text}"


def test_a_broken_policy_file_is_noticed_everywhere_but_where_it_is_shown(sources: Sources) -> None:
    (notice,) = noticed(sources, problems=("a.yaml:1: wrong",))
    assert notice == "A policy file has mistakes. The last valid policy version stays in force."
    broken = replace(sources, standing=lambda: replace(WELL, problems=("a.yaml:1: wrong",)))
    assert shell_at(broken, "/dashboard/policy").notices == ()


def test_a_page_knows_its_address_and_its_period(sources: Sources) -> None:
    shell = shell_at(sources, "/dashboard/who", "since=7d")
    assert shell.here == "/dashboard/who?since=7d"
    assert [link.label for link in shell.links if link.current] == ["Providers"]
    assert shell_at(sources).here == "/dashboard"
