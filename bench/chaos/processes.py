"""Processes of this machine: each is started by us, and ended by its id, however the run ends."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

_ENDS_SECONDS = 5.0
_STARTS_SECONDS = 40.0
_LOOK_SECONDS = 0.05


class CannotRun(Exception):
    """The run can't begin or go on; the message says why, and the way out."""


class Process:
    """One process, with its output in a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        folder: Path,
        environment: Mapping[str, str],
        as_whom: Mapping[str, Any] | None = None,
        ends_by: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Start it in a group of its own, so that Ctrl-C in the terminal reaches only us."""
        self.name = name
        self._ends_by = ends_by
        self._frozen: list[int] = []
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **(as_whom or {}),
            )

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None: it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.status is None:
            self._process.send_signal(number)

    def freeze(self) -> None:
        """Stop it and its children, as if their machine were gone; only `end` lets them go on."""
        self._frozen = [self.pid, *_children(self.pid)]
        for pid in self._frozen:
            os.kill(pid, signal.SIGSTOP)

    def wait(self, within: float) -> int | None:
        """Its exit status, once it has ended; None: it has not within so many seconds."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(within)
        return None

    def end(self) -> None:
        """End it, by force if it does not go; also one that is stopped."""
        self.signal(signal.SIGCONT)
        for pid in self._frozen:  # none of them can have ended meanwhile
            os.kill(pid, signal.SIGCONT)
        self._frozen = []
        self.signal(self._ends_by)
        if self.wait(_ENDS_SECONDS) is None:
            self.signal(signal.SIGKILL)
            self.wait(_ENDS_SECONDS)

    def listens(self, port: int) -> None:
        """Return once it accepts connections. Raises `CannotRun` with the end of its output."""
        late = time.monotonic() + _STARTS_SECONDS
        while not accepts(port):
            if self.status is not None or time.monotonic() > late:
                raise CannotRun(f"{self.name} did not start:\n{self.said()}")
            time.sleep(_LOOK_SECONDS)

    def said(self, lines: int = 15) -> str:
        """The end of its output."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])


class Processes:
    """All processes of a run; the last one to start is the first to be ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        as_whom: Mapping[str, Any] | None = None,
        folder: Path | None = None,
        ends_by: signal.Signals = signal.SIGTERM,
    ) -> Process:
        """Start one; the environment has only what is given, and the path."""
        process = Process(
            name,
            command,
            folder=folder or self.folder,
            environment={"PATH": os.environ["PATH"], **(environment or {})},
            as_whom=as_whom,
            ends_by=ends_by,
        )
        self._stack.callback(process.end)
        return process

    def end(self) -> None:
        """End all that still run."""
        self._stack.close()


def _children(pid: int) -> list[int]:
    """The processes that this one has started, and that still run."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(each) for each in children.split()]


def accepts(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as tried:
        tried.settimeout(1.0)
        return tried.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    """Ports that are free, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports
