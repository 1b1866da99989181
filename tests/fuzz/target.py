"""Pointsman in a process of its own, watched from inside: its loop, its log, its memory."""

import asyncio
import gc
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from app.cli.process_log import start_logging
from app.cli.serving import Server, listen, serving
from app.main import create_app
from app.settings import Settings

POLICY = """\
version: 1
rules:
  - {name: precise, models: ["acme/*", "fuzz/*"], quantization_floor: fp8, max_price: {prompt: 2}}
  - {name: blocking, models: ["qwen/*"], ignore: [deepinfra], on_violation: block}
  - {name: proving, models: ["a/*"], only: [novita], on_violation: block_unproven}
aliases:
  quick: {model: acme/sim-1, preferences: {sort: throughput}}
"""
_BEAT = 0.005  # seconds
_FAR_TOO_LONG = 2.0
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Report:
    """What was seen since the last one."""

    stall: float  # seconds
    troubles: tuple[str, ...]
    memory: int  # bytes


class Troubles(logging.Handler):
    """Keeps what is logged as an error, or with an exception."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.seen.append(logging.Formatter().format(record))


class Pulse:
    """The longest time in which the loop did nothing else.

    Time in which this process did not run is the machine's, and does not count.
    """

    def __init__(self) -> None:
        self.longest = 0.0

    async def beat(self) -> None:
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(_BEAT)
            wall, cpu = time.perf_counter() - wall - _BEAT, time.process_time() - cpu
            self.longest = max(self.longest, wall if wall > _FAR_TOO_LONG else min(wall, cpu))


def memory() -> int:
    """Bytes of this process that are in use now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def run(control: Connection, folder: Path, upstream: str, port: int) -> None:
    """Serve until told to stop; each word on `control` is answered."""
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for good
    troubles, pulse = Troubles(), Pulse()
    start_logging("warning")
    logging.getLogger().addHandler(troubles)
    settings = Settings.read(
        policies=_policies(folder),
        state=folder,
        openrouter_api_key="sk-or-v1-fuzz",
        upstream_url=upstream,
        read_timeout=2,
    )
    listener = listen("127.0.0.1", port)
    server = serving(create_app(settings), drain_seconds=0)

    def told() -> None:
        if control.recv() == "stop":
            server.stop()
            return
        control.send(Report(pulse.longest, tuple(troubles.seen), memory()))
        pulse.longest = 0.0
        troubles.seen.clear()

    gc.freeze()
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(server, listener, pulse, control, told))


async def _serve(
    server: Server,
    listener: socket.socket,
    pulse: Pulse,
    control: Connection,
    told: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()
    loop.add_reader(control.fileno(), told)
    watch = asyncio.create_task(pulse.beat())
    await server.serve([listener])
    watch.cancel()
    loop.remove_reader(control.fileno())


def _policies(folder: Path) -> Path:
    policies = folder / "policies"
    policies.mkdir()
    (policies / "fuzz.yaml").write_text(POLICY, encoding="utf-8")
    return policies
