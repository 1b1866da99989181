"""`pointsman export --follow`: what becomes of trouble, and of files that are there already."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from typer.testing import CliRunner

from app.cli.commands import commands
from app.cli.export_follow import follow
from app.cli.export_formats import BEGINS, HEADINGS
from app.cli.export_place import StateFile
from app.cli.growing_file import growing
from app.errors import LedgerError, SettingsError
from app.ledger.keep import Keep
from app.ledger.positions import Position
from app.ledger.store import Store
from app.ledger.wanted import EVERYTHING, Wanted
from tests.ledger.receipts import START, receipt

OUT = Path("out.jsonl")
STATE = StateFile(Path("state"))
TEN = [receipt(second, provider="groq" if second == 7 else "novita") for second in range(10)]


class Watched:
    """A ledger to which something happens before each look at it; then comes Ctrl-C."""

    def __init__(self, store: Store, happens: Iterable[Callable[[], object]]) -> None:
        self.store = store
        self._happens = iter(happens)

    def newest_position(self) -> Position:
        next(self._happens, interrupt)()
        return self.store.newest_position()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def nothing() -> None:
    pass


def away() -> None:
    raise LedgerError("can't read the ledger: it\n\tis away")


def followed(
    store: Store, *happens: Callable[[], object], wanted: Wanted = EVERYTHING, page: int = 100
) -> list[str]:
    """The ids that are in the file after all that has happened, and Ctrl-C."""
    watched: Any = Watched(store, happens)
    follow(watched, wanted, form="jsonl", output=OUT, place=STATE, page=page)
    return [json.loads(line)["id"] for line in OUT.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def store() -> Store:
    ledger = Store.open("sqlite:///ledger.sqlite")
    ledger.write(TEN)
    return ledger


def ids(receipts: Iterable[Any]) -> list[str]:
    return [one.id for one in receipts]


def test_it_goes_on_page_by_page_and_keeps_how_far_it_is(store: Store) -> None:
    more = [receipt(-1), receipt(-2)]
    steps = (nothing, nothing, lambda: store.write(more[:1]), lambda: store.write(more[1:]))
    assert followed(store, *steps, page=6) == ids([*TEN, *more])
    assert STATE.begin(store, EVERYTHING) == store.newest_position()
    assert followed(store, nothing) == ids([*TEN, *more])


def test_what_is_not_wanted_is_not_read_again(store: Store) -> None:
    assert followed(store, nothing, wanted=Wanted(provider="groq")) == [TEN[7].id]
    assert STATE.begin(store, EVERYTHING) == store.newest_position()


def test_a_ledger_that_is_away_is_waited_for_and_told_once(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    late = receipt(11)
    steps = (nothing, away, away, away, lambda: store.write([late]))
    assert followed(store, *steps) == ids([*TEN, late])
    told = capsys.readouterr().err
    assert told == "can't read the ledger: it is away; trying again until it can be read\n"


def test_a_ledger_that_was_restored_from_an_older_copy_is_exported_anew(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its next receipts get numbers that were given before: some would never be seen."""
    other = [receipt(second) for second in range(50, 70)]
    watched: Any = Watched(store, [])

    def restored() -> None:
        watched.store = Store.open("sqlite:///restored.sqlite")
        watched.store.write(other)

    watched._happens = iter([nothing, restored])  # noqa: SLF001 - they know of each other
    follow(watched, EVERYTHING, form="jsonl", output=OUT, place=STATE)
    lines = OUT.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids([*TEN, *other])
    assert "replaced or restored; exporting it from its beginning" in capsys.readouterr().err
    with pytest.raises(SettingsError, match="--state state belongs to another ledger"):
        STATE.begin(store, EVERYTHING)


def test_parquet_names_the_way_out(store: Store) -> None:
    store.close()
    arguments = ["export", "--ledger", "ledger.sqlite", "--format", "parquet", "-f", "-o", "x"]
    ran = CliRunner().invoke(commands, arguments)
    assert isinstance(ran.exception, SettingsError)
    assert "can't be added to" in str(ran.exception)
    assert "export --format parquet --state FILE -o NEW-FILE" in str(ran.exception)
    assert not Path("x").exists()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("there", [b"precious", b"id,name\n1,2\n", b'{"a": 1}', b"\0" * 99])
def test_a_file_of_something_else_is_refused_and_left_alone(form: Any, there: bytes) -> None:
    OUT.write_bytes(there)
    with (
        pytest.raises(SettingsError, match=r"out\.jsonl has other lines"),
        growing(OUT, heading=HEADINGS[form], begins=BEGINS[form]),
    ):
        pass
    assert OUT.read_bytes() == there


@pytest.mark.parametrize(
    ("there", "left"),
    [
        (b"", b"head\n"),
        (b"he", b"head\n"),
        (b"head\n", b"head\n"),
        (b"head\n1\n2", b"head\n1\n"),
        (b"head\n1\n" + b"2" * 200_000, b"head\n1\n"),
        (b"head\n" + b"1" * 200_000 + b"\n", b"head\n" + b"1" * 200_000 + b"\n"),
    ],
    ids=["empty", "half a heading", "heading", "half a line", "a long half", "a long line"],
)
def test_a_file_is_gone_on_with_after_its_last_whole_line(there: bytes, left: bytes) -> None:
    OUT.write_bytes(there)
    with growing(OUT, heading=b"head\n", begins=b"head\n") as target:
        target.put(lambda file: file.write(b"next\n"))
        assert OUT.read_bytes() == left + b"next\n"


def test_a_file_that_can_not_be_written_is_told() -> None:
    with (
        pytest.raises(SettingsError, match=r"can't write nowhere/out: No such file"),
        growing(Path("nowhere/out"), heading=b"", begins=b""),
    ):
        pass


def ids_in(file: Path) -> list[str]:
    return [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines()]


def renamed() -> None:
    OUT.rename("out.1")


def created() -> None:
    OUT.rename("out.1")
    OUT.touch()


def emptied() -> None:
    OUT.write_bytes(b"")


@pytest.mark.parametrize("rotate", [renamed, created, emptied, OUT.unlink])
def test_a_file_that_is_rotated_is_begun_anew_and_loses_nothing(
    store: Store, rotate: Callable[[], None]
) -> None:
    """As logrotate does it: the renamed file is compressed and removed, and what comes later to it
    would be gone, while the state says that it is on disk."""
    late, before = receipt(11), Path("before.jsonl")

    def rotated() -> None:
        shutil.copy(OUT, before)
        rotate()
        store.write([late])

    assert followed(store, nothing, rotated) == [late.id]
    assert ids_in(before) == ids(TEN)
    assert STATE.begin(store, EVERYTHING) == store.newest_position()


def test_a_file_that_is_begun_anew_has_its_heading() -> None:
    with growing(OUT, heading=b"head\n", begins=b"head\n") as target:
        target.put(lambda file: file.write(b"1\n"))
        OUT.write_bytes(b"")
        target.put(lambda file: file.write(b"2\n"))
        assert OUT.read_bytes() == b"head\n2\n"


def test_lines_that_go_into_a_file_while_it_is_rotated_are_written_again() -> None:
    """What is compressed may have been read before they were there."""
    with growing(OUT, heading=b"", begins=b"") as target:

        def write(file: IO[bytes]) -> None:
            if not Path("out.1").exists():
                OUT.rename("out.1")
            file.write(b"line\n")

        target.put(write)
    assert (OUT.read_bytes(), Path("out.1").read_bytes()) == (b"line\n", b"line\n")


def test_two_exports_do_not_write_to_one_file(store: Store) -> None:
    with (
        growing(OUT, heading=b"", begins=b""),
        pytest.raises(SettingsError, match=r"another export writes to out\.jsonl; stop it"),
    ):
        follow(store, EVERYTHING, form="jsonl", output=OUT)
    assert followed(store, nothing) == ids(TEN)


def test_receipts_that_were_deleted_while_it_waited_are_told(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    more, late = [receipt(second) for second in range(20, 25)], receipt(30)

    def too_late() -> None:
        store.write(more)
        limited = Store.open(store.url, Keep(age=timedelta(days=1)))
        while limited.tidy(START + timedelta(days=9)):
            pass
        store.write([late])

    assert followed(store, nothing, too_late) == ids([*TEN, late])
    assert "up to 5 receipts were deleted before" in capsys.readouterr().err
