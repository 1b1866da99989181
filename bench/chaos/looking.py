"""Looks at every replica and at the database, several times a second, as long as a run lasts."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from bench.chaos.database import Database
from bench.chaos.load import got
from bench.chaos.notes import Look, Standing
from bench.chaos.parts import Replica

_EVERY_SECONDS = 0.2
_ANSWER_SECONDS = 2.0


class Looking:
    """Keeps every look."""

    def __init__(self, database: Database, replicas: Callable[[], Iterable[Replica]]) -> None:
        """`replicas` are those that should be there at the moment."""
        self.looks: list[Look] = []
        self.dropped: dict[str, int] = {}
        self.holder: str | None = None  # the replica that had the duty of the chores when last seen
        self._database, self._replicas = database, replicas

    async def keep_looking(self) -> None:
        """Look until cancelled."""
        while True:
            began = time.monotonic()
            await self.look()
            await asyncio.sleep(max(0.0, _EVERY_SECONDS - (time.monotonic() - began)))

    @staticmethod
    async def is_ready(replica: Replica) -> bool:
        """Whether it is ready, and not degraded."""
        _, body = await got(replica.port, "/ready", "operator", _ANSWER_SECONDS)
        found = _standing(body)
        return found is not None and found.status == "ready"

    async def look(self) -> Look:
        """Look once."""
        at = time.time()
        those = list(self._replicas())
        asked = (got(each.port, "/ready", "operator", _ANSWER_SECONDS) for each in those)
        duty, *found = await asyncio.gather(asyncio.to_thread(self._database.duty), *asked)
        standings = {
            each.name: _standing(body) for each, (_, body) in zip(those, found, strict=True)
        }
        for name, standing in standings.items():
            if standing is not None:
                self.dropped[name] = max(standing.dropped, self.dropped.get(name, 0))
        self.holder = self.holder if duty is None else duty[1]
        self.looks.append(Look(at, time.time(), standings, None if duty is None else duty[0]))
        return self.looks[-1]


def _standing(body: Any) -> Standing | None:
    if not isinstance(body, dict) or "ledger" not in body:
        return None
    ledger = body["ledger"]
    return Standing(
        status=body["status"],
        error=ledger["error"],
        oldest=ledger["oldest_seconds"],
        dropped=ledger["dropped"],
        budgets=body["budgets"]["age_seconds"] if "budgets" in body else None,
    )
