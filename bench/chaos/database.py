"""A PostgreSQL and a standby that follows it, which are stopped, started and promoted.

The standby is a synchronous one: a commit is confirmed once the standby has it, so a failover loses
nothing that was confirmed. With an asynchronous one, it may lose the last moments.
"""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from bench.chaos.processes import CannotRun, Process, Processes
from tests.ledger.postgres import as_unprivileged, programs

NAME, USER = "pointsman", "pointsman"
_DUTY = 0x706F6970  # the advisory lock of the ledger's chores: app/ledger/duty.py
_SETTINGS = ("fsync=off", "unix_socket_directories=", "wal_retrieve_retry_interval=200ms")
_PATIENCE_SECONDS = 30.0
_HELD = """
SELECT a.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = %s AND l.granted
"""


class Database:
    """Two servers on two ports: the first one is the primary, the second one its standby."""

    def __init__(self, processes: Processes, ports: tuple[int, int]) -> None:
        """Make and start both. Raises `CannotRun`."""
        found = programs()
        if found is None:
            raise CannotRun(
                "no PostgreSQL is installed; run .ci/need-postgres, which installs Debian's on "
                "root, or: apt install postgresql"
            )
        self._programs, self._processes, self._ports = found, processes, ports
        self._folder = processes.folder / "postgres"
        self._folder.mkdir()
        self._as_whom = as_unprivileged(self._folder)
        self._run("initdb", "-D", self._data(0), "-U", USER, "-A", "trust", "-E", "UTF8")
        self._server: Process | None = None
        self._standby: Process | None = None
        self.start()
        self._until(self._accepts)
        with self._connected("postgres") as connection:
            connection.execute(f"CREATE DATABASE {NAME}")
        self._run(
            *("pg_basebackup", "-h", "127.0.0.1", "-p", str(ports[0]), "-U", USER),
            *("-D", self._data(1), "-R", "-X", "stream", "--checkpoint=fast"),
        )
        self._standby = self._serve(1)
        self._until(self._is_followed)
        with self._connected("postgres") as connection:  # from now on; the standby's copy has none
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")

    def url(self, name: str) -> str:
        """The ledger's address for a replica: both servers, of which one can be written to."""
        hosts = "&".join(f"host=127.0.0.1:{port}" for port in self._ports)
        which = f"target_session_attrs=read-write&application_name={name}"
        return f"postgresql+psycopg://{USER}@/{NAME}?{hosts}&{which}"

    def start(self) -> None:
        """Start the primary; it may not accept connections yet."""
        self._server = self._serve(0)

    def stop(self) -> None:
        """Stop the primary as a service manager does, without waiting for its clients."""
        self._ended(self._server, signal.SIGINT)

    def crash(self) -> None:
        """End the primary without a word to its clients or its standby; for good."""
        self._ended(self._server, signal.SIGQUIT)
        self._server = None

    def vanish(self) -> None:
        """Let the primary fall silent, as if its machine were gone: connections stay; for good."""
        if self._server is not None:
            self._server.freeze()
        self._server = None

    def promote(self) -> None:
        """Let the standby become the primary. Raises `CannotRun`."""
        self._run("pg_ctl", "promote", "-D", self._data(1), "-w")

    def accepts(self) -> None:
        """Return once a server can be written to. Raises `CannotRun`."""
        self._until(self._accepts)

    def duty(self) -> tuple[int, str] | None:
        """The connection that has the duty of the chores, and its replica; None: none."""
        try:
            with self._connected(NAME) as connection:
                row = connection.execute(_HELD, [_DUTY]).fetchone()
        except psycopg.Error:
            return None
        return None if row is None else (int(row[0]), str(row[1]))

    def _data(self, number: int) -> Path:
        return self._folder / f"data-{number}"

    def _run(self, program: str, *words: str | Path) -> None:
        command = [str(self._programs / program), *map(str, words)]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            cwd=self._folder,
            text=True,
            timeout=120,
            **self._as_whom,
        )
        if done.returncode:
            raise CannotRun(f"{program} failed: {done.stderr.strip()}")

    def _serve(self, number: int) -> Process:
        command = [str(self._programs / "postgres"), "-D", str(self._data(number))]
        command += ["-h", "127.0.0.1", "-p", str(self._ports[number])]
        for each in _SETTINGS:
            command += ["-c", each]
        name = f"postgres-{number}"
        return self._processes.start(
            name,
            command,
            folder=self._folder,
            as_whom=self._as_whom,
            ends_by=signal.SIGINT,  # with SIGTERM it would wait for its clients
        )

    @staticmethod
    def _ended(server: Process | None, how: signal.Signals) -> None:
        if server is None:
            return
        server.signal(how)
        if server.wait(_PATIENCE_SECONDS) is None:
            raise CannotRun(f"{server.name} did not stop:\n{server.said()}")

    def _connected(self, database: str) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host="127.0.0.1,127.0.0.1",
            port=",".join(map(str, self._ports)),
            user=USER,
            dbname=database,
            target_session_attrs="read-write",
            connect_timeout=2,
            options="-c statement_timeout=2000",
            autocommit=True,
        )

    def _accepts(self) -> bool:
        try:
            self._connected("postgres").close()
        except psycopg.Error:
            return False
        return True

    def _is_followed(self) -> bool:
        with self._connected("postgres") as connection:
            query = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
            row = connection.execute(query).fetchone()
        return row is not None and row[0] == 1

    def _until(self, holds: Callable[[], bool]) -> None:
        late = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            for each in (self._server, self._standby):
                if each is not None and (each.status is not None or time.monotonic() > late):
                    raise CannotRun(f"{each.name} does not serve:\n{each.said()}")
            if time.monotonic() > late:
                raise CannotRun("PostgreSQL does not serve")
            time.sleep(0.1)
