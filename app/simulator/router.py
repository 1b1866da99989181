"""Route one request: resolve, filter, order, attempt, fall back, remember."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Any, NamedTuple

from .ask import INFERENCE, Ask
from .caches import Caches, CacheUse
from .catalog import Catalog, Row
from .completion import Completion, complete, generation_id
from .hosts import Host, Hosts
from .inner import errand_for, run_inside
from .naming import Candidate
from .ordering import across_models, ordered
from .picking import chosen
from .presets import Presets
from .quirks import HONEST
from .refusals import Refusal
from .routed import InnerCall, Reached, Routed
from .routing import filtered, has_own_key
from .sealing import Rejection, rejection
from .sessions import Sessions
from .spending import Spending
from .switches import ModelName

REMEMBERED = 1000
_MOST_REACHED = 20  # endpoints for each request that is remembered


@dataclass(frozen=True, slots=True)
class _Plan:
    """Rows to try one after the other, and the candidate for each of them."""

    rows: list[Row]
    owners: dict[int, Candidate]

    def __iter__(self) -> Iterator[tuple[Row, Candidate]]:
        return ((row, self.owners[id(row)]) for row in self.rows)


class _Failure(NamedTuple):
    status: int
    rejected: Rejection | None = None


class Router:
    """A router with a seed: the same requests in the same order are served the same way."""

    def __init__(
        self,
        catalog: Catalog,
        *,
        seed: int,
        clock: Callable[[], float],
        remembered: int = REMEMBERED,
        presets: Presets | None = None,
        hosts: Mapping[str, Host] = MappingProxyType({}),
        flawed: bool = False,
    ) -> None:
        self.catalog = catalog
        self.presets = presets or Presets(())
        self.clock = clock
        self._seed = seed
        self._remembered = remembered
        self._count = 0
        self._sessions = Sessions(clock, remembered)
        self._caches = Caches(clock)
        self.spending = Spending()
        self.hosts = Hosts(hosts, seed=seed, clock=clock, flawed=flawed)
        # For tests and for GET /generation: served requests, newest last.
        self.served: OrderedDict[str, tuple[Ask, Routed, float]] = OrderedDict()
        self.left_early: set[str] = set()  # generations whose client disconnected
        self.asked_by: dict[str, str] = {}  # the key of each generation
        self.refused: deque[tuple[Ask, Refusal]] = deque(maxlen=remembered)
        self.arrived = 0
        self.requests: deque[tuple[str, dict[str, str], bytes]] = deque(maxlen=remembered)
        self.reached: deque[Reached] = deque(maxlen=remembered * _MOST_REACHED)
        self.listings_read: Counter[str] = Counter()  # by model

    def arrive(self, path: str, headers: dict[str, str], raw: bytes) -> int:
        """Record a request on arrival; returns its number, starting at 1."""
        self.requests.append((path, headers, raw))
        self.arrived += 1
        return self.arrived

    def route(self, ask: Ask) -> Routed:
        """Serve one request. Raises `Refusal` with the error that OpenRouter would return."""
        random = self._dice()
        try:
            routed = self.serve(ask, random)
        except Refusal as refusal:
            refusal.request_id = generation_id(int(self.clock()), random)
            self.refused.append((ask, refusal))
            raise
        self.remember(routed)
        return routed

    def serve(self, ask: Ask, random: Random) -> Routed:
        """Route one request, a client's or one made on its behalf, and all its inner calls.

        Records every endpoint reached. Raises `Refusal`.
        """
        judge = partial(self._judge, random)
        choice = chosen(ask, self.catalog, self._sessions, random, judge)
        refusals: list[Refusal] = []
        failed: list[tuple[Row, int]] = []
        last: _Failure | None = None
        for plan in self._plans(ask, choice.candidates, random, refusals):
            for row, candidate in plan:
                own = ask.standing_for(candidate)
                if failure := self._attempt(own, candidate, row):
                    failed.append((row, failure.status))
                    last = failure
                    if _fails_over(failure.status):
                        continue
                    break
                return Routed(
                    self._complete(own, row, random),
                    attempts=(*failed, (row, 200)),
                    available=tuple(plan.rows),
                    strategy="fallback" if candidate.place else candidate.strategy,
                    ask=own,
                    inner=run_inside(self, own, candidate, random),
                    pipeline=choice.pipeline,
                )
        raise _all_failed(ask, failed, last) if last else refusals[0]

    def serve_at(self, ask: Ask, row: Row) -> Routed:
        """Serve a request at one endpoint, regardless of the preferences."""
        first = ask.candidates[0]
        if failure := self._attempt(ask, first, row):
            raise _all_failed(ask, [(row, failure.status)], failure)
        completion = self._complete(ask, row, self._dice())
        routed = Routed(completion, ((row, 200),), (row,), first.strategy, ask)
        self.remember(routed)
        return routed

    def note_key(self, key: str, routed: Routed) -> None:
        """Note whose request was served: what it cost, and that only its key reads the record."""
        self.spending.note(key, routed, self.clock())
        if routed.completion.id in self.served:
            self.asked_by[routed.completion.id] = key

    def leave(self, routed: Routed) -> None:
        """Note that a client left its answer: most hosts stop then, and nothing is charged."""
        identity = routed.completion.id
        self.left_early.add(identity)
        if self.stopped(routed) and identity in self.asked_by:
            self.spending.take_back(self.asked_by[identity], routed, self.clock())

    def stopped(self, routed: Routed) -> bool:
        """Whether a client left this answer, and its host stopped."""
        if routed.completion.id not in self.left_early:
            return False
        return not self.hosts.quirks(routed.ask, routed.completion.row).uncancellable

    def run_inside(self, ask: Ask, routed: Routed) -> None:
        """Make the calls of a request's tools at the model that answered another request."""
        answering = replace(ask.candidates[0], model=routed.completion.row.model)
        run_inside(self, ask, answering, self._dice())

    def _dice(self) -> Random:
        self._count += 1
        return Random(f"{self._seed}:{self._count}")  # noqa: S311 - a game of chance, not a secret

    def _judge(self, random: Random, ask: Ask, name: str) -> bool:
        """Let a model judge for a router; False if no endpoint is allowed or able to."""
        call = InnerCall("plugins.switchyard-router", "judge", name)
        try:
            self.serve(errand_for(self, ask, "judge", call), random)
        except Refusal:
            return False
        return True

    def _attempt(self, ask: Ask, candidate: Candidate, row: Row) -> _Failure | None:
        """Send a request to an endpoint; returns its failure, None if it serves."""
        failure = None
        if status := self.hosts.failure(ask, row):
            failure = _Failure(status)
        elif (rejected := rejection(ask, row)) is not None:
            failure = _Failure(400, rejected)
        why = ask.errand.why if ask.errand else candidate.why
        carrier = ask.errand.carrier if ask.errand else ""
        status = failure.status if failure else 200
        self.reached.append(Reached(ask.number, why, carrier, row, status))
        return failure

    def _complete(self, ask: Ask, row: Row, random: Random) -> Completion:
        cache = self._caches.use(ask, row) if ask.dialect in INFERENCE else CacheUse()
        defects = self.hosts.defects(ask, row) if ask.dialect in INFERENCE else ()
        quirks = self.hosts.quirks(ask, row) if ask.dialect in INFERENCE else HONEST
        return complete(
            ask,
            row,
            created=int(self.clock()),
            random=random,
            cache=cache,
            defects=defects,
            quirks=quirks,
        )

    def _plans(
        self,
        ask: Ask,
        candidates: tuple[Candidate, ...],
        random: Random,
        refusals: list[Refusal],
    ) -> Iterator[_Plan]:
        """The rows to try, model by model; for all models at once with `partition` "none"."""
        together = len(candidates) > 1 and _partition(ask) == "none"
        every = _Plan([], {})
        for candidate in candidates:
            own = ask.standing_for(candidate)
            try:
                funnel = filtered(own, candidate)
                rows = ordered(funnel, random, self._sticky(own, candidate))
            except Refusal as nothing_left:
                refusals.append(nothing_left)
                continue
            rows = _disobeying(own, candidate, rows)
            owners = {id(row): candidate for row in rows}
            if together:
                new = [row for row in rows if id(row) not in every.owners]
                every = _Plan([*every.rows, *new], owners | every.owners)
            else:
                yield _Plan(rows, owners)
        if every.rows:
            yield _Plan(across_models(ask, every.rows), every.owners)

    def _sticky(self, ask: Ask, candidate: Candidate) -> Row | None:
        """A conversation's sticky endpoint; outside inference, sessions only group logs."""
        if ask.errand is not None or ask.dialect not in INFERENCE:
            return None
        return self._sessions.sticky(ask, candidate.model)

    def remember(self, routed: Routed) -> None:
        """Keep an answer for its record; a conversation sticks to the endpoint that gave it."""
        completion = routed.completion
        if routed.attempts and routed.ask.dialect in INFERENCE:
            tried = [row for row, _ in routed.attempts]
            cached = completion.usage.cached_tokens
            self._sessions.remember(routed.ask, completion.row, tried, cached_tokens=cached)
        self.served[completion.id] = (routed.ask, routed, self.clock())
        while len(self.served) > self._remembered:
            forgotten = self.served.popitem(last=False)[0]
            self.left_early.discard(forgotten)
            self.asked_by.pop(forgotten, None)


def model_field(how: ModelName, row: Row) -> dict[str, str]:
    """The model field in the report of an attempt: dated slug, plain id, or absent."""
    names = {"permaslug": row.model.canonical, "id": row.model.id}
    return {"model": names[how]} if how in names else {}


def _partition(ask: Ask) -> str:
    sort = ask.provider.get("sort")
    return (sort.get("partition") if isinstance(sort, dict) else None) or "model"


def _fails_over(status: int) -> bool:
    """Whether another host of the same model is tried; a bad request fails at every host."""
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


def _all_failed(ask: Ask, failed: list[tuple[Row, int]], last: _Failure) -> Refusal:
    row, status = failed[-1]
    raw = f"Simulated failure with status {status}."
    if status == 429:  # noqa: PLR2004
        raw = f"{ask.requested} is temporarily rate-limited upstream. Please retry shortly."
    message = "Provider returned error"
    if last.rejected:
        raw = last.rejected.raw
        # Anthropic's envelope has no metadata.
        message = last.rejected.message if ask.dialect == "messages" else message
    metadata: dict[str, Any] = {
        "raw": raw,
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
    return Refusal(status, message, metadata, failed)
