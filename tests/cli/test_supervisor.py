"""The supervisor, over workers that do nothing but go wrong."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.supervisor import pause_before
from tests.cli.test_commands import ROOT, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")

PROGRAM = """\
import logging, os, signal, sys, time
{first}
from app.cli.beats import Beats
from app.cli.supervisor import Supervisor
from app.errors import SettingsError
beats = Beats(2)
class Idle:
    def begin(self, number):
        print("began", number, flush=True)
        {begin}
    def rest(self, number):
        print("rests", number, flush=True)
    def end(self):
        print("ends", flush=True)
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
Supervisor(
    Idle(), 2, drain_seconds=0.2, closing_seconds=0.2, beats=beats, hung_seconds={hung},
    starting_seconds={starting}
).run()
print("over", flush=True)
"""


def supervised(
    begin: str, first: str = "", *, hung: float = 0.0, starting: float = 60.0
) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own words
        [
            sys.executable,
            "-c",
            PROGRAM.format(begin=begin, first=first, hung=hung, starting=starting),
        ],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(process: subprocess.Popen[str], words: str) -> str:
    """What is said up to these words."""
    assert process.stdout is not None
    lines = ""
    for line in process.stdout:
        lines += line
        if words in line:
            break
    return lines


def test_pauses_grow_and_have_an_end() -> None:
    assert [pause_before(deaths) for deaths in range(9)] == [0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert pause_before(10_000) == 30


def test_workers_that_can_not_start_end_it_all() -> None:
    with supervised("raise SettingsError('no such thing')") as process:
        text = said(process, "nothing of the kind")
        assert process.wait(timeout=60) == 2
    assert "no such thing" in text
    assert "Traceback" not in text
    assert "starts" not in text


def test_who_dies_again_and_again_is_waited_for() -> None:
    with supervised("number == 2 and time.sleep(60); os._exit(7)") as process:
        text = said(process, "starts in 2 s")
        process.send_signal(signal.SIGTERM)
        assert said(process, "over").count("began") == 0
        assert process.wait(timeout=60) == 0
    assert text.count("began 1") == 3
    assert text.count("began 2") == 1
    assert "worker 1, process " in text
    assert text.count("ended with status 7; a replacement starts now") == 1
    assert text.count("rests 1") == 2


def test_where_no_process_can_be_made_it_is_tried_again() -> None:
    none_at_first = """
fork, failures = os.fork, [1, 2]
def hard():
    if failures:
        failures.pop()
        raise BlockingIOError("no more processes")
    return fork()
os.fork = hard
"""
    with supervised("time.sleep(60)", none_at_first) as process:
        text = said(process, "began") + said(process, "began")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert text.count("can't be started: no more processes; trying again in 1 s") == 2


def test_who_does_not_end_is_ended() -> None:
    begin = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    with supervised(begin) as process:
        said(process, "deaf")
        said(process, "deaf")
        process.send_signal(signal.SIGTERM)
        text = said(process, "over")
        assert process.wait(timeout=60) == 0
    assert text.count("does not end") == 2


def test_a_worker_that_hangs_is_ended_and_replaced() -> None:
    begin = (
        "signal.signal(signal.SIGTERM, lambda *_: os._exit(0))\n"
        "        for _ in range(100 if number == 1 else 5): beats.beat(number); time.sleep(0.05)\n"
        "        time.sleep(60)"
    )
    with supervised(begin, hung=1.0) as process:
        text = said(process, "starts now")
        text += said(process, "began")
        process.send_signal(signal.SIGTERM)
        said(process, "over")
        assert process.wait(timeout=60) == 0
    assert text.count("has given no sign of life for 1 s: it hangs, and is ended") == 1
    assert "POINTSMAN_WORKER_TIMEOUT" in text
    assert text.count("worker 2, process ") == 2
    assert "was ended by SIGKILL; a replacement starts now" in text
    assert (text.count("began 1"), text.count("began 2")) == (1, 2)


def test_a_worker_that_has_yet_to_begin_does_not_hang() -> None:
    """Its start may take a while: a ledger is brought up to date."""
    with supervised(
        "time.sleep(1.5); print('ready', flush=True); time.sleep(60)", hung=0.3
    ) as process:
        text = said(process, "ready")
        process.send_signal(signal.SIGTERM)
        said(process, "over")
        assert process.wait(timeout=60) == 0
    assert "hangs" not in text


def test_a_worker_that_hangs_before_its_first_sign_of_life_is_replaced_in_the_end() -> None:
    begin = (
        "signal.signal(signal.SIGTERM, lambda *_: os._exit(0))\n"
        "        while number == 1: beats.beat(number); time.sleep(0.05)\n"
        "        time.sleep(60)"
    )
    with supervised(begin, hung=0.4, starting=1.0) as process:
        text = said(process, "starts now")
        text += said(process, "began")
        process.send_signal(signal.SIGTERM)
        said(process, "over")
        assert process.wait(timeout=60) == 0
    assert text.count("has not begun to serve within 1 s: it hangs, and is ended") == 1
    assert (text.count("began 1"), text.count("began 2")) == (1, 2)


def test_nobody_is_ended_where_that_is_turned_off() -> None:
    begin = "beats.beat(number); time.sleep(1.5); print('still here', flush=True); time.sleep(60)"
    with supervised(begin, hung=0) as process:
        text = said(process, "still here")
        process.send_signal(signal.SIGTERM)
        said(process, "over")
        assert process.wait(timeout=60) == 0
    assert "hangs" not in text


def test_what_is_wrong_with_policies_is_said_before_anything_starts(tmp_path: Path) -> None:
    answer = run(tmp_path, "serve", "--workers", "2", "--policies", "nowhere", "--port", "0")
    assert answer.returncode == 2
    assert answer.stderr.startswith("pointsman: ")
    assert answer.stderr.count("no such folder; set the folder with") == 1


@pytest.mark.parametrize("count", ["0", "65", "-1"])
def test_there_are_bounds_to_how_many(tmp_path: Path, count: str) -> None:
    answer = run(tmp_path, "serve", "--workers", count)
    assert answer.returncode == 2
    assert "--workers: " in answer.stderr


def test_where_nothing_can_be_forked_it_says_so(tmp_path: Path) -> None:
    told = (
        "import os, signal; del os.fork, signal.SIGUSR1\n"  # as on Windows
        "from app.cli.serve import serve\n"
        "from app.errors import SettingsError\n"
        "from app.settings import Settings\n"
        "try: serve(Settings.read(workers=2))\n"
        "except SettingsError as error: print(error)\n"
    )
    answer = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", told],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--workers: " in answer.stdout
    assert "leave it at 1" in answer.stdout
