"""`pointsman catalog --at` and `--history`: what was listed then, and how it changed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from app.catalog.kept import kept_of
from app.cli.catalog_then import MOST_CHANGES, show_history, show_then
from app.cli.commands import commands
from app.errors import SettingsError
from app.ledger.listed import Listed
from app.ledger.store import Store
from app.settings import Settings
from tests.ledger.receipts import receipt

MODEL = "acme/one"
START = datetime(2026, 11, 20, 10, 3, tzinfo=UTC)


def row(tag: str, label: str = "fp8", price: str = "0.0000002") -> dict[str, Any]:
    prices = {"prompt": price, "completion": "0.000001"}
    name = tag.partition("/")[0].title()
    return {"tag": tag, "provider_name": name, "quantization": label, "pricing": prices}


def listed(hours: float, *rows: dict[str, Any], model: str = MODEL) -> Listed:
    kept = kept_of(model, rows)
    assert kept is not None
    return Listed(model, kept.digest, START + timedelta(hours=hours), kept.body)


FIRST = listed(0, row("novita/fp8"))
LISTINGS = [
    FIRST,
    listed(1, row("novita/fp8")),
    listed(5, row("novita/fp8", price="0.0000003"), row("zeta/fp4", "fp4")),
    listed(7, row("novita/fp8")),
]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A ledger with three changes of a listing."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "p").mkdir()
    alias = "Quick: {model: acme/one, preferences: {zdr: true}}"
    (tmp_path / "p/p.yaml").write_text(f"version: 1\nrules: []\naliases:\n  {alias}\n")
    settings = Settings.read(state=tmp_path, policies=tmp_path / "p")
    store = Store.open(settings.ledger())
    store.note_listings(LISTINGS)
    store.write([receipt(listing=FIRST.digest)])
    yield settings
    store.close()


def minute(hours: float) -> str:
    return f"{(START + timedelta(hours=hours)).astimezone():%Y-%m-%d %H:%M}"


def then(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


@pytest.mark.parametrize(
    ("hours", "seen", "prices"),
    [
        (0.5, 0.5, {"novita/fp8": "0.2"}),
        (4, 1, {"novita/fp8": "0.2"}),  # last seen after an hour
        (5, 5, {"novita/fp8": "0.3", "zeta/fp4": "0.2"}),
        (6, 5, {"novita/fp8": "0.3", "zeta/fp4": "0.2"}),
        (99, 7, {"novita/fp8": "0.2"}),
    ],
)
def test_a_listing_is_shown_as_of_a_time(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    hours: float,
    seen: float,
    prices: dict[str, str],
) -> None:
    assert show_then(settings, ["Quick"], at=then(hours), save=None) == 0
    title, _, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith(f"{MODEL}  listed {minute(seen)}, digest ")
    cells = [line.split() for line in lines]
    assert {tag: price for _, tag, _, price, *_ in cells} == prices


def test_the_listing_of_a_receipt_needs_no_model(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    late = receipt(listing=LISTINGS[2].digest)
    store = Store.open(settings.ledger())
    store.write([late])
    store.close()
    with sa.create_engine(settings.ledger()).begin() as connection:
        begun = round(START.timestamp() * 1000) + 5 * 3_600_000
        connection.exec_driver_sql("UPDATE receipts SET started_at = ?", (begun,))
    assert show_then(settings, [], at=late.id, save=None) == 0
    assert "zeta/fp4" in capsys.readouterr().out
    assert show_then(settings, [MODEL], at=late.id, save=None) == 0
    assert "zeta/fp4" in capsys.readouterr().out


def test_a_listing_that_is_not_kept_is_said(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_then(settings, [MODEL, "acme/two"], at=then(-1), save=None) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert f"{MODEL}: no listing of then is kept; listings are kept from the first" in said
    assert "acme/two: no listing of then is kept" in said
    assert show_history(settings, ["acme/two", MODEL]) == 1
    assert "acme/two: no listing is kept" in " ".join(capsys.readouterr().out.split())


def test_a_listing_of_then_can_be_saved_and_checked_against(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "then.json"
    assert show_then(settings, [MODEL], at=then(6), save=file) == 0
    assert "the endpoints of 1 model" in " ".join(capsys.readouterr().out.split())
    saved = json.loads(file.read_text())
    assert datetime.fromisoformat(saved["fetched_at"]) == START + timedelta(hours=5)
    assert {each["tag"] for each in saved["endpoints"][MODEL]} == {"novita/fp8", "zeta/fp4"}
    said = ran("catalog", MODEL, "--catalog", str(file), "--policies", str(tmp_path / "p"))
    assert (said.exit_code, "zeta/fp4" in said.output) == (0, True)
    (tmp_path / "p/p.yaml").write_text(
        f"version: 1\nrules:\n  - {{name: r, models: [{MODEL}], quantization_floor: bf16}}\n"
    )
    said = ran("check", "--catalog", str(file), "--policies", str(tmp_path / "p"))
    assert (said.exit_code, "2 -> " in said.output) == (1, True), said.output
    assert show_then(settings, ["acme/two"], at=then(6), save=tmp_path / "none.json") == 1
    assert not (tmp_path / "none.json").exists()


def test_the_history_says_what_changed_and_when(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_history(settings, ["quick"]) == 0
    title, *lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    pad = " " * len(minute(0))
    assert title == MODEL
    assert lines == [
        f"{minute(0)}  listed with 1 endpoint",
        f"{minute(5)}  novita/fp8: in $/M 0.2 -> 0.3",
        f"{pad}  zeta/fp4: added, listed as fp4, in $/M 0.2, out $/M 1",
        f"{minute(7)}  novita/fp8: in $/M 0.3 -> 0.2",
        f"{pad}  zeta/fp4: removed, listed as fp4, in $/M 0.2, out $/M 1",
    ]


def test_a_listing_that_was_deleted_is_left_out_of_the_history(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with sa.create_engine(settings.ledger()).begin() as connection:
        connection.exec_driver_sql("DELETE FROM listings WHERE digest = ?", (LISTINGS[2].digest,))
    assert show_history(settings, [MODEL]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [f"{minute(0)}  listed with 1 endpoint"]


def test_a_history_is_bounded(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store.open(settings.ledger())
    for number in range(MOST_CHANGES + 20):
        store.note_listings([listed(100 + number, row("novita/fp8", price=f"0.00000{number + 1}"))])
    store.close()
    assert show_history(settings, [MODEL]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + MOST_CHANGES


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--at", "yesterday"), "'yesterday' is not a time; use e.g."),
        (("--at", "yesterday"), "has no receipt yesterday"),
        (("--at", "1d"), "name a model, or a receipt"),
        (("--history",), "name a model: pointsman catalog MODEL --history"),
    ],
)
def test_what_is_missing_is_named(settings: Settings, options: tuple[str, ...], told: str) -> None:
    asked = ["catalog", *options, "--ledger", str(settings.state / "ledger.db")]
    with pytest.raises(SettingsError) as caught:
        CliRunner().invoke(commands, asked, catch_exceptions=False)
    assert told in str(caught.value)


@pytest.mark.parametrize("other", [("--at", "1d"), ("--save", "x.json")])
def test_a_history_is_neither_saved_nor_of_a_moment(other: tuple[str, str]) -> None:
    said = ran("catalog", MODEL, "--history", *other)
    assert said.exit_code == 2
    assert "--history goes without --at and --save" in said.output
    assert not Path("x.json").exists()


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments))
