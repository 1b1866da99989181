"""Runs an audit: asks what is left to ask, within the ceiling, until it is done or stopped.

Rule 1  Endpoints are asked at the same time, each with `AT_ONCE` requests under way at most.
Rule 2  A request that fails is tried once more. An endpoint that is busy is left alone for as long
        as it says, or for a growing while; one that keeps failing is given up.
Rule 3  Without the reference, or without any endpoint beside it, no verdict is possible: once these
        are given up, nothing more is asked and paid for.
Rule 4  An endpoint gets no more requests while `AT_ONCE` of its answers wait to be kept: a ledger
        that is locked or away makes the audit wait, and a killed process leaves little unknown.
Rule 5  However it ends, requests that were sent are waited for, or cancelled and counted as spent,
        and every answer is kept: to go on later costs nothing twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from typing import Literal, Protocol

from ..audit.plan import MOST_PROMPT_TOKENS, TRIES, Planned
from ..errors import LedgerError
from ..ledger.audits import Answer
from .answered import BUSY, Asked, body_of, cost_of, failure_of, has_failed
from .order import PASSES, Job, jobs
from .purse import Purse
from .sending import Reply
from .task import Task

log = logging.getLogger("pointsman")

End = Literal["finished", "ceiling", "interrupted", "no_reference", "none_left"]

AT_ONCE = 2  # requests of one endpoint
MOST_UNKNOWN = 2 * AT_ONCE  # of these a killed process may have kept nothing
MOST_WAITS = 5  # for a busy endpoint, before its request counts as failed
LONGEST_WAIT = 120.0  # seconds; an endpoint that asks for more is given up
MOST_FAILED = 10  # requests in a row, before an endpoint is given up
_KEEP_SECONDS = 0.5


class Asks(Protocol):
    """Sends one request."""

    async def ask(self, body: bytes, /) -> Reply:
        """Return what came of it."""
        ...


Keep = Callable[[Sequence[Answer]], None]  # called in a thread
Progress = Callable[[], None]


@dataclass
class Standing:
    """How one endpoint fares. `given_up`: why it is not asked any more."""

    endpoint: Planned
    total: int
    done: int = 0
    failed_in_a_row: int = 0
    given_up: str | None = None
    free_at: float = 0.0  # by the loop's clock: until then it is left alone


@dataclass
class Run:
    """One run of an audit, the first or a later one. `key` hashes the answers."""

    audit: str
    task: Task
    prompts: Sequence[str]
    key: bytes
    purse: Purse
    asks: Asks
    keep: Keep
    told: Progress = lambda: None
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    standings: dict[str, Standing] = field(init=False, default_factory=dict)
    _stop: End | None = field(init=False, default=None)
    _stopped: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _settled: asyncio.Condition = field(init=False, default_factory=asyncio.Condition)
    _waiting: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _unkept: list[Answer] = field(init=False, default_factory=list)
    _keeping: Lock = field(init=False, default_factory=Lock)

    def stop(self) -> None:
        """Send nothing more; `run` returns once the requests under way have ended."""
        self._end("interrupted")

    async def run(self, known: Sequence[Answer], begun: float, now: Callable[[], float]) -> End:
        """Ask what is not among the `known` answers yet; return how it ended.

        `begun` is when the audit began, by the clock `now`, in seconds: the second pass waits for
        the spread after it, and never longer than that, however the clock was set meanwhile.
        """
        plan, drawn = self.task.plan, self.task.drawn
        done: dict[str, set[Job]] = {each.tag: set() for each in plan.endpoints}
        for answer in known:
            if answer.dropped != "failed":  # one that never came is asked for again
                done[answer.tag].add(Job(answer.prompt, answer.round))
        for each in plan.endpoints:
            self.standings[each.tag] = Standing(each, plan.requests_each, len(done[each.tag]))
        keeping = asyncio.create_task(self._keep_up())
        try:
            for number in range(PASSES):
                left = jobs(
                    number,
                    tags=done,
                    prompts=drawn.prompts,
                    answers=drawn.answers,
                    seed=drawn.seed,
                    done=done,
                )
                if number:
                    await self._wait(min(begun + self.task.spread - now(), self.task.spread))
                async with asyncio.TaskGroup() as group:
                    for tag, those in left.items():
                        group.create_task(self._ask_all(self.standings[tag], those))
        finally:
            keeping.cancel()
            await asyncio.shield(asyncio.to_thread(self._flush))
        return self._stop or "finished"

    async def _ask_all(self, standing: Standing, those: Sequence[Job]) -> None:
        """Ask one endpoint its jobs of a pass, a few at once."""
        left = iter(those)

        async def work() -> None:
            for job in left:
                await self._kept_up(standing.endpoint.tag)
                if self._stop is not None or standing.given_up is not None:
                    return
                answer = await self._answer(standing, job)
                if answer is not None:
                    self._unkept.append(answer)
                    standing.done += 1
                    self.told()

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())

    async def _answer(self, standing: Standing, job: Job) -> Answer | None:
        """Ask one prompt, again if it fails; None if the audit or its endpoint is given up."""
        endpoint, spent = standing.endpoint, Decimal(0)
        body = body_of(self.task.plan.model, endpoint, self.prompts[job.prompt])
        reply: Reply | None = None
        tries = waits = 0
        while tries < TRIES:
            await self._wait(standing.free_at - asyncio.get_running_loop().time())
            if standing.given_up or not await self._afford(standing):
                return None
            charged, reply = await self._send(endpoint, body)
            spent += charged
            if not has_failed(reply):
                break
            if reply.status in BUSY and waits < MOST_WAITS:
                waits += 1
                self._leave_alone(standing, reply, waits)
            else:
                tries += 1
        assert reply is not None  # noqa: S101 - there was a try
        answer = Asked(self.audit, endpoint, job).answer(reply, self.key, spent)
        self._note(standing, reply)
        return answer

    async def _send(self, endpoint: Planned, body: bytes) -> tuple[Decimal, Reply]:
        """Send one request; what it cost is counted, also if it is cancelled."""
        cost: Decimal | None = None
        try:
            reply = await self.asks.ask(body)
            cost = cost_of(reply)
        finally:
            charged = self.purse.settle(endpoint.tag, cost)
            async with self._settled:
                self._settled.notify_all()
        return charged, reply

    async def _afford(self, standing: Standing) -> bool:
        """Reserve what a request can cost; if it does not fit, wait for those under way.

        False: the audit ends, or the endpoint was given up meanwhile.
        """
        endpoint = standing.endpoint
        most = endpoint.cost(1, MOST_PROMPT_TOKENS)
        if most > self.purse.ceiling:  # to wait for its turn would keep the others from theirs
            self._give_up(standing, "a single request could cost more than the ceiling")
        async with self._settled:
            while self._stop is None and standing.given_up is None:
                if self.purse.take(endpoint.tag, most):
                    return True
                if self.purse.is_idle:
                    self._end("ceiling")
                else:
                    await self._settled.wait()
        return False

    def _leave_alone(self, standing: Standing, reply: Reply, waits: int) -> None:
        seconds = max(reply.retry_after or 0.0, 2.0 ** (waits - 1))
        if seconds > LONGEST_WAIT:
            self._give_up(standing, f"busy for another {seconds:,.0f} s")
        else:
            later = asyncio.get_running_loop().time() + seconds
            standing.free_at = max(standing.free_at, later)

    def _note(self, standing: Standing, reply: Reply) -> None:
        standing.failed_in_a_row = standing.failed_in_a_row + 1 if has_failed(reply) else 0
        if standing.failed_in_a_row >= MOST_FAILED:
            self._give_up(
                standing, f"{MOST_FAILED} requests in a row failed, the last {failure_of(reply)}"
            )

    def _give_up(self, standing: Standing, why: str) -> None:
        standing.given_up = why
        reference = self.task.plan.reference
        if reference is not None and standing.endpoint.tag == reference.tag:
            self._end("no_reference")
        elif all(self.standings[each.tag].given_up for each in self.task.plan.compared):
            self._end("none_left")

    def _end(self, why: End) -> None:
        self._stop = self._stop or why
        self._stopped.set()

    async def _wait(self, seconds: float) -> None:
        """Wait, but not longer than until the audit is stopped."""
        if seconds <= 0 or self._stop is not None:
            return
        waiting = asyncio.ensure_future(self.pause(seconds))
        stopped = asyncio.create_task(self._stopped.wait())
        await asyncio.wait((waiting, stopped), return_when=asyncio.FIRST_COMPLETED)
        for each in (waiting, stopped):
            each.cancel()

    async def _kept_up(self, tag: str) -> None:
        """Wait until few answers of an endpoint wait to be kept, or the audit ends."""
        async with self._settled:
            while self._stop is None and self._unkept_of(tag) >= AT_ONCE:
                self._waiting.set()
                await self._settled.wait()

    def _unkept_of(self, tag: str) -> int:
        return sum(1 for each in tuple(self._unkept) if each.tag == tag)

    async def _keep_up(self) -> None:
        """Keep answers soon after they came, and at once if an endpoint waits for it."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_KEEP_SECONDS):
                    await self._waiting.wait()
            self._waiting.clear()
            try:
                await asyncio.to_thread(self._flush)
            except LedgerError as error:  # tried again, and at the end for the last time
                log.warning("%s; the audit waits for the ledger", error)
                await asyncio.sleep(_KEEP_SECONDS)
            async with self._settled:
                self._settled.notify_all()

    def _flush(self) -> None:
        with self._keeping:
            waiting = tuple(self._unkept)
            if waiting:
                self.keep(waiting)
                del self._unkept[: len(waiting)]
