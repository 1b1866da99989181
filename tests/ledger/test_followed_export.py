"""`pointsman export --follow`, on either engine: at least once, in order, whoever writes."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from app.ledger.store import Store
from tests.ledger.receipts import receipt
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
OpenStore = Callable[[], Store]


@contextmanager
def following(
    url: str, *arguments: str, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that follows the ledger; it is over afterwards, whatever happens."""
    command = [sys.executable, "-m", "app", "export", "--follow", "--ledger", url, *arguments]
    process = subprocess.Popen(  # noqa: S603
        command,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ids_in(file: Path) -> list[str]:
    """The ids in a file of JSON lines, as far as it is written."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    return [str(json.loads(line)["id"]) for line in lines if line.endswith("\n")]


def stopped(process: subprocess.Popen[bytes], number: int) -> tuple[int, bytes]:
    process.send_signal(number)
    code = process.wait(timeout=20)
    assert process.stderr is not None
    return code, process.stderr.read()


def jsonl(file: Path, *further: str) -> list[str]:
    return ["--format", "jsonl", "-o", str(file), *further]


def test_nothing_is_skipped_or_out_of_order_while_several_write(
    url: str, open_store: OpenStore, engine: sa.Engine, tmp_path: Path
) -> None:
    """A position that has passed a batch which becomes visible later would never show it."""
    writers, batches, size = 4, 25, 8
    output = tmp_path / "out.jsonl"

    def write(store: Store) -> None:
        for _ in range(batches):
            store.write([receipt() for _ in range(size)])

    stores = [open_store() for _ in range(writers)]
    threads = [threading.Thread(target=write, args=[each]) for each in stores]
    with following(url, *jsonl(output)) as process:
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        wait_until(lambda: len(ids_in(output)) >= writers * batches * size)
        assert stopped(process, signal.SIGTERM) == (0, b"")
    with engine.connect() as connection:
        in_order = connection.exec_driver_sql("SELECT id FROM receipts ORDER BY seq").scalars()
        assert ids_in(output) == list(in_order)


def test_what_is_committed_late_is_not_skipped(
    url: str, open_store: OpenStore, tmp_path: Path
) -> None:
    """A slow commit has a lower number than a quick one that begins after it: that has to wait."""
    slow, quick, output = open_store(), open_store(), tmp_path / "out.jsonl"
    begun, may_end = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        begun.set()
        may_end.wait(10)

    first, second = receipt(1, caller="one"), receipt(2, caller="two")  # no tally in common
    event.listen(slow._engine, "commit", hold)  # noqa: SLF001
    threads = [
        threading.Thread(target=store.write, args=[[one]])
        for store, one in ((slow, first), (quick, second))
    ]
    with following(url, *jsonl(output)) as process:
        wait_until(output.exists)
        threads[0].start()
        assert begun.wait(10)
        threads[1].start()
        threads[1].join(1.5)  # more than the follower needs, if it were written
        assert threads[1].is_alive()
        may_end.set()
        wait_until(lambda: ids_in(output) == [first.id, second.id])
        assert stopped(process, signal.SIGTERM) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told_to_and_goes_on_where_it_was(
    url: str, open_store: OpenStore, tmp_path: Path, number: signal.Signals
) -> None:
    store, output = open_store(), tmp_path / "out.jsonl"
    written = [receipt(second) for second in range(30)]
    for part in (written[:10], written[10:11], written[11:]):
        store.write(part)
        with following(url, *jsonl(output, "--state", str(tmp_path / "state"))) as process:
            wait_until(lambda part=part: ids_in(output)[-1:] == [part[-1].id])  # type: ignore[misc]
            assert stopped(process, number) == (0, b"")
    assert ids_in(output) == [one.id for one in written]


def test_killed_at_any_moment_it_loses_nothing(
    url: str, open_store: OpenStore, tmp_path: Path
) -> None:
    """Some receipts may come twice; half a line is written anew, whole."""
    store, output, state = open_store(), tmp_path / "out.jsonl", tmp_path / "state"
    ids: list[str] = []

    def all_there() -> bool:
        return set(ids) <= set(ids_in(output))

    for round_ in range(3):
        with following(url, *jsonl(output, "--state", str(state))) as process:
            wait_until(all_there)
            for _ in range(6):
                batch = [receipt(reason="x" * 2000) for _ in range(40)]
                store.write(batch)
                ids += [one.id for one in batch]
            wait_until(lambda round_=round_: len(ids_in(output)) > 240 * round_)  # type: ignore[misc]
            process.kill()
            process.wait()
        with output.open("ab") as file:  # what a kill in the middle of a line leaves
            file.write(b'{"id": "rcp_ha')
    with following(url, *jsonl(output, "--state", str(state))) as process:
        wait_until(all_there)
        assert stopped(process, signal.SIGTERM) == (0, b"")
    assert output.read_bytes().endswith(b"\n")
    assert list(dict.fromkeys(ids_in(output))) == ids


def test_a_pipe_whose_reader_leaves_ends_it_even_when_nothing_is_written(
    url: str, open_store: OpenStore, tmp_path: Path
) -> None:
    store, state = open_store(), tmp_path / "state"
    first = receipt()
    store.write([first])
    with following(url, "--format", "jsonl", "--state", str(state)) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == first.id
        wait_until(state.exists)
        process.stdout.close()
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert json.loads(state.read_bytes()) == {"seq": 1, "receipt": first.id}


def test_a_reader_that_leaves_in_the_middle_gets_the_rest_the_next_time(
    url: str, open_store: OpenStore, tmp_path: Path
) -> None:
    """The position is kept only after a page was passed on whole."""
    store, state = open_store(), tmp_path / "state"
    ids = [receipt(second, reason="x" * 2000) for second in range(200)]
    store.write(ids)  # more than a pipe holds
    with following(url, "--format", "jsonl", "--state", str(state)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert not state.exists()


def test_csv_has_one_heading_however_often_it_goes_on(
    url: str, open_store: OpenStore, tmp_path: Path
) -> None:
    store, output = open_store(), tmp_path / "out.csv"
    for _ in range(2):
        store.write([receipt()])
        lines = len(output.read_bytes().splitlines()) if output.exists() else 1
        with following(url, "-o", str(output), "--state", str(tmp_path / "state")) as process:
            wait_until(
                lambda lines=lines: (  # type: ignore[misc]
                    output.exists() and len(output.read_bytes().splitlines()) > lines
                )
            )
            assert stopped(process, signal.SIGTERM) == (0, b"")
    heading, *rows = output.read_text(encoding="utf-8").splitlines()
    assert heading.startswith("id,started_at,")
    assert [row[:4] for row in rows] == ["rcp_", "rcp_"]


def test_a_ledger_that_is_not_there_yet_is_created_and_followed(url: str, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with following(url, *jsonl(output)) as process:
        wait_until(output.exists)
        store = Store.open(url)
        one = receipt()
        store.write([one])
        wait_until(lambda: ids_in(output) == [one.id])
        assert stopped(process, signal.SIGTERM) == (0, b"")
        store.close()
