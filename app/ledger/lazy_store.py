"""The store, loaded and opened when it is first needed."""

import gc
from threading import Lock
from typing import TYPE_CHECKING

from app.errors import LedgerError
from app.ledger.keep import Keep

if TYPE_CHECKING:
    from app.ledger.store import Store

_OPENING_SECONDS = 5.0


class LazyStore:
    """Opens the store when it is first needed: SQLAlchemy's import is half of a start-up."""

    def __init__(self, url: str, keep: Keep) -> None:
        self._url = url
        self._keep = keep
        self._reader: Store | None = None
        self._lock = Lock()

    def open(self) -> "Store":
        """A store of one's own."""
        from app.ledger.opening import SERVING_SECONDS  # noqa: PLC0415 - see the class
        from app.ledger.store import Store  # noqa: PLC0415

        store = Store.open(self._url, self._keep, patience=SERVING_SECONDS)
        if gc.get_freeze_count():  # as the rest of the start is: SQLAlchemy alone holds up streams
            gc.freeze()  # for 15 ms whenever a collection looks at all there is
        return store

    def reader(self) -> "Store":
        """The store that all readers share; asked from worker threads.

        Raises `LedgerError` where it can't be opened, or where another thread has been trying to
        for as long as a reader may be kept waiting.
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
        """Close what was opened for reading."""
        if self._reader is not None:
            self._reader.close()
