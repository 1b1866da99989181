"""Machine instructions of a streamed chunk and of a short request, which are the same at any load.

    make bench-instructions            compare with the recorded figures; fails if one is dearer
    python bench/instructions.py --record    record the figures of this interpreter anew
    python bench/instructions.py --rooms     count calls and bytecodes by room; without valgrind

Time differs by a fifth from run to run on a shared machine, and by more between machines; these
figures differ by less than a hundredth. valgrind counts what Pointsman executes as it is shipped,
with policies, observation, verdict, ledger, metrics and log, on real sockets, in one process. What
the kernel does for it is not counted, nor what caches cost: a chunk's time has more to it.

Each figure is the difference between two runs of different length, so that what is done by the
clock, or once, is no part of it:
    chunk      one more event of a stream
    request    one more short request, with all that follows it but the ledger's thread
    receipt    one more receipt that the ledger's thread writes

A figure may be 3 % above the one in `instructions.json` for the same interpreter. Exit status: 0,
1 if a figure is dearer than that, and 77 if nothing could be counted here.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from lockstep import Lockstep

BENCH = Path(__file__).parent
RECORDED = BENCH / "instructions.json"
NOT_MEASURED = 77  # as test runners report what they skip
DEARER = 0.03

_WARM_UPS = 60
_REQUESTS = (100, 300)
_STREAMS, _EVENTS = 4, (20, 120)
_SETTLE = 0.5  # seconds, until the work after an answer is done
_SHOWN = 6  # libraries
_LOOP = 1  # the first thread has the event loop


class Dump(NamedTuple):
    """What one thread did between two marks."""

    number: int
    thread: int
    counts: Counter[str]  # instructions by library


class Gateway:
    """The counted process, which obeys line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def told(self, command: str = "") -> object:
        """Send a command, and return what is answered."""
        if command:
            self._process.stdin.write(f"{command}\n".encode())
        line = await self._process.stdout.readline()
        if not line:
            raise SystemExit("the counted process ended; bench/counted.py shows why")
        return json.loads(line)


@asynccontextmanager
async def counted(folder: Path, command: list[str], *, bare: bool = False):
    """A gateway that is warm, with both of its ends."""
    ends = Lockstep()
    upstream = await ends.listen()
    work = Path(tempfile.mkdtemp(dir=folder))
    process = await asyncio.create_subprocess_exec(
        *command,
        *(sys.executable, str(BENCH / "counted.py"), str(upstream), str(work)),
        *(["--bare"] if bare else []),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"},
        cwd=folder,
    )
    gateway = Gateway(process)
    try:
        await ends.connect(await gateway.told())
        await ends.short(5)  # the listing of the model is fetched beside them
        await asyncio.sleep(_SETTLE)
        await ends.short(_WARM_UPS)
        await ends.streams(5, _WARM_UPS)
        await gateway.told("file")
        await gateway.told("still")
        await asyncio.sleep(2 * _SETTLE)
        yield gateway, ends
        process.stdin.write(b"stop\n")
        ends.close()
        await asyncio.wait_for(process.wait(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def instructions(folder: Path, *, bare: bool = False) -> list[Dump]:
    """What was counted between the marks."""
    command = [*without_randomness(), "valgrind", "--tool=callgrind", "--instr-atstart=no"]
    command += ["--separate-threads=yes", "--dump-line=no", "--vgdb=no", "--quiet"]
    command += [f"--callgrind-out-file={folder}/out"]
    async with counted(folder, command, bare=bare) as (gateway, ends):
        await gateway.told("begin")
        for count in _REQUESTS:
            await ends.short(1)  # in a batch of its own, and all others in the next
            await gateway.told("held")
            await ends.short(count - 1)
            await asyncio.sleep(_SETTLE)
            await gateway.told("dump")
            await gateway.told("file")
            await gateway.told("dump")
        for events in _EVENTS:
            await ends.streams(_STREAMS, events)
            await asyncio.sleep(_SETTLE)
            await gateway.told("dump")
    return dumps_in(folder)


def figures(dumps: list[Dump]) -> dict[str, Counter[str]]:
    """The instructions of one chunk, request and receipt, by library."""
    loop = [dump.counts for dump in dumps if dump.thread == _LOOP]
    filed = [Counter(), Counter()]
    number = 0
    for dump in dumps:
        if dump.thread == _LOOP:
            number += 1
        else:  # after the first requests, or after the second ones
            filed[number > 2] += dump.counts
    few, _, many, _, short, long = loop
    more = _REQUESTS[1] - _REQUESTS[0]
    return {
        "chunk": difference(short, long, _STREAMS * (_EVENTS[1] - _EVENTS[0])),
        "request": difference(few, many, more),
        "receipt": difference(*filed, more),
    }


def difference(few: Counter[str], many: Counter[str], by: int) -> Counter[str]:
    return Counter({name: round((many[name] - few[name]) / by) for name in many | few})


def dumps_in(folder: Path) -> list[Dump]:
    """What was counted between two marks of a thread, in the order of the marks."""
    found = []
    for file in folder.glob("out.*-*"):
        number, _, thread = file.name.removeprefix("out.").partition("-")
        found.append(Dump(int(number), int(thread), by_library(file.read_text().splitlines())))
    return sorted(found)


def by_library(lines: Iterable[str]) -> Counter[str]:
    """Instructions of each library's own functions; a file has names once, and then numbers."""
    found: Counter[str] = Counter()
    names: dict[str, str] = {}
    library, of_callee = "", False
    for line in lines:
        if line.startswith(("ob=", "cob=")):
            number, _, name = line.partition("=")[2].partition(" ")
            if name:
                names[number] = name
            if line.startswith("ob="):
                library = library_of(names[number])
        elif line.startswith("calls="):
            of_callee = True  # the next line counts what was called
        elif line[:1] in "0123456789+-*" and line:
            if not of_callee:
                found[library] += int(line.split()[1])
            of_callee = False
    return found


def library_of(path: str) -> str:
    name = path.rpartition("/")[2].partition(".")[0]
    return {"???": "other", "python3": "python"}.get(name, name.removeprefix("lib"))


def without_randomness() -> list[str]:
    """`setarch -R`, if it is allowed: addresses are then the same in every run."""
    command = ["setarch", "-R"]
    asked = [*command, "true"]
    if (
        not shutil.which("setarch")
        or subprocess.run(asked, check=False, stderr=subprocess.DEVNULL).returncode
    ):
        return []
    return command


async def by_room(folder: Path, *, bare: bool) -> dict[str, dict[str, Counter[str]]]:
    """Calls and bytecodes of one chunk and one request, by room; on the event loop's thread."""
    told: list[dict[str, Counter[str]]] = []
    async with counted(folder, without_randomness(), bare=bare) as (gateway, ends):
        works = [(ends.short, (count,)) for count in _REQUESTS]
        works += [(ends.streams, (_STREAMS, count)) for count in _EVENTS]
        for work, counts in works:
            await gateway.told("rooms")
            await work(*counts)
            await asyncio.sleep(_SETTLE)
            told.append({key: Counter(each) for key, each in (await gateway.told("told")).items()})
    few, many, short, long = told
    more, events = _REQUESTS[1] - _REQUESTS[0], _STREAMS * (_EVENTS[1] - _EVENTS[0])
    return {
        "chunk": {key: difference(short[key], long[key], events) for key in short},
        "request": {key: difference(few[key], many[key], more) for key in few},
    }


def interpreter() -> str:
    """The interpreter that counts here: another build of it executes other instructions."""
    return f"{platform.machine()} {sys.version}"


def is_dearer(count: int, before: int) -> bool:
    return count > before * (1 + DEARER)


def compared(found: Mapping[str, int], before: Mapping[str, int] | None) -> list[str]:
    """A line for each figure; those that are too dear are marked."""
    lines = []
    for name, count in found.items():
        line = f"{name:<10}{count:>12,} instructions"
        if before is not None:
            line += f", {before[name]:,} recorded ({count / before[name] - 1:+.1%})"
            line += "   <-- dearer" if is_dearer(count, before[name]) else ""
        lines.append(line)
    return lines


def cant_count() -> str | None:
    """Why instructions can't be counted here; None if they can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "instructions are counted on Linux on x86-64 only; --rooms counts calls anywhere"
    if not shutil.which("valgrind"):
        return "valgrind is missing: on Debian and Ubuntu, run apt install valgrind as root"
    return None


def count(*, record: bool, bare: bool) -> int:
    """Count, and compare with what is recorded or record it; returns the exit status."""
    why = cant_count()
    if why is not None:
        print(f"NOT MEASURED: {why}")
        return NOT_MEASURED
    with tempfile.TemporaryDirectory(prefix="pointsman-instructions-") as folder:
        libraries = figures(asyncio.run(instructions(Path(folder), bare=bare)))
    found = {name: counts.total() for name, counts in libraries.items()}
    recorded = json.loads(RECORDED.read_text())
    before = None if bare else recorded.get(interpreter())
    print(*compared(found, before), sep="\n")
    for name, counts in libraries.items():
        shown = (f"{library} {each:,}" for library, each in counts.most_common(_SHOWN))
        print(f"  {name}: {', '.join(shown)}")
    if bare:
        return 0
    if record:
        RECORDED.write_text(json.dumps({**recorded, interpreter(): found}, indent=2) + "\n")
        print(f"recorded in {RECORDED.name} for {interpreter()}")
        return 0
    if before is None:
        print(f"no figures are recorded for {interpreter()}; add them with --record")
        return 0
    if any(is_dearer(found[name], before[name]) for name in found):
        print(
            f"FAIL: more than {DEARER:.0%} dearer than recorded. Make it cheaper, or, if it is "
            "worth that, say so in the change and run: python bench/instructions.py --record"
        )
        return 1
    return 0


def show_rooms(*, bare: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="pointsman-instructions-") as folder:
        found = asyncio.run(by_room(Path(folder), bare=bare))
    for name, counts in found.items():
        calls, c_calls, bytecodes = counts["calls"], counts["c_calls"], counts["bytecodes"]
        print(f"{name:<24}{'calls':>10}{'of C':>10}{'bytecodes':>12}")
        for room, number in bytecodes.most_common():
            if number > 0:  # what chores do by the clock is more or less
                print(f"  {room:<22}{calls[room]:>10,}{c_calls[room]:>10,}{number:>12,}")
        totals = calls.total(), c_calls.total(), bytecodes.total()
        print(f"  {'together':<22}{totals[0]:>10,}{totals[1]:>10,}{totals[2]:>12,}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--record", action="store_true", help="record the figures anew")
    options.add_argument("--rooms", action="store_true", help="count calls and bytecodes instead")
    options.add_argument("--bare", action="store_true", help="count a relay that does nothing else")
    given = options.parse_args()
    if given.rooms:
        show_rooms(bare=given.bare)
    else:
        sys.exit(count(record=given.record, bare=given.bare))


if __name__ == "__main__":
    main()
