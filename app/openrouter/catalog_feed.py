"""Keeps the catalog fresh in the background, without delaying requests.

Rule 1  `want` marks a model as in use and returns at once; a missing or old listing is fetched in
        the background, once at a time, and a failed fetch is not repeated for a while.
Rule 2  Stale beats absent: a listing that could not be renewed is kept, with its date.
Rule 3  Everything is bounded: the models kept and their weight, the fetches in progress, and the
        size of a listing. Large listings are read in a thread.
"""

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Protocol, TypeVar

from ..catalog.audits import Audits
from ..catalog.catalog import EMPTY, Catalog, listing_key
from ..catalog.scores import Scores
from ..errors import UpstreamError
from ..wire.listing import (
    LARGEST_OF_A_MODEL,
    MOST_ENDPOINTS,
    MOST_MODELS,
    NotAListing,
    rows_of,
)

Get = Callable[[str], Awaitable[tuple[int, bytes]]]

Changed = Callable[[str, Catalog, Catalog], None]  # a model's listing: before and after
Answered = Callable[[int, bytes], None]  # a request for the list of models: status and body

log = logging.getLogger("pointsman")

T = TypeVar("T")

_OK = 200
_MOST_AT_ONCE = 8
_HEAVIEST = 64_000_000  # bytes of all listings kept, as received
_LARGE = 128_000  # bytes; less is read in two or three milliseconds, on the loop
_NEVER = float("inf")
# A caller chooses the model's name, and it becomes part of a path: only a slug is allowed.
_SLUG = re.compile(r"~?[a-z0-9][a-z0-9._-]{0,99}/[a-z0-9][a-z0-9._-]{0,99}(:[a-z0-9-]{1,20})?")
_MODELS, _TOOLS = "/models", "/tools"


class Copies(Protocol):
    """Storage in which listings survive a restart; called in worker threads."""

    def read(self, path: str) -> tuple[float, bytes] | None:
        """When a listing was fetched, and its body."""
        ...

    def write(self, path: str, body: bytes) -> None:
        """Keep a listing."""
        ...


class CatalogFeed:
    """The catalog in force, kept current; `current` is replaced as a whole."""

    def __init__(
        self,
        get: Get,
        *,
        copies: Copies | None = None,
        changed: Changed = lambda _model, _before, _after: None,
        answered: Answered = lambda _status, _body: None,
        clock: Callable[[], float] = time.time,
        renew_after: float = 1800.0,
        retry_after: float = 60.0,
        capacity: int = 500,
        heaviest: int = _HEAVIEST,
    ) -> None:
        self._get = get
        self._copies = copies
        self._changed = changed
        self._answered = answered
        self._clock = clock
        self._renew_after = renew_after
        self._retry_after = retry_after
        self._capacity = capacity
        self._heaviest = heaviest
        # The moment from which each path may be fetched again, least recently wanted first.
        self._due: OrderedDict[str, float] = OrderedDict()
        self._fetches: dict[str, asyncio.Task[None]] = {}
        self._looked_up: set[str] = set()  # on disk; bounded with `_due`
        self._failed: set[str] = set()  # at the last try; bounded with `_due`
        self._weights: dict[str, int] = {}  # bytes of the listings kept; bounded with `_due`
        self.current: Catalog = EMPTY
        self.models_list: bytes | None = None

    def want(self, model: str) -> None:
        """Note that a model is in use. Must be called on the event loop; never waits."""
        now = self._clock()
        self._fetch_if_due(_MODELS, now)
        target = self.current.id_of(model) if model.startswith("~") else None
        for name in (model,) if target is None else (model, target):
            path = _path_wanted(name)
            if path is not None:
                self._fetch_if_due(path, now)

    def keep_scores(self, scores: Scores) -> None:
        """Use these benchmark scores from now on. Must be called on the event loop, or before."""
        self.current = self.current.with_scores(scores)

    def keep_audits(self, audits: Audits) -> None:
        """Use these audits from now on. Must be called on the event loop, or before."""
        self.current = self.current.with_audits(audits)

    def want_tools(self) -> None:
        """Note that tools are in use, so that their locations are listed too. Else as `want`."""
        self._fetch_if_due(_TOOLS, self._clock())

    def renew(self, model: str, *, since: float) -> None:
        """Fetch a model's listing again unless it was fetched after `since` (wall clock).

        Used before a listing counts as evidence of a violation: labels and prices change. Must be
        called on the event loop; never waits, and a failure is not repeated for a while either.
        """
        now = self._clock()
        path, listing = _path_wanted(model), self.current.listing(model)
        if path is None or path in self._fetches:
            return
        if listing is None or listing.fetched_at < since:
            if path not in self._failed:
                self._due[path] = now
            self._fetch_if_due(path, now)

    async def settled(self) -> None:
        """Wait until no fetch is in progress: for tests and commands, never for requests."""
        while self._fetches:
            await asyncio.gather(*self._fetches.values())

    async def known(self, model: str, *, patience: float) -> None:
        """Wait until the model's listing is no longer being fetched; usually returns at once.

        Waits for at most `patience` seconds. The fetch continues in any case.
        """
        fetch = self._fetches.get(_listing_path(model)) if self._fetches else None
        if fetch is not None:
            await asyncio.wait((fetch,), timeout=patience)

    async def close(self) -> None:
        """Cancel the fetches in progress."""
        fetches = tuple(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)

    def _fetch_if_due(self, path: str, now: float) -> None:
        due = self._due.get(path)
        if due is not None:
            self._due.move_to_end(path)
            if due > now:
                return
        if len(self._fetches) >= _MOST_AT_ONCE:
            return  # the next `want` will fetch it
        self._due[path] = _NEVER  # until the fetch has ended
        self._forget_the_oldest()
        fetch = asyncio.get_running_loop().create_task(self._fetch(path))
        self._fetches[path] = fetch
        fetch.add_done_callback(lambda _: self._fetches.pop(path))

    async def _fetch(self, path: str) -> None:
        pause = self._retry_after
        try:
            kept = await self._kept(path)
            if kept is not None and kept + self._renew_after > self._clock():
                pause = kept + self._renew_after - self._clock()
                return
            self._failed.add(path)
            status, body = await self._get(path)
            if path == _MODELS:
                await _aside(body, partial(self._answered, status, body))
            if status == _OK:
                await self._take(path, body, self._clock())
                pause = self._renew_after
                self._failed.discard(path)
                if self._copies is not None:
                    await asyncio.to_thread(self._copies.write, path, body)
        except _UNREADABLE as error:
            log.debug("the catalog's %s could not be fetched: %s", path, error)
        finally:
            self._due[path] = self._clock() + pause

    async def _kept(self, path: str) -> float | None:
        """Load the copy on disk of a listing not known yet; returns when it was fetched."""
        if self._copies is None or path in self._looked_up:
            return None
        self._looked_up.add(path)
        copy = await asyncio.to_thread(self._copies.read, path)
        if copy is None:
            return None
        fetched_at, body = copy
        try:
            await self._take(path, body, min(fetched_at, self._clock()))
        except NotAListing:
            return None
        return fetched_at if fetched_at <= self._clock() else None

    async def _take(self, path: str, body: bytes, fetched_at: float) -> None:
        """Add a listing. If it is invalid, raises `NotAListing` and keeps the known one."""
        found = await _aside(body, partial(_read, path, body, fetched_at))
        before = self.current
        self.current = before.joined(found)
        if path == _MODELS:
            self.models_list = body
        elif path != _TOOLS:
            self._weights[path] = len(body)
            self._changed(_model_in(path), before, self.current)
            self._forget_the_oldest()

    def _forget_the_oldest(self) -> None:
        """Forget the least recently wanted; the few listings being fetched stay."""
        surplus = len(self._due) - self._capacity
        overweight = sum(self._weights.values()) - self._heaviest
        for path in [path for path, due in self._due.items() if due < _NEVER]:
            if surplus <= 0 and overweight <= 0:
                return
            surplus, overweight = surplus - 1, overweight - self._weights.pop(path, 0)
            del self._due[path]
            self._looked_up.discard(path)
            self._failed.discard(path)
            self.current = self.current.without_listings([_model_in(path)])


def _model_in(path: str) -> str:
    return path.removeprefix(f"{_MODELS}/").removesuffix("/endpoints")


@lru_cache(1024)
def _path_wanted(model: str) -> str | None:
    """The path of a model's listing; None for a name that must not become part of a path."""
    return _listing_path(model) if _SLUG.fullmatch(listing_key(model)) else None


def _listing_path(model: str) -> str:
    return f"{_MODELS}/{listing_key(model)}/endpoints"


def _read(path: str, body: bytes, fetched_at: float) -> Catalog:
    """The listing in a body, as a separate catalog. Raises `NotAListing`."""
    if path == _MODELS:
        return EMPTY.with_models([*rows_of(body, most=MOST_MODELS)])
    if path == _TOOLS:
        return EMPTY.with_server_tools([*rows_of(body, most=MOST_MODELS)])
    if len(body) > LARGEST_OF_A_MODEL:
        raise NotAListing(f"it has over {LARGEST_OF_A_MODEL / 1e6:g} MB")
    return EMPTY.with_listing(_model_in(path), [*rows_of(body, most=MOST_ENDPOINTS)], fetched_at)


async def _aside(body: bytes, work: Callable[[], T]) -> T:
    """The result of work on a body; done in a thread if the body is large."""
    return await asyncio.to_thread(work) if len(body) > _LARGE else work()


_UNREADABLE = (UpstreamError, NotAListing)
