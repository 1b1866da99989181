"""The failures, one after the other, each until everything has recovered."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from bench.chaos.account import LAG_SECONDS, PATIENCE_SECONDS, chores_of, ready, recovered, written
from bench.chaos.database import Database
from bench.chaos.load import Load, spender
from bench.chaos.looking import Looking
from bench.chaos.notes import Span, Step
from bench.chaos.parts import Balancer, Pointsmans, Replica
from bench.chaos.processes import CannotRun, free_ports

NAMES = (
    "a replica is killed",
    "a rolling restart",
    "PostgreSQL restarts",
    "PostgreSQL is away",
    "PostgreSQL fails over",
    "a replica freezes",
)
_LOOK_SECONDS = 0.1
_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Pace:
    """How long each thing lasts, in seconds."""

    stream: float  # each stream
    warm_up: float
    killed: float  # until the killed replica is started again
    pre_stop: float  # from when a replica leaves the balancer until SIGTERM
    away: float  # PostgreSQL
    noticing: float  # from the primary's end until the standby is promoted
    frozen: float
    rest: float  # after each recovery
    vanishes: bool  # the primary falls silent; otherwise its connections are closed

    @property
    def drain(self) -> int:
        """`POINTSMAN_DRAIN_SECONDS`: a stream that has just begun may finish."""
        return int(self.stream * 2) + 15


SHORT = Pace(
    stream=6,
    warm_up=6,
    killed=3,
    pre_stop=2,
    away=10,
    noticing=2,
    frozen=13,
    rest=3,
    vanishes=False,
)
LONG = Pace(
    stream=15,
    warm_up=20,
    killed=10,
    pre_stop=10,
    away=30,
    noticing=5,
    frozen=20,
    rest=16,
    vanishes=True,
)


class Steps:
    """Does them, and keeps what happened when."""

    def __init__(
        self,
        pace: Pace,
        *,
        pointsmans: Pointsmans,
        balancer: Balancer,
        database: Database,
        say: Callable[[str], None],
    ) -> None:
        self.replicas: list[Replica] = []
        self.exits: dict[str, int | None] = {}
        self.steps: list[Step] = []
        self._pace, self._say = pace, say
        self._pointsmans, self._balancer, self._database = pointsmans, balancer, database
        self._count = 0

    async def begin(self, count: int, looking: Looking) -> None:
        """Start replicas and the balancer in front of them."""
        self._looking = looking
        self.replicas = [self._new(port) for port in free_ports(count)]
        for each in self.replicas:
            await self._ready(each)
        await asyncio.to_thread(self._balancer.start, self.replicas)

    async def all(self, load: Load, spend_rate: float) -> None:
        """Do every step."""
        doings = (self._kill, self._roll, self._restart, self._away, self._fail_over, self._freeze)
        for number, (name, do) in enumerate(zip(NAMES, doings, strict=True), 1):
            self._say(f"{number}. {name}")
            caller = spender(number)
            spending = load.requests(spend_rate, caller, "spender")
            start = time.time()
            try:
                found = await do()
                step = Step(
                    name=name,
                    start=start,
                    end=start,
                    spender=caller,
                    **{"chores_since": found["since"]} | found,
                )
                step = await self._recovered(step)
            finally:
                spending.cancel()
                with suppress(asyncio.CancelledError):
                    await spending
            self.steps.append(step)

    async def _kill(self) -> dict[str, Any]:
        victim = self._holder()
        start = time.time()
        victim.process.signal(signal.SIGKILL)
        self._say(f"{victim.name} (pid {victim.process.pid}) is killed; it has the chores")
        duty = self._looking.looks[-1].duty
        await asyncio.sleep(self._pace.killed)
        again = self._start(victim.name, victim.port)
        self.replicas[self.replicas.index(victim)] = again
        self._say(f"{victim.name} is started again")
        await self._ready(again)
        return {"since": start, "killed": (Span(victim.name, start, time.time()),), "chores": duty}

    async def _roll(self) -> dict[str, Any]:
        """As Kubernetes does by deploy/kubernetes: a new one is ready before an old one stops."""
        old = list(self.replicas)
        for each in old:
            (port,) = free_ports(1)
            new = self._new(port)
            await self._ready(new)
            self.replicas = [*(one for one in self.replicas if one is not each), new]
            await asyncio.to_thread(self._balancer.use, self.replicas)
            self._say(f"{new.name} is ready; {each.name} leaves the balancer")
            await asyncio.sleep(self._pace.pre_stop)
            each.process.signal(signal.SIGTERM)
            self.exits[each.name] = await asyncio.to_thread(
                each.process.wait, self._pace.drain + 20.0
            )
            self._say(f"{each.name} has ended with status {self.exits[each.name]}")
        return {"since": time.time()}

    async def _restart(self) -> dict[str, Any]:
        return await self._stopped_for(0.0)

    async def _away(self) -> dict[str, Any]:
        return await self._stopped_for(self._pace.away)

    async def _stopped_for(self, seconds: float) -> dict[str, Any]:
        start, duty = time.time(), self._looking.looks[-1].duty
        await asyncio.to_thread(self._database.stop)
        self._say(f"PostgreSQL is stopped{f', for {seconds:g} s' if seconds else ''}")
        await asyncio.sleep(seconds)
        self._database.start()
        await asyncio.to_thread(self._database.accepts)
        self._say("PostgreSQL accepts connections")
        return await self._database_back(start, duty)

    async def _fail_over(self) -> dict[str, Any]:
        start, duty = time.time(), self._looking.looks[-1].duty
        if self._pace.vanishes:
            await asyncio.to_thread(self._database.vanish)
            self._say("the primary has fallen silent, as if its machine were gone")
        else:
            await asyncio.to_thread(self._database.crash)
            self._say("the primary has crashed")
        await asyncio.sleep(self._pace.noticing)
        await asyncio.to_thread(self._database.promote)
        await asyncio.to_thread(self._database.accepts)
        self._say("the standby is promoted")
        return await self._database_back(start, duty)

    async def _database_back(self, start: float, duty: int | None) -> dict[str, Any]:
        since = time.time()
        until = since + PATIENCE_SECONDS
        while time.time() < until:
            if recovered(self._looking.looks, since, written) is not None:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        return {"since": since, "away": (Span("PostgreSQL", start, time.time()),), "chores": duty}

    async def _freeze(self) -> dict[str, Any]:
        victim = self._holder()
        start, duty = time.time(), self._looking.looks[-1].duty
        victim.process.signal(signal.SIGSTOP)
        self._say(
            f"{victim.name} (pid {victim.process.pid}) is stopped, for {self._pace.frozen:g} s"
        )
        try:
            await asyncio.sleep(self._pace.frozen)
        finally:
            victim.process.signal(signal.SIGCONT)
        since = time.time()
        self._say(f"{victim.name} goes on")
        return {
            "since": since,
            "chores_since": start,
            "frozen": (Span(victim.name, start, since),),
            "chores": duty,
        }

    async def _recovered(self, step: Step) -> Step:
        """Wait until everything has recovered, and a while longer."""
        late = time.time() + PATIENCE_SECONDS
        holding = (ready, written, chores_of(step))
        looks = self._looking.looks
        while time.time() < late:
            if all(recovered(looks, step.since, each) is not None for each in holding):
                self._say("everything has recovered")
                break
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            self._say("not everything has recovered")
        await asyncio.sleep(self._pace.rest + LAG_SECONDS)
        return replace(step, end=time.time())

    def _holder(self) -> Replica:
        """The replica that does the chores; if none is known, the first one."""
        holders = [each for each in self.replicas if each.name == self._looking.holder]
        return (holders or self.replicas)[0]

    def _new(self, port: int) -> Replica:
        self._count += 1
        return self._start(f"pointsman-{self._count}", port)

    def _start(self, name: str, port: int) -> Replica:
        return self._pointsmans.start(name, port, self._database.url(name))

    async def _ready(self, replica: Replica) -> None:
        """Return once it is ready. Raises `CannotRun`."""
        late = time.monotonic() + _READY_SECONDS
        while not await self._looking.is_ready(replica):
            if replica.process.status is not None or time.monotonic() > late:
                raise CannotRun(f"{replica.name} is not ready:\n{replica.process.said()}")
            await asyncio.sleep(_LOOK_SECONDS)
