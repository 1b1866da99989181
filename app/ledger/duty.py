"""The duty of a ledger's chores: which of the processes on a PostgreSQL ledger does them.

Chores are what one process does for all: deleting what need not be kept, and looking for events.

Rule 1  The duty is an advisory lock of the database, held by a transaction that stays open on a
        connection of its own. A process that ends, however it ends, loses both at once; one whose
        machine is gone loses them when the server's probes go unanswered for some ten seconds, and
        one that is frozen when it has not looked for as long.
Rule 2  The duty saves work, and decides nothing: two processes that both believe to have it do no
        harm, since chores are done under the ledger's write lock, and events are kept once.
"""

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from ..errors import LedgerError
from .postgresql import IDLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .store import Store

log = logging.getLogger("pointsman")

LOOK_SECONDS = 2.0
_LOCK = 0x706F6970  # any number, the same in every process
# Whatever the ledger's address says: the transaction is silent for as long as `LOOK_SECONDS`.
_SILENCE = f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"


class Duty:
    """Takes the duty when it is free and keeps it, in a thread of its own, until closed."""

    def __init__(self, store: "Callable[[], Store]", *, every: float = LOOK_SECONDS) -> None:
        """`store` is called in that thread; `every` so many seconds, it looks."""
        self._store = store
        self._every = every
        self._held: sa.Connection | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-duty", daemon=True)

    def is_mine(self) -> bool:
        """Whether this process had the duty when it last looked."""
        return self._held is not None

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and leave the duty to another process."""
        self._closing.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._look()
            self._closing.wait(self._every)
        self._let_go()

    def _look(self) -> None:
        if self._held is not None and not self._still_holds(self._held):
            log.warning("the connection that has the duty of the ledger's chores is lost")
            self._let_go()
        if self._held is None:
            with suppress(LedgerError, SQLAlchemyError):  # its writer reports such trouble
                self._take()

    def _take(self) -> None:
        connection = self._store().connection()
        try:
            connection.exec_driver_sql(_SILENCE)
            if connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_LOCK})").scalar():
                self._held = connection
                log.info("this process does the chores of the ledger")
        finally:
            if self._held is None:
                connection.close()

    @staticmethod
    def _still_holds(connection: sa.Connection) -> bool:
        try:
            connection.exec_driver_sql("SELECT 1")
        except SQLAlchemyError:
            return False
        return True

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            with suppress(SQLAlchemyError):
                held.close()
