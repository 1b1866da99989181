"""The program that counts instructions reads, compares and counts as it says."""

import asyncio
import importlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parent.parent / "bench"

pytestmark = pytest.mark.skipif(not BENCH.exists(), reason="a source distribution has no bench/")

# Two functions of one library, a call of one in another, and numbers in place of names.
WRITTEN = """\
# callgrind format
events: Ir

ob=(1) /usr/lib/libpython3.11.so.1.0
fl=(1) ceval.c
fn=(1) eval
0 100
cob=(2) /lib/libc.so.6
cfn=(2) memcpy
calls=3 0
0 5000
0 11

fn=(3) call
0 7

ob=(2)
fn=(2)
0 5000

totals: 5118
"""


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The program, with an empty file of records; those under bench/ are no package."""
    monkeypatch.syspath_prepend(str(BENCH))
    program = importlib.import_module("instructions")
    monkeypatch.setattr(program, "RECORDED", tmp_path / "instructions.json")
    program.RECORDED.write_text("{}")
    return program


@pytest.fixture
def counted(program: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let a count find these figures."""

    async def found(*_: object, **__: object) -> None:
        return None

    def let(**figures: int) -> None:
        libraries = {name: Counter({"python": each}) for name, each in figures.items()}
        monkeypatch.setattr(program, "figures", lambda _: libraries)

    monkeypatch.setattr(program, "cant_count", lambda: None)
    monkeypatch.setattr(program, "instructions", found)
    return let


def test_what_a_library_calls_is_not_its_own(program: Any) -> None:
    found = program.by_library(WRITTEN.splitlines())
    assert found == {"python3": 118, "c": 5000}


def test_a_figure_is_the_difference_between_two_parts_of_a_thread(program: Any) -> None:
    """What the ledger's thread does comes in as many dumps as it has batches."""
    loop = [1000, 7, 41_000, 7, 500, 40_500]
    ledger = {1: [300, 200], 3: [300, 20_000, 200]}
    dumps: list[Any] = []
    for place, total in enumerate(loop):
        for filed in ledger.get(place, ()):
            dumps.append(program.Dump(len(dumps), 5, Counter({"python": filed})))
        dumps.append(program.Dump(len(dumps), 1, Counter({"python": total})))
    found = {name: counts.total() for name, counts in program.figures(dumps).items()}
    assert found == {"chunk": 100, "request": 200, "receipt": 100}


def test_a_dearer_figure_fails_once_it_is_recorded(
    program: Any, counted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    counted(chunk=1000, request=10_000)
    assert program.count(record=False, bare=False) == 0
    assert "no figures are recorded for" in capsys.readouterr().out
    assert program.count(record=True, bare=False) == 0
    assert json.loads(program.RECORDED.read_text()) == {
        program.interpreter(): {"chunk": 1000, "request": 10_000}
    }
    counted(chunk=1030, request=9_000)
    assert program.count(record=False, bare=False) == 0
    counted(chunk=1031, request=9_000)
    capsys.readouterr()
    assert program.count(record=False, bare=False) == 1
    told = capsys.readouterr().out
    assert "chunk            1,031 instructions, 1,000 recorded (+3.1%)   <-- dearer" in told
    assert "FAIL: more than 3% dearer" in told


def test_where_nothing_can_be_counted_that_is_said_and_is_no_failure(
    program: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program.platform, "system", lambda: "Linux")
    monkeypatch.setattr(program.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(program.shutil, "which", lambda _: None)
    assert program.count(record=False, bare=False) == 77
    told = (
        "NOT MEASURED: valgrind is missing: on Debian and Ubuntu, run apt install valgrind as root"
    )
    assert capsys.readouterr().out == f"{told}\n"
    monkeypatch.setattr(program.platform, "machine", lambda: "aarch64")
    assert program.count(record=False, bare=False) == 77
    assert "on Linux on x86-64 only" in capsys.readouterr().out


def test_calls_and_bytecodes_of_real_requests_are_counted_by_room(
    program: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(program, "_WARM_UPS", 3)
    monkeypatch.setattr(program, "_REQUESTS", (1, 5))
    monkeypatch.setattr(program, "_STREAMS", 1)
    monkeypatch.setattr(program, "_EVENTS", (2, 22))
    found = asyncio.run(program.by_room(tmp_path, bare=False))
    for name, rooms in (("chunk", {"app/wire"}), ("request", {"app/policy"})):
        for counts in found[name].values():
            assert rooms <= {room for room, number in counts.items() if number}
    assert found["chunk"]["calls"]["app/wire"] < found["request"]["calls"]["app/wire"]
