"""Pointsman in a process of its own, whose work is counted; `instructions.py` starts it.

    python bench/counted.py UPSTREAM_PORT FOLDER [--bare]

It serves on a port of its own, and obeys on its standard input, a line each:
    still     let chores sleep: how often they wake up depends on the time
    begin     count from here
    dump      write what was counted since the last dump
    held      report when the ledger's thread waits with a batch
    file      write the receipts that wait to the ledger, and report when they are there
    rooms     count calls and bytecodes from here
    told      report these
    stop
The ledger's thread is held back but for `file`: how many receipts it finds each time that it looks
depends on the time, and with that the instructions for each.
`--bare` serves a relay on the same server and transport that does nothing else.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import uvloop

sys.path.insert(0, str(Path(__file__).parent.parent))

from marks import Marks
from relay import Relay
from rooms import Rooms
from targets import KEY, POLICY

import app.cli.serving
from app import main
from app.cli.process_log import start_logging
from app.cli.serving import listen, serving
from app.ledger.writer import Writer
from app.settings import Settings

_LOOK_SECONDS = 0.1
_AN_HOUR = 3600.0
_CHORES_SECONDS = 0.05  # a sleep of at least so long is that of a chore


class Held:
    """A ledger that writes only when it may."""

    waits = threading.Event()  # with a batch

    def __init__(self, store, may_write: threading.Event, wrote: Callable[[], None]) -> None:
        self._store = store
        self._may_write = may_write
        self._wrote = wrote

    def write(self, receipts) -> int:
        if not self._may_write.is_set():
            self.waits.set()
            self._may_write.wait()
            self.waits.clear()
        try:
            return self._store.write(receipts)
        finally:
            self._wrote()

    def __getattr__(self, name: str):
        return getattr(self._store, name)


class Counted:
    """The server and what it is told."""

    def __init__(self, app, writers: list[Writer], may_write: threading.Event, marks) -> None:
        self._listener = listen("127.0.0.1", 0)
        self._server = serving(app, 1)
        self._writers = writers
        self._may_write = may_write
        self._marks = marks
        self._rooms = Rooms()
        self._said = b""

    async def run(self) -> None:
        asyncio.get_running_loop().add_reader(0, self._read)
        serve = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        while not (self._server.started or serve.done()):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        self._tell(self._listener.getsockname()[1])
        await serve

    def do_still(self) -> None:
        nothing_by_the_clock()
        self._tell(None)

    def _read(self) -> None:
        self._said += os.read(0, 4096)
        while b"\n" in self._said:
            line, _, self._said = self._said.partition(b"\n")
            getattr(self, f"do_{line.decode()}")()

    def _tell(self, value: object) -> None:
        sys.stdout.write(f"{json.dumps(value)}\n")
        sys.stdout.flush()

    def do_begin(self) -> None:
        gc.collect()
        self._marks.begin()
        self._tell(None)

    def do_dump(self) -> None:
        self._marks.dump()
        self._tell(None)

    def do_held(self) -> None:
        if self._writers and not Held.waits.is_set():
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self.do_held)
            return
        self._tell(None)

    def do_file(self) -> None:
        self._may_write.set()
        if any(writer.pending for writer in self._writers):
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self.do_file)
            return
        self._may_write.clear()
        self._tell(None)

    def do_rooms(self) -> None:
        self._rooms = Rooms()
        self._tell(None)
        asyncio.get_running_loop().call_soon(self._rooms.start)

    def do_told(self) -> None:
        self._rooms.stop()
        told = self._rooms
        self._tell({"calls": told.calls, "c_calls": told.c_calls, "bytecodes": told.bytecodes})

    def do_stop(self) -> None:
        self._may_write.set()
        self._server.stop()


def nothing_by_the_clock() -> None:
    """Let all chores sleep for an hour, those of the server too."""
    sleep = asyncio.sleep
    asyncio.sleep = lambda delay, *rest: sleep(
        delay if delay < _CHORES_SECONDS else _AN_HOUR, *rest
    )
    patch.object(app.cli.serving, "_TICK_SECONDS", _AN_HOUR).start()


def pointsman(
    upstream: str,
    folder: Path,
    writers: list[Writer],
    may_write: threading.Event,
    wrote: Callable[[], None],
):
    """Pointsman as it is shipped, with a ledger that is held back."""

    def held_writer(open_sink, **options) -> Writer:
        writers.append(Writer(lambda: Held(open_sink(), may_write, wrote), **options))
        return writers[-1]

    (folder / "policies").mkdir()
    (folder / "policies" / "bench.yaml").write_text(POLICY)
    settings = Settings(
        openrouter_api_key=KEY,
        policies=folder / "policies",
        state=folder / "state",
        upstream_url=upstream,
    )
    with patch.object(main, "Writer", held_writer):
        return main.create_app(settings)


def main_() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("upstream", type=int)
    options.add_argument("folder", type=Path)
    options.add_argument("--bare", action="store_true")
    given = options.parse_args()
    gc.set_threshold(5000)  # as `app/__main__.py`
    start_logging("info")
    upstream = f"http://127.0.0.1:{given.upstream}/api/v1"
    writers: list[Writer] = []
    may_write = threading.Event()
    marks = Marks()
    if given.bare:
        served = Relay(upstream)
    else:
        served = pointsman(upstream, given.folder, writers, may_write, marks.dump)
    counted = Counted(served, writers, may_write, marks)
    gc.freeze()  # as `app/cli/serving.py`
    uvloop.run(counted.run())


if __name__ == "__main__":
    main_()
