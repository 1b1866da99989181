"""A listing that receipts are judged by, on its way to the ledger. PURE."""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

MOST_MODELS = 1_000
AGAIN = timedelta(hours=1)


class Listed(NamedTuple):
    """A listing as it was fetched; `body` is what is kept of it, as compressed bytes."""

    model: str
    digest: str
    fetched_at: datetime
    body: bytes


class Noted:
    """The listings that a process has written lately, so that not every receipt has one along.

    The last one of each model, of the most recently used models.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[str, Listed] = OrderedDict()

    def is_news(self, listed: Listed) -> bool:
        """Whether a listing differs from the last one, or was fetched an hour later."""
        last = self._last.get(listed.model)
        if last is None or last.digest != listed.digest:
            return True
        return listed.fetched_at - last.fetched_at >= AGAIN

    def note(self, listed: Listed) -> None:
        """Note that a listing will be written."""
        self._last[listed.model] = listed._replace(body=b"")
        self._last.move_to_end(listed.model)
        if len(self._last) > MOST_MODELS:
            self._last.popitem(last=False)
