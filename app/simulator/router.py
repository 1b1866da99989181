"""One request through the router: resolve, filter, order, attempt, fall back, remember."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from app.simulator.ask import Ask, Candidate
from app.simulator.catalog import Catalog, Model, Row
from app.simulator.completion import Completion, complete, generation_id, tokens
from app.simulator.ordering import across_models, ordered
from app.simulator.refusals import Refusal
from app.simulator.routing import filtered, has_own_key
from app.simulator.switches import ModelName

REMEMBERED = 1000
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
    sticks: bool


class Router:
    """Routes with a seed: the same requests in the same order are served alike."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        seed: int,
        clock: Callable[[], float],
        remembered: int = REMEMBERED,
    ) -> None:
        self.catalog = catalog
        self.clock = clock
        self._seed = seed
        self._remembered = remembered
        self._count = 0
        self._sessions: OrderedDict[tuple[str, str], _Session] = OrderedDict()
        # For tests and for GET /generation: what was served, newest last.
        self.served: OrderedDict[str, tuple[Ask, Routed, float]] = OrderedDict()
        self.left_early: set[str] = set()  # generations whose caller hung up
        self.refused: deque[tuple[Ask, Refusal]] = deque(maxlen=remembered)
        self.requests: deque[tuple[str, dict[str, str], bytes]] = deque(maxlen=remembered)
        self.listings_read: Counter[str] = Counter()  # by model

    def route(self, ask: Ask) -> Routed:
        """Serve one request. Raises `Refusal` with the error that OpenRouter would answer."""
        self._count += 1
        random = Random(f"{self._seed}:{self._count}")  # noqa: S311 - a game of chance, not a secret
        refusals: list[Refusal] = []
        failed: list[tuple[Row, int]] = []
        for rows in self._plans(ask, random, refusals):
            for row in rows:
                status = ask.switches.fail.get(row.tag) or ask.switches.fail.get(row.provider)
                if not status:
                    attempts, strategy = (*failed, (row, 200)), _strategy(ask, row)
                    completion = self._complete(ask, row, random)
                    routed = Routed(completion, attempts, tuple(rows), strategy)
                    self._remember(ask, routed)
                    return routed
                failed.append((row, status))
                if not _fails_over(status):
                    break
        refusal = _all_failed(ask, failed) if failed else refusals[0]
        refusal.request_id = generation_id(int(self.clock()), random)
        self.refused.append((ask, refusal))
        raise refusal

    def _plans(self, ask: Ask, random: Random, refusals: list[Refusal]) -> Iterator[list[Row]]:
        """The rows to try, model after model; of all models at once with `partition` "none"."""
        together = len(ask.candidates) > 1 and _partition(ask) == "none"
        every: list[Row] = []
        for candidate in ask.candidates:
            try:
                funnel = filtered(ask, candidate)
                rows = ordered(funnel, random, self._sticky(ask, candidate.model))
            except Refusal as nothing_left:
                refusals.append(nothing_left)
                continue
            rows = _disobeying(ask, candidate, rows)
            if together:
                every += rows
            else:
                yield rows
        if every:
            yield across_models(ask, every)

    def _complete(self, ask: Ask, row: Row, random: Random) -> Completion:
        created, cached = int(self.clock()), self._cached(ask, row)
        return complete(ask, row, created=created, random=random, cached_tokens=cached)

    def _remember(self, ask: Ask, routed: Routed) -> None:
        row, now = routed.completion.row, self.clock()
        key = (ask.session, row.model.id)
        cache_seen = routed.completion.usage.cached_tokens > 0
        self._sessions[key] = _Session(
            tag=row.tag,
            prompt_tokens=tokens(ask.prompt),
            until=now + _STICKY_SECONDS,
            sticks=ask.explicit_session or cache_seen,
        )
        self.served[routed.completion.id] = (ask, routed, now)
        while len(self._sessions) > self._remembered:
            self._sessions.popitem(last=False)
        while len(self.served) > self._remembered:
            self.left_early.discard(self.served.popitem(last=False)[0])

    def _sticky(self, ask: Ask, model: Model) -> str | None:
        """The tag that this conversation sticks to, where its cache is cheaper than its prompt.

        A conversation that names itself sticks from the start, another once its cache was hit.
        """
        session = self._session(ask, model)
        if session is None or not session.sticks:
            return None
        cacheable = any(
            row.tag == session.tag and 0 < row.price("input_cache_read") < row.price("prompt")
            for row in model.rows
        )
        return session.tag if cacheable else None

    def _cached(self, ask: Ask, row: Row) -> int:
        session = self._session(ask, row.model)
        return session.prompt_tokens if session and session.tag == row.tag else 0

    def _session(self, ask: Ask, model: Model) -> _Session | None:
        session = self._sessions.get((ask.session, model.id))
        return session if session and self.clock() <= session.until else None


def model_field(how: ModelName, row: Row) -> dict[str, str]:
    """How the account of an attempt names its model: by dated slug, by plain id, or not at all."""
    names = {"permaslug": row.model.canonical, "id": row.model.id}
    return {"model": names[how]} if how in names else {}


def _strategy(ask: Ask, row: Row) -> str:
    """How the router came to the model that answers."""
    first = ask.candidates[0]
    return first.strategy if row.model is first.model else "fallback"


def _partition(ask: Ask) -> str:
    sort = ask.provider.get("sort")
    return (sort.get("partition") if isinstance(sort, dict) else None) or "model"


def _fails_over(status: int) -> bool:
    """Whether another host of the same model is tried; a bad request is bad everywhere."""
    return status in {408, 429} or status >= 500  # noqa: PLR2004 - statuses are known by number


def _disobeying(ask: Ask, candidate: Candidate, rows: list[Row]) -> list[Row]:
    """With the switch on, rows that the preferences exclude come first."""
    if not ask.switches.disobey:
        return rows
    obedient = replace(ask, switches=replace(ask.switches, disobey=False))
    try:
        kept = ordered(filtered(obedient, candidate), Random(0), None)  # noqa: S311 - as above
    except Refusal:
        kept = []
    return sorted(rows, key=lambda row: row in kept)


def _all_failed(ask: Ask, failed: list[tuple[Row, int]]) -> Refusal:
    row, status = failed[-1]
    limited = f"{ask.requested} is temporarily rate-limited upstream. Please retry shortly."
    metadata: dict[str, Any] = {
        "raw": limited if status == 429 else f"Simulated failure with status {status}.",  # noqa: PLR2004
        "provider_name": row.name,
        "is_byok": has_own_key(ask, row),
    }
    if len(failed) > 1:
        metadata["previous_errors"] = [
            {
                "code": code,
                "message": "Provider returned error",
                "provider_name": earlier.name,
                **model_field(ask.switches.errors_name, earlier),
            }
            for earlier, code in failed[:-1]
        ]
    return Refusal(status, "Provider returned error", metadata, failed)
