"""One request through the router: resolve, filter, order, attempt, fall back, remember."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from app.simulator.ask import Ask
from app.simulator.catalog import Catalog, Row
from app.simulator.completion import Completion, complete, tokens
from app.simulator.ordering import ordered
from app.simulator.refusals import Refusal
from app.simulator.routing import filtered

_REMEMBERED = 1000
_STICKY_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Routed:
    """An answer and how it came about."""

    completion: Completion
    attempts: tuple[tuple[Row, int], ...]  # every row that got the prompt, with its status
    available: tuple[Row, ...]
    strategy: str


@dataclass(slots=True)
class _Session:
    tag: str
    prompt_tokens: int
    until: float


class Router:
    """Routes with a seed: the same requests in the same order are served alike."""

    def __init__(self, catalog: Catalog, *, seed: int, clock: Callable[[], float]) -> None:
        self.catalog = catalog
        self.clock = clock
        self._seed = seed
        self._count = 0
        self._sessions: OrderedDict[tuple[str, str], _Session] = OrderedDict()
        # For tests and for GET /generation: what was served, newest last.
        self.served: OrderedDict[str, tuple[Ask, Routed, float]] = OrderedDict()
        self.requests: deque[tuple[str, dict[str, str], bytes]] = deque(maxlen=_REMEMBERED)

    def route(self, ask: Ask) -> Routed:
        """Serve one request. Raises `Refusal` with the error that OpenRouter would answer."""
        self._count += 1
        random = Random(f"{self._seed}:{self._count}")  # noqa: S311 - a game of chance, not a secret
        refusal: Refusal | None = None
        failed: list[tuple[Row, int]] = []
        for candidate in ask.candidates:
            try:
                funnel = filtered(ask, candidate)
                rows = ordered(funnel, random, self._sticky(ask, candidate.model.id))
            except Refusal as nothing_left:
                refusal = refusal or nothing_left
                continue
            for row in _disobeying(ask, rows):
                status = ask.switches.fail.get(row.tag) or ask.switches.fail.get(row.provider)
                if status:
                    failed.append((row, status))
                    continue
                strategy = "fallback" if failed else candidate.strategy
                completion = self._complete(ask, row, random)
                routed = Routed(completion, (*failed, (row, 200)), tuple(rows), strategy)
                self._remember(ask, routed)
                return routed
        if failed:
            raise _all_failed(ask, failed)
        raise refusal or Refusal(404, f"No endpoints found for {ask.requested}.")

    def _complete(self, ask: Ask, row: Row, random: Random) -> Completion:
        created, cached = int(self.clock()), self._cached(ask, row)
        return complete(ask, row, created=created, random=random, cached_tokens=cached)

    def _remember(self, ask: Ask, routed: Routed) -> None:
        row, now = routed.completion.row, self.clock()
        key = (ask.session, row.model.id)
        self._sessions[key] = _Session(row.tag, tokens(ask.prompt), now + _STICKY_SECONDS)
        self.served[routed.completion.id] = (ask, routed, now)
        for memory in (self._sessions, self.served):
            while len(memory) > _REMEMBERED:
                memory.popitem(last=False)

    def _sticky(self, ask: Ask, model: str) -> str | None:
        """The tag that this conversation sticks to, where its cache is cheaper than its prompt."""
        session = self._sessions.get((ask.session, model))
        if session is None or session.until < self.clock():
            return None
        cacheable = any(
            row.tag == session.tag and row.price("input_cache_read")
            for found in [self.catalog.find(model)]
            if found
            for row in found.rows
        )
        return session.tag if cacheable else None

    def _cached(self, ask: Ask, row: Row) -> int:
        session = self._sessions.get((ask.session, row.model.id))
        return session.prompt_tokens if session and session.tag == row.tag else 0


def _disobeying(ask: Ask, rows: list[Row]) -> list[Row]:
    """With the switch on, rows that the preferences exclude come first."""
    if not ask.switches.disobey:
        return rows
    labels = set(ask.provider.get("quantizations") or ())
    only = {entry.partition("/")[0] for entry in ask.provider.get("only") or ()}
    ignored = set(ask.provider.get("ignore") or ())
    return sorted(
        rows,
        key=lambda row: (
            not (
                (labels and row.quantization not in labels)
                or (only and row.provider not in only)
                or row.provider in ignored
            )
        ),
    )


def _all_failed(ask: Ask, failed: list[tuple[Row, int]]) -> Refusal:
    row, status = failed[-1]
    metadata: dict[str, Any] = {
        "raw": f"{ask.requested} is temporarily rate-limited upstream. Please retry shortly.",
        "provider_name": row.name,
        "is_byok": False,
    }
    if len(failed) > 1:
        metadata["previous_errors"] = [
            {"code": code, "message": "Provider returned error", "provider_name": earlier.name}
            for earlier, code in failed[:-1]
        ]
    return Refusal(status, "Provider returned error", metadata)
