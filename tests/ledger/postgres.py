"""A real PostgreSQL for tests and measurements: in a folder of its own, on a free port."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class Admin:
    """Runs what is no part of a transaction."""

    def __init__(self, database: str) -> None:
        self._engine = sa.create_engine(database, isolation_level="AUTOCOMMIT")

    def run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        self._engine.dispose()


class Postgres:
    """Makes a server and runs it for as long as the block lasts."""

    def __init__(self, programs: Path, folder: Path, settings: Sequence[str] = _QUICK) -> None:
        self._programs, self._folder, self._settings = programs, folder, settings
        self._data, self._log = folder / "data", folder / "log"
        self._port = free_port()
        self._server: subprocess.Popen[Any] | None = None
        self.url = f"postgresql+psycopg://pointsman@127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        make: list[str | Path] = [self._programs / "initdb", "-D", self._data]
        make += ["-U", "pointsman", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        as_whom = as_unprivileged(self._folder)
        subprocess.run(make, check=True, capture_output=True, cwd=self._folder, **as_whom)  # noqa: S603
        self.start()
        _run_when_up(f"{self.url}/postgres", "CREATE DATABASE ledger", self._log)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, on the same port each time."""
        serve: list[str | Path] = [self._programs / "postgres", "-D", self._data]
        serve += ["-h", "127.0.0.1", "-p", str(self._port)]
        for setting in (*self._settings, "unix_socket_directories="):
            serve += ["-c", setting]
        as_whom = as_unprivileged(self._folder)
        with self._log.open("wb") as output:
            self._server = subprocess.Popen(  # noqa: S603
                serve, cwd=self._folder, stdout=output, stderr=output, **as_whom
            )

    def restart(self, settings: Sequence[str]) -> None:
        """Stop it, start it with other settings, and return when it is up."""
        self.stop()
        self._settings = settings
        self.start()
        _run_when_up(f"{self.url}/postgres", "SELECT 1", self._log)

    def stop(self) -> None:
        """Stop it, without waiting for those who are connected."""
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(timeout=60)
            self._server = None


def programs() -> Path | None:
    on_path = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = [Path(on_path)] if on_path else debian  # a link may lead to where all programs are
    return found[-1].resolve().parent if found else None


def as_unprivileged(folder: Path) -> dict[str, Any]:
    """How to start a program that refuses root; `folder` then belongs to whom it runs as."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = known.get("postgres") or known["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _run_when_up(database: str, statement: str, log: Path) -> None:
    """Run it as soon as the server is up."""
    until = time.monotonic() + 20
    with closing(Admin(database)) as admin:
        while True:
            try:
                admin.run(statement)
            except OperationalError:
                if time.monotonic() > until:
                    said = log.read_text(encoding="utf-8", errors="replace")
                    raise TimeoutError(said) from None
                time.sleep(0.05)
            else:
                return
