"""The store, loaded and opened on first use."""

import gc
import secrets
from threading import Lock
from typing import TYPE_CHECKING

from ..errors import LedgerError
from .keep import EVERYTHING_KEPT, Keep

if TYPE_CHECKING:
    from .duty import Duty
    from .store import Store

_OPENING_SECONDS = 5.0


def is_shared(url: str) -> bool:
    """Whether several replicas may have this ledger: a database server, not a file."""
    return url.startswith("postgresql")


class LazyStore:
    """Opens the store on first use: importing SQLAlchemy takes half of a start-up."""

    def __init__(self, url: str, keep: Keep = EVERYTHING_KEPT) -> None:
        """`keep` limits what is kept."""
        self._url = url
        self._keep = keep
        self.writer = secrets.randbits(62) + 1  # marks what this process spends
        self._reader: Store | None = None
        self._lock = Lock()
        self._duty: Duty | None = None

    @property
    def is_shared(self) -> bool:
        """Whether it may be the ledger of several replicas."""
        return is_shared(self._url)

    def take_duty(self) -> None:
        """Begin to compete for the ledger's chores with the other processes on it, if any can."""
        if self.is_shared:
            from .duty import Duty  # noqa: PLC0415 - see the class

            self._duty = Duty(self.reader)
            self._duty.start()

    def is_on_duty(self) -> bool:
        """Whether this process does the ledger's chores. With a file, every process does."""
        if not self.is_shared:
            return True
        return self._duty is not None and self._duty.is_mine()

    def open(self) -> "Store":
        """Open a store that is not shared."""
        from .opening import SERVING_SECONDS  # noqa: PLC0415 - see the class
        from .store import Store  # noqa: PLC0415

        store = Store.open(self._url, self._keep, patience=SERVING_SECONDS, writer=self.writer)
        if gc.get_freeze_count():  # as after start-up: collecting SQLAlchemy's objects would delay
            gc.freeze()  # streams for 15 ms at each full collection
        return store

    def reader(self) -> "Store":
        """Return the store that all readers share; called from worker threads.

        Raises `LedgerError` if it can't be opened, or if another thread has been trying to open it
        for as long as a reader may wait.
        """
        if not self._lock.acquire(timeout=_OPENING_SECONDS):
            raise LedgerError(
                "can't read the ledger: it is being opened and does not respond; retry later"
            )
        try:
            if self._reader is None:
                self._reader = self.open()
            return self._reader
        finally:
            self._lock.release()

    def close(self) -> None:
        """Leave the duty to others, and close the store that was opened for reading."""
        if self._duty is not None:
            self._duty.close()
        if self._reader is not None:
            self._reader.close()
