"""How far a reader travels along one request: files entered, moves between them, calls.

    python bench/hops.py [--moves]

One streamed chat request of three chunks over real sockets: uvicorn with our protocol, a scripted
upstream, policies and ledger on. What is counted is what runs of `app/` on the event loop's thread,
from the first byte of the request until its receipt is queued for the ledger and its line is in the
log. A move is a call into another file than the call before; a coroutine that goes on after an
await makes none. Requests before it have loaded and looked up what is needed once. The least of
several is reported, since listings and policies are looked at beside the requests.
"""

import argparse
import asyncio
import dis
import functools
import logging
import os
import sys
import tempfile
import types
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import upstream
from load import CHAT, body_of
from targets import KEY, POLICY

import app
from app.cli.serving import listen, serving
from app.main import create_app
from app.record.late_costs import Pace
from app.settings import Settings

_PREFIX = f"{Path(app.__file__).parent}{os.sep}"
_WARM_UPS, _REQUESTS = 3, 5
_CHUNKS, _GAP_MS = 3, 10
_FILED_SECONDS = 0.25  # until receipt and log line have been written
# As last measured: 56, 192 and 381 before receipts had defects, what was asked for, and a session;
# 73, 240 and 475 before tally, metrics and log line each asked what was paid; 73, 246 and 478
# before a cost that the stream does not name, as here, was waited for; 74, 246 and 475 before
# streams were poured; 74, 245 and 472 before what repeats was read for its text alone.
MOST_FILES, MOST_MOVES, MOST_CALLS = 74, 246, 447
_BY_THE_CLOCK = "telemetry/stalls.py"  # several times a second, in no task


@dataclass
class Trace:
    """The calls of functions of `app/`, in their order: file and name."""

    standing: frozenset[types.CodeType] = frozenset()  # of tasks that run beside all requests
    calls: list[tuple[str, str]] = field(default_factory=list)

    def note(self, frame, event, _):
        """Note a call; `sys.setprofile` requires these parameters."""
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(_PREFIX):
            return
        if frame.f_lasti <= _start_of(code) and not self._is_beside(frame):
            self.calls.append((code.co_filename[len(_PREFIX) :], code.co_qualname))

    @property
    def files(self) -> Counter[str]:
        return Counter(file for file, _ in self.calls)

    @property
    def moves(self) -> list[int]:
        """The places of the calls that are moves; the first call leads in from outside."""
        files = [file for file, _ in self.calls]
        return [n for n, file in enumerate(files) if n and file != files[n - 1]]

    def _is_beside(self, frame) -> bool:
        """Whether a call comes from what the server does anyway, with or without requests."""
        while frame is not None:
            if frame.f_code in self.standing or frame.f_code.co_filename.endswith(_BY_THE_CLOCK):
                return True
            frame = frame.f_back
        return False

    def __str__(self) -> str:
        return f"{len(self.files)} files, {len(self.moves)} moves, {len(self.calls)} calls"


@functools.cache
def _start_of(code) -> int:
    """The offset of a function's first instruction; a resumed coroutine is at a later one."""
    first = (each.offset for each in dis.get_instructions(code) if each.opname == "RESUME")
    return next(first, 0)


async def traced(folder: Path) -> Trace:
    """The shortest trace of several requests; `folder` is for policies and ledger."""
    (folder / "policies").mkdir()
    (folder / "policies" / "bench.yaml").write_text(POLICY)
    loop = asyncio.get_running_loop()
    script = await loop.create_server(upstream.Connection, "127.0.0.1", 0)
    upstream.Connection.script = {"stream": str(_CHUNKS), "gap": str(_GAP_MS)}
    settings = Settings(
        openrouter_api_key=KEY,
        policies=folder / "policies",
        state=folder / "state",
        upstream_url=f"http://127.0.0.1:{script.sockets[0].getsockname()[1]}/api/v1",
    )
    listener = listen("127.0.0.1", 0)
    # Its stream names no cost. A record that is waited for is asked for after the counting.
    server = serving(create_app(settings, late_costs=Pace(between=60.0)), drain_seconds=1)
    serve = asyncio.create_task(server.serve(sockets=[listener]))
    client = HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=10)
    found = []
    try:
        while not server.started:  # noqa: ASYNC110 - it has no event to wait for
            await asyncio.sleep(0.01)
        for number in range(_WARM_UPS + _REQUESTS):
            trace = Trace(_standing())
            if number >= _WARM_UPS:
                sys.setprofile(trace.note)
                found.append(trace)
            await asyncio.to_thread(ask, client)
            await asyncio.sleep(_FILED_SECONDS)
            sys.setprofile(None)
    finally:
        sys.setprofile(None)
        client.close()
        server.should_exit = True
        await serve
        script.close()
    return min(found, key=lambda trace: len(trace.calls))


def _standing() -> frozenset[types.CodeType]:
    """The code of the tasks that exist between two requests."""
    return frozenset(task.get_coro().cr_code for task in asyncio.all_tasks())


def ask(client: HTTPConnection) -> None:
    """One request, its answer read to the end."""
    headers = {"Content-Type": "application/json", "User-Agent": "OpenAI/Python 3.1.0"}
    client.request("POST", CHAT, body_of(2000, stream=True), headers)
    answer = client.getresponse()
    told = answer.read().count(b"data: ")
    if (answer.status, told) != (200, _CHUNKS):
        raise SystemExit(f"status {answer.status}, and {told} events instead of {_CHUNKS}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--moves", action="store_true", help="list every call, moves marked")
    given = options.parse_args()
    log = logging.getLogger("pointsman")
    log.setLevel(logging.INFO)
    log.addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory(prefix="pointsman-hops-") as folder:
        trace = asyncio.run(traced(Path(folder)))
    if given.moves:
        moves = {0, *trace.moves}
        for number, (file, name) in enumerate(trace.calls):
            print(f"{file if number in moves else '':<36} {name}")
    for file, calls in trace.files.most_common():
        print(f"{calls:>5}  {file}")
    print(trace)


if __name__ == "__main__":
    main()
