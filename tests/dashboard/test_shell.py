"""What stands on every page."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import Request

from app.catalog.catalog import EMPTY
from app.dashboard.shell import Shell, Sources, shell_of
from app.errors import LedgerError
from app.ledger.writer import Sink, Writer
from app.policy_folder import PolicyFolder
from tests.dashboard.samples import POLICY, sample


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "test.yaml").write_text(POLICY, encoding="utf-8")
    return Sources(
        store=lambda: pytest.fail("nobody asked for the ledger"),
        policies=PolicyFolder(tmp_path),
        catalog=lambda: EMPTY,
        writer=Writer(lambda: pytest.fail("nobody started to write")),
        leaving=lambda: False,
        drifts=tuple,
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


def test_receipts_that_were_lost_are_never_kept_quiet(sources: Sources) -> None:
    full = replace(sources, writer=Writer(lambda: pytest.fail("it was not started"), capacity=0))
    for _ in range(1234):
        full.writer.submit(sample())
    (notice,) = shell_at(full).notices
    assert notice.text == "1,234 since the start: the queue was full, or a value did not fit."


def test_receipts_that_wait_are_counted(sources: Sources) -> None:
    def full() -> Sink:
        raise LedgerError("disk full")

    writer = Writer(full)
    writer.start()
    writer.submit(sample())
    late = time.monotonic() + 5
    while writer.error is None and time.monotonic() < late:
        time.sleep(0.01)
    (notice,) = shell_at(replace(sources, writer=writer)).notices
    writer.close(timeout=0.1)
    assert f"{notice.title} {notice.text}" == (
        "Receipts can't be written: disk full (1 wait in memory)"
    )


def test_a_page_knows_its_address_and_its_period(sources: Sources) -> None:
    shell = shell_at(sources, "/dashboard/who", "since=7d")
    assert shell.here == "/dashboard/who?since=7d"
    assert [link.label for link in shell.links if link.current] == ["Who served"]
    assert shell_at(sources).here == "/dashboard"
