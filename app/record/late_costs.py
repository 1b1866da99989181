"""Asks OpenRouter what an answer cost that ended before it said so, and has that added everywhere.

Rule 1  A record is written some ten seconds after its answer, later where that was broken off. So
        it is asked for then, and again after growing pauses; after the last one, it is given up.
Rule 2  Only the key that sent a request reads its record. It is in memory as long as the record is
        waited for, and nowhere else.
Rule 3  Until its cost is known or given up, a request counts as under way for its budgets.
Rule 4  All of it is bounded: what waits, in number, bytes and time, how many are asked for at a
        time, and how often. Where OpenRouter asks for a pause, there is one.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from ..budget.accounts import Accounts, Admitted
from ..ledger.late import LateCost, with_cost
from ..ledger.receipt import Receipt
from ..wire.headers import Credentials
from ..wire.observation import Usage
from .generation_record import Client, told

log = logging.getLogger("pointsman")

MOST_WAITING = 1_000
AT_A_TIME = 4
LARGEST_KEY = 4_000  # bytes: a client's credentials can be as large as the head of its request
LONGEST_SECONDS = 300.0  # of waiting, when OpenRouter is slow or very many wait
_SUCCESS = range(200, 300)
_OPENROUTERS = "gen-"  # what all of its ids begin with: another upstream has no such records
_UNKNOWN = "their receipts keep none, and budgets do not count them"
FOUND, NOT_FOUND, DROPPED = "found", "not_found", "dropped"


class Pace(NamedTuple):
    """When records are asked for, in seconds."""

    pauses: tuple[float, ...] = (10.0, 5.0, 10.0, 15.0, 25.0, 55.0)  # before each try
    between: float = 0.2  # two requests


PACE = Pace()


def awaits_cost(receipt: Receipt, status: int) -> bool:
    """Whether OpenRouter's record may name the cost of a request; `status` is its answer's."""
    return (
        receipt.cost_usd is None
        and (receipt.generation_id or "").startswith(_OPENROUTERS)
        and status in _SUCCESS
        and (receipt.cache_status or "").upper() != "HIT"
        and receipt.audit is None
    )


def late_cost(receipt_id: str, usage: Usage) -> LateCost | None:
    """What a record adds to a receipt; None if it does not name the cost."""
    if usage.cost_usd is None:
        return None
    return LateCost(
        id=receipt_id,
        cost_usd=usage.cost_usd,
        is_byok=usage.is_byok,
        upstream_cost_usd=usage.upstream_cost_usd,
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )


class LateCosts:
    """The receipts whose costs are waited for; call its methods only on the event loop."""

    def __init__(
        self,
        client: Client,
        accounts: Accounts,
        *,
        submit: Callable[[LateCost], bool],
        learned: Callable[[Receipt, Receipt], None],
        pace: Pace = PACE,
        most: int = MOST_WAITING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`submit` hands a cost to the ledger, and returns whether there was room for it.

        `learned` gets a receipt as it was filed and as it is now, without its longest values.
        """
        self._client = client
        self._accounts = accounts
        self._submit = submit
        self._learned = learned
        self._pace = pace
        self._most = most
        self._clock = clock
        self._waiting: dict[str, _Waiting] = {}  # by receipt
        self._asking: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None
        self._closed = False
        self._rests_until = -math.inf  # with the operator's key
        self.outcomes = Counter({FOUND: 0, NOT_FOUND: 0, DROPPED: 0})

    def __len__(self) -> int:
        """The number of receipts whose costs are waited for."""
        return len(self._waiting)

    def wait_for(
        self, receipt: Receipt, credentials: Credentials | None, admitted: Admitted
    ) -> None:
        """Wait for the cost of a receipt that was submitted; takes over what was admitted for it.

        `credentials` are those that were sent; None: the operator's key was. If there is no room,
        or if they are too large to be kept, this one is dropped: in a flood, none would wait long
        enough if each new one took the place of the oldest.
        """
        too_large = credentials is not None and credentials.size > LARGEST_KEY
        if self._closed or too_large or len(self._waiting) >= self._most:
            self._accounts.let_go(admitted)
            self.outcomes[DROPPED] += 1
            return
        waiting = _Waiting(_in_short(receipt), credentials, admitted, self._clock())
        waiting.due = waiting.since + self._pace.pauses[0]
        self._waiting[receipt.id] = waiting
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Give up all that is waited for."""
        self._closed = True
        if self._waiting:
            log.warning("%d costs were not known yet at the stop; %s", len(self._waiting), _UNKNOWN)
        for name in tuple(self._waiting):
            self._give_up(name, DROPPED)
        tasks = [*self._asking, *([self._running] if self._running else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        """Ask for one record after another until nothing is waited for."""
        try:
            while self._waiting:
                await asyncio.sleep(self._pace.between)
                self._ask_for_next()
        finally:
            self._running = None

    def _ask_for_next(self) -> None:
        """Ask for the record that has been due longest, unless enough are asked for."""
        now = self._clock()
        self._give_up_those_since(now - LONGEST_SECONDS)
        if not self._waiting or len(self._asking) >= AT_A_TIME or now < self._rests_until:
            return
        waiting = min(self._waiting.values(), key=lambda each: each.due)
        if waiting.due > now:
            return
        waiting.due = math.inf
        asking = asyncio.get_running_loop().create_task(self._ask(waiting))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    async def _ask(self, waiting: "_Waiting") -> None:
        receipt, credentials = waiting.receipt, waiting.credentials
        usage, rest = await told(self._client, receipt.generation_id or "", credentials)
        late, name = late_cost(receipt.id, usage) if usage else None, receipt.id
        if late is not None:
            self._settle(self._waiting.pop(name), late)
            return
        if rest and credentials is None:  # one client's rest is not that of the others
            self._rests_until = max(self._rests_until, self._clock() + rest)
        waiting.tries += 1
        if waiting.tries < len(self._pace.pauses):
            waiting.due = self._clock() + max(self._pace.pauses[waiting.tries], rest)
        else:
            self._give_up(name, NOT_FOUND)

    def _settle(self, waiting: "_Waiting", late: LateCost) -> None:
        if not self._submit(late):
            self._accounts.let_go(waiting.admitted)
            self.outcomes[DROPPED] += 1
            return
        before, after = waiting.receipt, with_cost(waiting.receipt, late)
        self._accounts.learned(before, after, waiting.admitted)
        self.outcomes[FOUND] += 1
        self._learned(before, after)

    def _give_up_those_since(self, moment: float) -> None:
        """Give up what has waited since before then, unless it is being asked for."""
        late = [
            name
            for name, each in self._waiting.items()
            if each.since < moment and each.due < math.inf
        ]
        for name in late:
            self._give_up(name, NOT_FOUND)

    def _give_up(self, name: str, why: str) -> None:
        self._accounts.let_go(self._waiting.pop(name).admitted)
        self.outcomes[why] += 1


class _Waiting:
    __slots__ = ("admitted", "credentials", "due", "receipt", "since", "tries")

    def __init__(
        self, receipt: Receipt, credentials: Credentials | None, admitted: Admitted, since: float
    ) -> None:
        self.receipt = receipt
        self.credentials = credentials
        self.admitted = admitted
        self.since = since
        self.due = math.inf  # while it is asked for
        self.tries = 0


def _in_short(receipt: Receipt) -> Receipt:
    """The receipt without its longest values, which no sum needs."""
    return replace(
        receipt,
        preferences_sent=None,
        overruled=(),
        attempts=(),
        evidence=(),
        reason=None,
        error_message=None,
        explanation=None,
    )
