"""Connections to PostgreSQL that never wait forever.

Rule 1  The server cancels a statement that takes too long, or waits too long for a lock.
Rule 2  TCP detects a server that can't be reached, within `TCP_SECONDS`.
Rule 3  A server that is reachable but silent, such as one that is frozen or behind a proxy that
        forwards nothing, is detected only by our own timer: it closes the connection.
Rule 4  Settings in the ledger's address take precedence.
Rule 5  The server ends a transaction whose process says nothing for `IDLE_SECONDS`, and one whose
        machine is gone after as long. Otherwise these would hold their locks, for hours by TCP's
        defaults, and no other process could write.
Rule 6  Of several servers in the ledger's address, the one that was connected to last is asked
        first: each new connection would wait for a server that is gone for good.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

CONNECT_SECONDS = 5
LOCK_SECONDS = 5
IDLE_SECONDS = 10
TCP_SECONDS = 10
_SLACK_SECONDS = 1.0  # then a server that should have cancelled a statement counts as silent
_PING_SECONDS = 2.0  # for the ping that tests a connection before it is used again

_STATEMENT, _IDLE = "statement_timeout", "idle_in_transaction_session_timeout"

# By these the server asks whether our machine is still there.
_PROBES = {"tcp_keepalives_idle": 5, "tcp_keepalives_interval": 2, "tcp_keepalives_count": 3}

Result = TypeVar("Result")
Server = tuple[str, str]  # host and port

_last: dict[Server, Server] = {}  # by the hosts and ports of an address; a process has one or two


def engine_for(url: sa.URL, patience: float) -> sa.Engine:
    """Return an engine whose statements take at most `patience` seconds each."""
    ours = url.get_driver_name() == "psycopg"
    theirs = _STATEMENT in str(url.query.get("options", ""))
    if ours:
        url = url.set(query={**_LIMITS, **url.query, "options": _options(url, patience)})
    engine = sa.create_engine(
        url, pool_pre_ping=True, pool_timeout=CONNECT_SECONDS, paramstyle="format"
    )

    def connect(_dialect: Any, _record: Any, words: Any, named: dict[str, Any]) -> "Patient":
        address = str(named.get("host")), str(named.get("port"))
        connection = Patient.connect(*words, **asked_first(_last.get(address), named))
        _last[address] = connection.info.host, str(connection.info.port)
        connection.allowed = _limit_of(connection) if theirs else patience
        return connection

    def taken(connection: "Patient", *_: object) -> None:
        allowed = connection.allowed
        connection.patience = None if allowed is None else allowed + _SLACK_SECONDS

    def put_back(connection: "Patient | None", *_: object) -> None:
        if connection is not None:
            connection.patience = _PING_SECONDS

    if ours:
        event.listen(engine, "do_connect", connect)
        event.listen(engine, "checkout", taken)
        event.listen(engine, "checkin", put_back)
    return engine


def asked_first(server: Server | None, named: dict[str, Any]) -> dict[str, Any]:
    """Return a connection's parameters with this server before the others, if it is one of them."""
    hosts, ports = (str(named.get(each) or "").split(",") for each in ("host", "port"))
    if len(ports) == 1:
        ports *= len(hosts)
    if server is None or "hostaddr" in named or len(hosts) != len(ports):
        return named
    servers = sorted(zip(hosts, ports, strict=True), key=lambda each: each != server)
    hosts, ports = ([each[place] for each in servers] for place in (0, 1))
    return named | {"host": ",".join(hosts), "port": ",".join(ports)}


@contextmanager
def unhurried(connection: sa.Connection) -> Iterator[None]:
    """Lift the time limits of one transaction: of its statements, and of what is between them."""
    for each in (_STATEMENT, "lock_timeout", _IDLE):
        connection.exec_driver_sql(f"SET LOCAL {each} = 0")
    driver = connection.connection.driver_connection
    if not isinstance(driver, Patient):
        yield
        return
    patience, driver.patience = driver.patience, None
    try:
        yield
    finally:
        driver.patience = patience


class Patient(psycopg.Connection[Any]):
    """A connection that is closed if the server has not answered for `patience` seconds."""

    allowed: float | None = None  # seconds that a statement may take; None: no limit
    patience: float | None = _PING_SECONDS + CONNECT_SECONDS  # until it is first taken

    def wait(self, gen: Generator[Any, Any, Result], *words: Any, **named: Any) -> Result:
        """Wait like psycopg's own method, but with a time limit."""
        if self.patience is None:
            return super().wait(gen, *words, **named)
        try:
            return super().wait(_until(time.monotonic() + self.patience, gen), *words, **named)
        except TimeoutError:
            self.close()
            raise psycopg.OperationalError(
                f"the server has not answered for {self.patience:g} s; the connection is closed"
            ) from None


def _until(late: float, gen: Generator[Any, Any, Result]) -> Generator[Any, Any, Result]:
    """Yield the same steps; raise `TimeoutError` if a step brings nothing after the deadline."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() >= late:
                raise TimeoutError
            wanted = gen.send(ready)
    except StopIteration as done:
        result: Result = done.value
        return result
    finally:
        gen.close()


def _limit_of(connection: Patient) -> float | None:
    """The server's time limit for a statement in seconds, if the ledger's address sets one."""
    query = "SELECT setting FROM pg_settings WHERE name = %s"
    (milliseconds,) = connection.execute(query, [_STATEMENT]).fetchone() or ("0",)
    connection.rollback()
    return int(milliseconds) / 1000 or None


def _options(url: sa.URL, patience: float) -> str:
    """The server's settings: ours, then those of the address, since the last value applies."""
    theirs = url.query.get("options", ())
    limits = {_STATEMENT: patience, "lock_timeout": LOCK_SECONDS, _IDLE: IDLE_SECONDS}
    settings = {name: f"{seconds * 1000:.0f}" for name, seconds in limits.items()} | _PROBES
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return " ".join((ours, *((theirs,) if isinstance(theirs, str) else theirs)))


_LIMITS = {
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives": "1",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": str(TCP_SECONDS * 1000),
}
