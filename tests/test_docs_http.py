"""docs/http.md: every path, header and parameter of ours, and examples that run as they say."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from app.api.audits import audit_routes
from app.api.framed import framed
from app.api.receipts import receipt_routes
from app.api.stats import stats_routes
from app.ledger.receipt import FIELDS
from app.ledger.store import Store
from app.ledger.wanted import NAMES
from app.settings import Settings
from app.simulator import create_simulator
from app.wire import headers
from app.wire.dialect import DIALECTS
from tests.audits import compared, kept, result
from tests.budget.accounts import NO_REPORT
from tests.conftest import Proxy, StartProxy
from tests.running import running
from tests.test_docs import DOCS

TEXT = (DOCS / "http.md").read_text(encoding="utf-8")
BASE = "http://127.0.0.1:4477"
BLOCKS = re.findall(r"^```(\w+) (\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
POLICY = """\
version: 1
rules:
  - {name: precise, models: ["qwen/*"], quantization_floor: fp8, data_collection: deny}
"""


async def nothing(*_: object) -> None:
    """An app that is never asked."""


def no_store() -> Store:
    raise AssertionError("no request is made")


QUERIED = tuple(
    route
    for make in (receipt_routes, stats_routes, audit_routes)
    for route in make(no_store).routes
)
FRAMED = framed(no_store, budgets=NO_REPORT, explain=nothing, pages=nothing, otherwise=nothing)
ENDPOINTS = {route.path: route.endpoint for route in QUERIED if isinstance(route, APIRoute)}
PATHS = {*ENDPOINTS, *(route.path for route in FRAMED.routes if isinstance(route, Route))}


def test_every_path_is_on_the_page() -> None:
    named = set(re.findall(r"`(?:GET|POST) (/\S+)`", TEXT))
    held = {f"{'/api' if row.beside_base else '/v1'}{path}" for path, row in DIALECTS.items()}
    assert held <= named
    ours = {path.replace(":path", "") for path in PATHS}
    assert {"/pointsman/receipts", "/pointsman/explain", "/dashboard/{page}"} <= ours
    assert ours <= named
    plain = re.findall(r"""\{"(/\w+)": ""\}\.get, _guarded""", source("relay/endpoints.py"))
    assert len(plain) == 3
    assert {*plain, "/v1/models", "/v1/messages/count_tokens", "/dashboard"} <= named


def source(*names: str) -> str:
    """The text of our own modules."""
    app = DOCS.parent / "app"
    files = [app / name for name in names] or app.rglob("*.py")
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_header_of_ours_is_on_the_page_and_no_other() -> None:
    ours = set(re.findall(r"x-pointsman-[a-z]+(?:-[a-z]+)*", source()))
    assert len(ours) == 7
    assert set(re.findall(r"x-pointsman-[a-z]+(?:-[a-z]+)*", TEXT)) == ours


def test_the_headers_that_go_upstream_are_listed() -> None:
    listed = TEXT.split("since an unknown one could be")[1].split("If Pointsman has the key")[0]
    names = set(re.findall(r"`([a-z-]+)`", listed))
    prefixes = {name.decode() for name in headers._TO_UPSTREAM_PREFIXES}  # noqa: SLF001
    assert names == {name.decode() for name in headers._TO_UPSTREAM} | prefixes  # noqa: SLF001


@pytest.mark.parametrize(("column", "own"), [(1, {"limit", "before"}), (2, {"by"})])
def test_every_query_parameter_has_its_cell(column: int, own: set[str]) -> None:
    table = TEXT.split("| Parameter |")[1].split("\n\n")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]
    listed = {row[0].strip("`") for row in rows if row[column]}
    assert listed == {*NAMES, *own}


def test_every_field_of_a_receipt_has_its_row() -> None:
    table = TEXT.split("### Fields of a receipt")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(FIELDS)


def run(command: list[str], folder: Path) -> str:
    """What a program prints."""
    done = subprocess.run(  # noqa: S603 - the page's own example
        command, check=False, capture_output=True, text=True, cwd=folder, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def same_shape(said: Any, came: Any, where: str = "$") -> None:
    """Fail unless both have the same names and types."""
    if isinstance(said, dict):
        assert isinstance(came, dict), where
        assert list(said) == list(came), where
        for name in said:
            same_shape(said[name], came[name], f"{where}.{name}")
    elif isinstance(said, list):
        assert isinstance(came, list), where
        assert bool(said) == bool(came), where
        for one, other in zip(said, came, strict=False):
            same_shape(one, other, f"{where}[]")
    else:
        numbers = (int, float)
        alike = isinstance(came, numbers) if type(said) in numbers else type(came) is type(said)
        assert alike, f"{where}: {said!r} on the page, {came!r} in truth"


async def listed(proxy: Proxy, within: float = 5.0) -> None:
    """Wait until the endpoints of the model that was asked for are known."""
    until = time.monotonic() + within
    while not (await proxy.client.get(f"{proxy.url}/ready")).json()["catalog"]["listings"]:
        assert time.monotonic() < until
        time.sleep(0.02)  # noqa: ASYNC251 - the proxy runs in another thread


async def test_the_examples_run_and_answer_in_the_shape_that_is_shown(
    start_proxy: StartProxy, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    with running(create_simulator(pace=0)) as openrouter:
        proxy = start_proxy(POLICY, upstream_url=f"{openrouter.url}/api/v1")
        ledger = Store.open(Settings.read(state=tmp_path).ledger())
        kept(ledger, result(compared("novita/fp8", "different")), "aud_01kb2m9q4r7v")
        ledger.close()
        came: Any = None
        for _, kind, text in BLOCKS:
            example = text.replace(BASE, proxy.url)
            if kind == "curl":
                came = json.loads(run(["/bin/sh", "-c", example], tmp_path))
                await listed(proxy)
            elif kind == "run":
                came = run([sys.executable, "-c", example], tmp_path)
                await proxy.receipts(1)
            elif kind == "prints":
                assert came == text
            else:
                came = came[kind] if kind in {"funnel", "refused"} else came
                same_shape(json.loads(text), came)
    assert [kind for _, kind, _ in BLOCKS].count("curl") == 16
    assert [kind for _, kind, _ in BLOCKS].count("curl") == 16
