"""`pointsman export`: every field, in three formats, whole or not at all."""

import csv
import importlib.util
import io
import json
import os
import subprocess
import sys
import tracemalloc
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.cli.export import export
from app.cli.export_formats import Format
from app.cli.export_place import StateFile
from app.errors import LedgerError, SettingsError
from app.ledger.keep import Keep
from app.ledger.positions import Position
from app.ledger.receipt import FIELDS, Receipt, as_json_object
from app.ledger.store import Store
from app.ledger.wanted import EVERYTHING, Wanted
from tests.ledger.receipts import FULL, START, receipt

URL = "sqlite:///ledger.sqlite"
OTHERS = [receipt(second, provider="novita", verdict="broken") for second in range(1, 30)]
GONE = "\N{REPLACEMENT CHARACTER}"


@pytest.fixture
def store() -> Store:
    ledger = Store.open(URL)
    ledger.write([FULL, *OTHERS])
    return ledger


def run(*arguments: str) -> str:
    ran = CliRunner().invoke(commands, ["export", "--ledger", URL, *arguments])
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def test_json_lines_are_the_receipts_oldest_first(store: Store) -> None:
    store.close()
    lines = run("--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == [as_json_object(one) for one in (FULL, *OTHERS)]


def test_csv_has_a_heading_and_a_cell_for_each_field(store: Store) -> None:
    store.close()
    full, other, *_ = csv.DictReader(io.StringIO(run()))
    assert tuple(full) == FIELDS
    assert full["started_at"] == "2026-11-21T09:30:00.125Z"
    assert full["cost_usd"] == "0.002053250001"
    assert full["streamed"] == "true"
    assert json.loads(full["rules"]) == list(FULL.rules)
    assert json.loads(full["preferences_sent"]) == FULL.preferences_sent
    assert full["error_message"] == "Provider returned error 上游"
    assert (other["alias"], other["preferences_sent"], other["rules"]) == ("", "", "[]")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", f"'{GONE}=1"),
        ("\tplain", f"'{GONE}plain"),
        ("\r=1", f"'{GONE}=1"),
        ("  =1", "'  =1"),
        ("\n=1", f"'{GONE}=1"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff201", "'\uff201"),
        ("x;=cmd|' /C calc'!A0;y; -z", "x;'=cmd|' /C calc'!A0;y;' -z"),  # cells, where ; parts them
        ("qwen/qwen3-coder; v=1", "qwen/qwen3-coder; v=1"),
        ("two\nlines\x1b[2J", f"two{GONE}lines{GONE}[2J"),
        ("上游", "上游"),
        ("", ""),
    ],
)
def test_t63_no_text_in_csv_is_a_formula(text: str, cell: str) -> None:
    ledger = Store.open(URL)
    ledger.write([receipt(model_asked=text, rules=(f";{text}",), cost_usd=Decimal("0.5"))])
    ledger.close()
    out = run()
    (row,) = csv.DictReader(io.StringIO(out))
    assert row["model_asked"] == cell
    assert json.loads(row["rules"]) == [f";{text}"]
    assert ";" not in row["rules"]
    assert row["cost_usd"] == "0.5"  # a number is one
    assert len(out.splitlines()) == 2  # a receipt is a line


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_t63_other_formats_have_the_very_text(form: str, tmp_path: Path) -> None:
    text = "=1+1;\t@x\x1b[2J\u202e"
    ledger = Store.open(URL)
    ledger.write([receipt(model_asked=text)])
    ledger.close()
    run("--format", form, "-o", "out")
    if form == "jsonl":
        written = (tmp_path / "out").read_text(encoding="utf-8")
        assert written.isascii()
        assert "\x1b" not in written
        assert json.loads(written)["model_asked"] == text
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        assert parquet.read_table(tmp_path / "out").to_pylist()[0]["model_asked"] == text


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="requires pyarrow")
def test_parquet_has_types(store: Store, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    store.close()
    run("--format", "parquet", "-o", "receipts.parquet")
    full, *others = parquet.read_table(tmp_path / "receipts.parquet").to_pylist()
    assert len(others) == 29
    assert tuple(full) == FIELDS
    assert full["started_at"] == FULL.started_at
    assert full["cost_usd"] == FULL.cost_usd
    assert full["rules"] == list(FULL.rules)
    assert json.loads(full["preferences_sent"]) == FULL.preferences_sent
    assert full["completion_tokens"] == FULL.completion_tokens
    assert others[0]["preferences_sent"] is None


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is not None, reason="pyarrow is here")
def test_without_pyarrow_the_extra_is_named_and_no_file_is_left(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"pip install 'pointsman\[export\]', or use csv"):
        export(store, EVERYTHING, form="parquet", output=Path("receipts.parquet"))
    assert not list(Path().glob("receipts*"))


def test_parquet_needs_a_file(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"add -o receipts\.parquet"):
        export(store, EVERYTHING, form="parquet", output=None)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"provider": "novita"}, 30),
        ({"verdict": "broken"}, 29),
        ({"since": START + timedelta(seconds=10)}, 20),
        ({"since": START + timedelta(seconds=10), "model": "nobody/nothing"}, 0),
        ({"since": START + timedelta(days=10)}, 0),
        ({"model": "qwen/qwen3-coder"}, 1),
    ],
    ids=str,
)
def test_filters_hold(store: Store, filters: dict[str, Any], count: int) -> None:
    assert export(store, Wanted(**filters), form="jsonl", output=Path("some.jsonl")) == count
    assert len(Path("some.jsonl").read_text(encoding="utf-8").splitlines()) == count


def test_a_file_that_cannot_be_written_is_told(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"can't write nowhere/out.csv: No such file"):
        export(store, EVERYTHING, form="csv", output=Path("nowhere/out.csv"))


class Breaking:
    """A ledger that goes away after its first page."""

    def __init__(self, store: Store) -> None:
        self.first_since, self.newest_position = store.first_since, store.newest_position
        self.lost_after = store.lost_after
        self._store = store

    def written_between(
        self, after: Position, end: Position, wanted: Wanted, *, limit: int
    ) -> tuple[Position, list[Receipt]]:
        if after.seq:
            raise LedgerError("away")
        return self._store.written_between(after, end, wanted, limit=limit // 1000)


def test_a_file_there_already_stays_until_the_new_one_is_whole(store: Store) -> None:
    Path("out.csv").write_text("precious", encoding="utf-8")
    breaking: Any = Breaking(store)
    with pytest.raises(LedgerError):
        export(breaking, EVERYTHING, form="csv", output=Path("out.csv"))
    assert Path("out.csv").read_text(encoding="utf-8") == "precious"
    assert not Path("out.csv.partial").exists()


def test_the_command_says_how_many_went_where(store: Store) -> None:
    store.close()
    assert run("--format", "jsonl", "-o", "out.jsonl") == "30 receipts in out.jsonl\n"


def test_what_is_written_meanwhile_is_left_for_the_next_time(store: Store) -> None:
    """An export ends, however busy the proxy is."""
    assert export(store, EVERYTHING, form="jsonl", output=Path("a.jsonl")) == 30
    store.write([receipt(99, cost_usd=Decimal(1))])
    assert export(store, EVERYTHING, form="jsonl", output=Path("a.jsonl")) == 31


def test_a_reader_that_stops_early_is_no_stack_trace(store: Store, tmp_path: Path) -> None:
    store.write([receipt(second, reason="x" * 500) for second in range(100, 900)])
    store.close()
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    command = f"{sys.executable} -m app export --ledger {url} | head -1"
    ran = subprocess.run(  # noqa: S602
        command,
        shell=True,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.startswith("id,started_at")
    assert "Traceback" not in ran.stderr


def peak_of(store: Store, form: Format) -> int:
    """The most bytes that Python held at once during an export in pages of 20."""
    tracemalloc.start()
    try:
        export(store, EVERYTHING, form=form, output=Path(f"out.{form}"), page=20)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_memory_does_not_grow_with_the_number_of_receipts(store: Store, form: Format) -> None:
    """Each receipt takes 3 kB: were a few hundred kept, it would show."""
    if form == "parquet":
        pytest.importorskip("pyarrow")
    large = [receipt(second, reason="x" * 3000) for second in range(1000)]
    store.write(large[:200])
    peak_of(store, form)  # with imports and the compiling of statements
    with_few = peak_of(store, form)
    store.write(large[200:])
    with_many = peak_of(store, form)
    assert with_many < with_few + 300_000  # of 2.4 MB that are more


def test_a_parquet_file_s_table_of_contents_stays_short(store: Store) -> None:
    """It is held in memory until the end: not one entry a page."""
    parquet = pytest.importorskip("pyarrow.parquet")
    store.write([receipt(second) for second in range(400)])
    export(store, EVERYTHING, form="parquet", output=Path("out.parquet"), page=10)
    contents = parquet.ParquetFile("out.parquet").metadata
    assert (contents.num_rows, contents.num_row_groups) == (430, 1)


def ids_in(file: str) -> list[str]:
    return [json.loads(line)["id"] for line in Path(file).read_text(encoding="utf-8").splitlines()]


def test_with_a_state_each_export_has_what_is_new(store: Store) -> None:
    def go(output: str, wanted: Wanted = EVERYTHING) -> int:
        place = StateFile(Path("state.json"))
        return export(store, wanted, form="jsonl", output=Path(output), place=place)

    assert go("1.jsonl") == 30
    assert go("2.jsonl") == 0
    more = [receipt(second, provider="groq") for second in range(-5, 0)]  # begun before the others
    store.write(more)
    assert go("3.jsonl", Wanted(provider="novita")) == 0  # past those that are not wanted, too
    assert go("4.jsonl") == 0
    store.write([FULL, receipt(99)])
    assert go("5.jsonl") == 1
    assert ids_in("2.jsonl") == []
    assert len(ids_in("5.jsonl")) == 1


def test_a_state_is_kept_only_once_the_file_is_whole(store: Store) -> None:
    breaking: Any = Breaking(store)
    place = StateFile(Path("state.json"))
    with pytest.raises(LedgerError):
        export(breaking, EVERYTHING, form="csv", output=Path("out.csv"), place=place)
    assert not Path("state.json").exists()


def test_with_a_state_no_file_is_written_over(store: Store) -> None:
    Path("out.csv").write_text("precious", encoding="utf-8")
    place = StateFile(Path("state.json"))
    with pytest.raises(SettingsError, match=r"out\.csv is there already.*file of its own"):
        export(store, EVERYTHING, form="csv", output=Path("out.csv"), place=place)
    assert Path("out.csv").read_text(encoding="utf-8") == "precious"


def test_after_a_receipt_come_those_that_were_written_after_it(store: Store) -> None:
    last = OTHERS[-3].id
    store.close()
    lines = run("--format", "jsonl", "--after", last).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [each.id for each in OTHERS[-2:]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--after", "rcp_none"], "has no receipt rcp_none; give the whole id"),
        (["--after", "rcp_none", "--state", "s"], "leave one out"),
        (["--state", "other.json"], "other.json was not written by"),
        (["--state", "."], "is a folder"),
        (["--state", "elsewhere.json"], "belongs to another ledger"),
        (["--state", "beyond.json"], "beyond.json was not written by"),
    ],
)
def test_a_place_that_is_not_there_is_told(store: Store, arguments: list[str], said: str) -> None:
    store.close()
    Path("other.json").write_text('{"format": 1}', encoding="utf-8")
    Path("elsewhere.json").write_text('{"seq": 7, "receipt": "rcp_elsewhere"}', encoding="utf-8")
    Path("beyond.json").write_text(f'{{"seq": {2**64}, "receipt": null}}', encoding="utf-8")
    ran = CliRunner().invoke(commands, ["export", "--ledger", URL, *arguments])
    assert isinstance(ran.exception, SettingsError)
    assert said in str(ran.exception)


def test_a_state_of_a_ledger_whose_receipts_are_deleted_goes_on(tmp_path: Path) -> None:
    ledger = Store.open(f"sqlite:///{tmp_path}/old.sqlite", Keep(age=timedelta(days=1)))
    ledger.write([receipt(1)])
    place = StateFile(Path("state.json"))
    assert export(ledger, EVERYTHING, form="csv", output=Path("1.csv"), place=place) == 1
    while ledger.tidy(START + timedelta(days=9)):
        pass
    assert ledger.recent(limit=1) == []
    assert export(ledger, EVERYTHING, form="csv", output=Path("2.csv"), place=place) == 0
    ledger.write([receipt(2)])
    assert export(ledger, EVERYTHING, form="csv", output=Path("3.csv"), place=place) == 1
    ledger.close()


def test_receipts_that_were_deleted_before_they_were_exported_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ledger = Store.open("sqlite:///old.sqlite", Keep(age=timedelta(days=1)))
    place = StateFile(Path("state.json"))

    def exported(name: str) -> str:
        export(ledger, EVERYTHING, form="jsonl", output=Path(name), place=place)
        return capsys.readouterr().err

    ledger.write([receipt(1)])
    assert exported("1.jsonl") == ""
    ledger.write([receipt(second) for second in range(2, 6)])
    while ledger.tidy(START + timedelta(days=9)):
        pass
    assert exported("2.jsonl") == ""  # nothing is there to go on with: the next one tells it
    ledger.write([receipt(6)])
    assert "up to 4 receipts were deleted before they could be exported" in exported("3.jsonl")
    ledger.write([receipt(7)])
    assert exported("4.jsonl") == ""


def test_a_state_names_its_receipt_also_where_nothing_was_wanted(store: Store) -> None:
    """By its number alone, another ledger with as many receipts would be taken for this one."""
    place = StateFile(Path("state.json"))
    late = Wanted(since=START + timedelta(days=99))
    assert export(store, late, form="csv", output=Path("1.csv"), place=place) == 0
    assert place.begin(store, EVERYTHING) == store.newest_position()
    other = Store.open("sqlite:///other.sqlite")
    other.write([receipt(second) for second in range(500, 600)])
    with pytest.raises(SettingsError, match="belongs to another ledger"):
        export(other, EVERYTHING, form="csv", output=Path("2.csv"), place=place)


def test_an_export_is_on_disk_before_its_position_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power failure, a state that is ahead of its file would skip receipts."""
    synced, really = list[int](), os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        really(descriptor)

    monkeypatch.setattr(os, "fsync", noted)

    class Watching(StateFile):
        def keep(self, position: Position) -> None:
            assert {Path("out.csv").stat().st_ino, Path().stat().st_ino} <= set(synced)
            super().keep(position)

    place = Watching(Path("state.json"))
    assert export(store, EVERYTHING, form="csv", output=Path("out.csv"), place=place) == 30
    assert place.file.stat().st_ino in synced


def test_two_exports_do_not_go_on_with_one_state(store: Store) -> None:
    place = StateFile(Path("state.json"))
    with place.alone(), pytest.raises(SettingsError, match=r"another export goes on with --state"):
        export(store, EVERYTHING, form="csv", output=Path("out.csv"), place=place)
    assert export(store, EVERYTHING, form="csv", output=Path("out.csv"), place=place) == 30


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_full_disk_behind_standard_output_is_no_stack_trace(store: Store, tmp_path: Path) -> None:
    store.close()
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "app", "export", "--ledger", url],
            cwd=Path(__file__).parents[2],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.stderr == "pointsman: can't write standard output: No space left on device\n"
    assert ran.returncode == 2
