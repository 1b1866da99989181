"""Takes events from any part of Pointsman, to be told later.

Rule 1  `tell` never waits and never raises: the queue is bounded, and what does not fit is counted.
Rule 2  Without a webhook nothing is kept, and nothing that delivers is loaded.
Rule 3  An event that this process has told lately is not queued again, so that a rule that breaks a
        thousand times a second costs a look into a set.
"""

import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Literal

from ..notices.event import Event

log = logging.getLogger("pointsman")

MOST_WAITING = 1_000
_MOST_REMEMBERED = 1_000

# dropped: the queue was full; failed: a try, after which another one follows
Outcome = Literal["delivered", "failed", "given_up", "dropped"]


class Notices:
    """The queue of events, and what became of them in this process."""

    def __init__(
        self,
        tells: Callable[[Event], bool] = lambda _: True,
        *,
        on: bool,
        capacity: int = MOST_WAITING,
    ) -> None:
        """`tells` says whether an event is to be told; `on`: whether there is a webhook."""
        self.on = on
        self.waiting: deque[Event] = deque()
        self.urgent: deque[Event] = deque()  # about the ledger, for which the others may wait
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()  # by kind of event
        self.undelivered = 0  # of the last day, on the ledger
        self.error: str | None = None  # of the newest of these
        self._tells = tells
        self._capacity = capacity
        self._lately: OrderedDict[str, None] = OrderedDict()

    def tell(self, event: Event) -> None:
        """Queue one event, if it is to be told and has not been told lately.

        Must be called on the event loop.
        """
        if not self.on:
            return
        try:
            if self._is_known(event) or not self._tells(event):
                return
        except Exception:
            log.exception("an event could not be queued")
            return
        queue = self.urgent if event.kind == "ledger" else self.waiting
        if len(queue) >= self._capacity:
            self.note(event, "dropped")
            return
        queue.append(event)
        self._remember(event)

    def note(self, event: Event, outcome: Outcome) -> None:
        """Count what became of an event."""
        self.outcomes[event.kind, outcome] += 1

    def _is_known(self, event: Event) -> bool:
        return event.state is None and event.id in self._lately

    def _remember(self, event: Event) -> None:
        self._lately[event.id] = None
        if len(self._lately) > _MOST_REMEMBERED:
            self._lately.popitem(last=False)
