"""`pointsman serve --workers N`: one address, N processes, so that N cores can serve."""

import gc
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SettingsError, reason_of
from ..main import check, create_app
from ..server.bounds import Bounds
from ..server.process import Worker
from ..settings import Settings
from .beats import Beats
from .process_log import start_logging
from .serving import Server, announce, configured, listen, state_of
from .supervisor import DRAIN, STOP_NOW, Supervisor

if TYPE_CHECKING:
    from types import FrameType

    import uvicorn

    from ..server.entrance import State

log = logging.getLogger("pointsman")

_LONGEST_FOLDER = 90  # a socket's whole path has 104 bytes on some systems


def serve_with_workers(settings: Settings) -> None:
    """Start and run until SIGINT or SIGTERM. Raises `StartupError` before anything listens."""
    check(settings)
    folder = _shared_folder()
    try:
        doors = Doors(settings.host, settings.port, settings.workers)
        announce(settings, doors.any())
        _load_what_all_need()
        beats = Beats(settings.workers)
        Supervisor(
            Serving(settings, doors, folder, beats),
            settings.workers,
            drain_seconds=settings.drain_seconds,
            beats=beats,
            hung_seconds=settings.worker_timeout,
        ).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _shared_folder() -> Path:
    """A new folder that only this user can enter, deleted when the process ends."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="pointsman-"))
    except OSError as error:
        raise SettingsError(
            f"workers share a temporary folder, and none can be made: {reason_of(error)}; "
            "set TMPDIR"
        ) from None
    if len(os.fsencode(folder)) > _LONGEST_FOLDER:
        folder.rmdir()
        raise SettingsError(f"{folder} is too long a path for sockets: set TMPDIR to a shorter one")
    return folder


def _load_what_all_need() -> None:
    """Load modules once that each worker would load itself, and exclude them from collection.

    Memory that is not written to is shared; garbage collection writes to every object it scans.
    """
    from ..ledger import store  # noqa: F401, PLC0415 - not needed by the supervisor itself

    gc.collect()
    gc.freeze()


class Doors:
    """The listening sockets: one for each worker, all at the same address.

    On Linux the kernel distributes connections among them evenly. With a single socket, the first
    worker to wake would take all waiting connections; other systems offer nothing better. The
    supervisor also has every socket open, so connections waiting at one outlive its worker.
    """

    def __init__(self, host: str, port: int, count: int) -> None:
        """Raises `SettingsError` if the address is not available."""
        alone = listen(host, port)  # fails if any process listens there, even one that would share
        self._address: tuple[str, int] = alone.getsockname()[:2]
        self._apart = sys.platform == "linux"
        numbers = range(1, count + 1)
        if self._apart:
            alone.close()
            self._sockets = {number: listen(*self._address, shared=True) for number in numbers}
        else:
            self._sockets = dict.fromkeys(numbers, alone)

    def any(self) -> socket.socket:
        """One of the sockets."""
        return next(iter(self._sockets.values()))

    def only(self, number: int) -> socket.socket:
        """This worker's socket, reopened if it was shut; the others' sockets are closed."""
        mine = self._sockets.pop(number, None) or listen(*self._address, shared=True)
        for other in self._sockets.values():
            if other is not mine:
                other.close()
        return mine

    def shut(self, number: int) -> None:
        """Close a worker's socket: the other workers get all connections."""
        if self._apart and number in self._sockets:
            self._sockets.pop(number).close()

    def close(self) -> None:
        """Close all sockets here; the workers keep their own."""
        for each in self._sockets.values():
            each.close()


class Serving:
    """The `Work` of workers: each creates its own state, and shares loaded modules."""

    def __init__(self, settings: Settings, doors: Doors, folder: Path, beats: Beats) -> None:
        self._settings = settings
        self._beats = beats
        self._doors = doors
        self._folder = folder
        self._supervisor = os.getpid()

    def begin(self, number: int) -> None:
        """Serve, in a separate process."""
        settings = self._settings
        start_logging(settings.log_level, who=f"[{number}]")
        app = create_app(settings, Worker(number, settings.workers, self._folder))
        listener = self._doors.only(number)
        state = state_of(app)
        server = WorkerServer(
            configured(app, Bounds.of(settings), state),
            state,
            settings.drain_seconds,
            supervisor=self._supervisor,
            beat=partial(self._beats.beat, number),
        )
        signal.signal(STOP_NOW, server.stop_now)
        gc.freeze()  # as one process does when it begins to serve
        server.run(sockets=[listener])
        if server.orphaned:
            shutil.rmtree(self._folder, ignore_errors=True)

    def rest(self, number: int) -> None:
        """Shut the socket of a worker that is absent for a while."""
        self._doors.shut(number)

    def end(self) -> None:
        """Close the sockets here; the workers close their own."""
        self._doors.close()


class WorkerServer(Server):
    """A server that is controlled by its supervisor, and does not outlive it for long."""

    def __init__(
        self,
        config: "uvicorn.Config",
        state: "State",
        drain_seconds: int,
        *,
        supervisor: int,
        beat: Callable[[], None],
    ) -> None:
        super().__init__(config, state, drain_seconds)
        self._supervisor = supervisor
        self._beat = beat
        self.orphaned = False

    def handle_exit(self, sig: int, frame: "FrameType | None") -> None:
        """Drain on the supervisor's signal; Ctrl-C reaches the supervisor, too."""
        del frame
        if sig == DRAIN and not self._traffic.draining:
            self.drain()

    def stop_now(self, sig: int, frame: "FrameType | None") -> None:
        """Stop without waiting for running requests."""
        del sig, frame
        self._traffic.draining = True
        self.stop()

    async def on_tick(self, counter: int) -> bool:
        """Send a heartbeat ten times a second, and check that the supervisor is still there."""
        self._beat()
        if not self.orphaned and os.getppid() != self._supervisor:
            self._go_on_alone()
        return await super().on_tick(counter)

    def _go_on_alone(self) -> None:
        """Let running requests finish; the address is free for another Pointsman at once."""
        self.orphaned = True
        log.error("the supervisor has ended, so this worker ends too")
        for server in self.servers:
            server.close()
        if not self._traffic.draining:
            self.drain()
