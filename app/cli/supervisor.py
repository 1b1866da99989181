"""Supervises several workers: starts them, replaces those that die, and stops them all.

Rule 1  The supervisor serves no requests: it has no thread, no event loop and no connection, since
        only such a process can be forked at any time.
Rule 2  Workers react only to the supervisor's signals. Terminals and service managers signal a
        whole group of processes, and a second signal must not make a worker stop at once.
Rule 3  A worker that dies is replaced at once; one that dies again soon, after growing pauses.
Rule 4  A worker whose event loop is blocked counts as dead and is killed; so does one that has
        sent no first heartbeat long after it was started.
"""

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context
from typing import TYPE_CHECKING, Protocol

from ..errors import StartupError
from .beats import Beats

if TYPE_CHECKING:
    from multiprocessing.context import ForkProcess

log = logging.getLogger("pointsman")

DRAIN, STOP_NOW = signal.SIGTERM, signal.SIGUSR1  # the signals to workers
_TOLD = (signal.SIGINT, signal.SIGTERM)  # the signals to the supervisor

_FAILED_TO_START = frozenset({2, 3})  # our own exit code, and uvicorn's
_LONGEST_PAUSE_SECONDS = 30.0
_LIVED_SECONDS = 60.0  # a worker that lived this long did not die of its start
_STARTING_SECONDS = 900.0  # until the first heartbeat: a large ledger may be migrated
_CLOSING_SECONDS = 15.0  # time for a worker to write its last receipts and end


class Work(Protocol):
    """The task of the workers, and callbacks for their seats."""

    def begin(self, number: int) -> None:
        """Serve as worker `number`, in its own process, until it receives a signal to stop."""

    def rest(self, number: int) -> None:
        """Handle that worker `number` will be absent for a while."""

    def end(self) -> None:
        """Handle that no more workers will be started."""


@dataclass(slots=True)
class _Seat:
    """A worker's seat: its process, or the time at which it will be filled."""

    number: int
    due: float = 0.0
    process: "ForkProcess | None" = None
    began: float = 0.0
    ended: bool = False  # for lack of a heartbeat
    deaths: int = 0  # in quick succession; 0 only while the first worker has the seat


def pause_before(deaths: int) -> float:
    """Seconds until a worker is replaced, after this many deaths in quick succession."""
    return 0.0 if deaths <= 1 else min(2.0 ** min(deaths - 2, 8), _LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Keeps a number of workers at `work` while `run` is active."""

    def __init__(
        self,
        work: Work,
        count: int,
        *,
        drain_seconds: float,
        closing_seconds: float = _CLOSING_SECONDS,
        beats: Beats | None = None,
        hung_seconds: float = 0.0,
        starting_seconds: float = _STARTING_SECONDS,
    ) -> None:
        """A worker is killed after `hung_seconds` without a heartbeat; 0: never.

        Before its first heartbeat it has `starting_seconds`.
        """
        self._work = work
        self._closing_seconds = closing_seconds
        self._drain_seconds = drain_seconds
        self._beats = beats if hung_seconds else None
        self._hung_seconds = hung_seconds
        self._starting_seconds = starting_seconds
        self._seats = [_Seat(number) for number in range(1, count + 1)]
        self._stopping = False
        self._failed = False
        self._late_at: float | None = None

    def run(self) -> None:
        """Run until SIGINT or SIGTERM, let the workers drain, and return.

        Exits with status 2 if the first workers can't start; they report the reason themselves.
        """
        with _signals() as told:
            self._fill_seats()
            log.info("workers are the processes %s", ", ".join(map(str, self._pids())))
            while any(seat.process for seat in self._seats) or not self._stopping:
                connection.wait([told, *self._sentinels()], self._patience())
                for _ in _read(told):
                    self._told_to_stop()
                for seat in self._seats:
                    if seat.process is not None and seat.process.exitcode is not None:
                        self._vacated(seat, seat.process)
                self._end_who_is_late()
                self._end_who_hangs()
                self._fill_seats()
        if self._failed:
            sys.exit(2)

    def _pids(self) -> list[int]:
        return [seat.process.pid or 0 for seat in self._seats if seat.process]

    def _sentinels(self) -> list[int]:
        return [seat.process.sentinel for seat in self._seats if seat.process]

    def _patience(self) -> float | None:
        """Seconds until the next scheduled action, even if no event occurs."""
        due = [seat.due for seat in self._seats if not (seat.process or self._stopping)]
        if self._late_at is not None:
            due.append(self._late_at)
        if self._beats is not None and not self._stopping:
            due.append(time.monotonic() + self._hung_seconds / 4)
        return max(min(due) - time.monotonic(), 0.0) if due else None

    def _fill_seats(self) -> None:
        for seat in self._seats:
            if seat.process is None and not self._stopping and seat.due <= time.monotonic():
                self._fill(seat)

    def _fill(self, seat: _Seat) -> None:
        seat.began, seat.ended = time.monotonic(), False
        if self._beats is not None:
            self._beats.forget(seat.number)
        try:
            seat.process = self._fork(seat.number)
        except OSError as error:  # the system lacks resources for it
            seat.deaths += 1
            pause = max(pause_before(seat.deaths), 1.0)
            seat.due = seat.began + pause
            self._work.rest(seat.number)
            said = "worker %d can't be started: %s; trying again in %.0f s"
            log.error(said, seat.number, error, pause)  # noqa: TRY400 - no stack trace is needed

    def _fork(self, number: int) -> "ForkProcess":
        process = get_context("fork").Process(target=self._begin, args=(number,), daemon=True)
        # No signal may be sent to a worker while it still has the supervisor's handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, _TOLD)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD)
        return process

    def _begin(self, number: int) -> None:
        """The first steps of a worker, in its own process."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(DRAIN, signal.SIG_DFL)  # it has nothing to lose yet
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD)
        try:
            self._work.begin(number)
        except StartupError as error:
            log.error("%s", error)  # noqa: TRY400 - our own errors need no stack trace
            sys.exit(2)

    def _told_to_stop(self) -> None:
        patience = self._closing_seconds + (0.0 if self._stopping else self._drain_seconds)
        self._tell_all(STOP_NOW if self._stopping else DRAIN)
        self._late_at = time.monotonic() + patience
        if not self._stopping:
            self._stopping = True
            self._work.end()

    def _tell_all(self, what: signal.Signals) -> None:
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, what)

    def _vacated(self, seat: _Seat, process: "ForkProcess") -> None:
        pid, status = process.pid, process.exitcode or 0
        process.join()
        seat.process = None
        if self._stopping:
            return
        if status in _FAILED_TO_START and not seat.deaths:
            self._failed = True
            self._told_to_stop()
            return
        now = time.monotonic()
        seat.deaths = 1 if now - seat.began >= _LIVED_SECONDS else seat.deaths + 1
        pause = pause_before(seat.deaths)
        seat.due = now + pause
        if pause:
            self._work.rest(seat.number)
        log.error(
            "worker %d, process %d, %s; a replacement starts %s",
            *(seat.number, pid, _how_it_ended(status)),
            f"in {pause:.0f} s" if pause else "now",
        )

    def _end_who_hangs(self) -> None:
        if self._beats is None or self._stopping:
            return
        for seat in self._seats:
            if seat.process is None or seat.ended:
                continue
            silence = self._beats.silent_for(seat.number)
            if silence is not None and silence >= self._hung_seconds:
                why = f"has given no sign of life for {silence:.0f} s"
            elif silence is None and time.monotonic() - seat.began >= self._starting_seconds:
                why = f"has not begun to serve within {self._starting_seconds:.0f} s"
            else:
                continue
            said = "worker %d, process %s, %s: it hangs, and is ended (POINTSMAN_WORKER_TIMEOUT)"
            log.error(said, seat.number, seat.process.pid, why)
            seat.ended = True
            seat.process.kill()

    def _end_who_is_late(self) -> None:
        if self._late_at is None or time.monotonic() < self._late_at:
            return
        for seat in self._seats:
            if seat.process is not None:
                log.error("worker %d, process %s, does not end", seat.number, seat.process.pid)
                seat.process.kill()
        self._late_at = None


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Yield a socket that becomes readable when the process receives a signal to stop."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.setblocking(False)
        signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
        for each in _TOLD:
            signal.signal(each, lambda *_: None)
        try:
            yield here
        finally:
            signal.set_wakeup_fd(-1)


def _read(told: socket.socket) -> bytes:
    """A byte for each signal."""
    try:
        return told.recv(64)
    except BlockingIOError:
        return b""
