"""Remembers which host served the last turn of each conversation; bounded in number and time.

A conversation is a session, or a subagent of it, with one model and one caller. All that is known
comes from receipts: those filed here are noted at once, those of other processes on the same
ledger, and those from before a restart, are read from it (`following.py`). A request never waits
for any of it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

import msgspec

from ..catalog.catalog import Catalog
from ..catalog.endpoint import Endpoint
from ..ledger.receipt import FAILED, Receipt
from ..ledger.session_stats import LEAST, WARM
from ..policy.affinity import (
    HOST_FAILED,
    IDLE,
    KEPT_ON,
    NOTHING_KNOWN,
    Host,
    Memory,
    Turn,
    turn_of,
)
from ..policy.other_routes import rows_of
from ..policy.presets import models_of
from ..policy.routed import Routed
from ..server.clock import steady
from .exchange import Exchange
from .receipt_of import session_digest

MOST = 20_000  # conversations; some 5 MB
_FIRST_ERROR_STATUS = 400
_FIRST_OF_SERVER = 500
_OF_THE_HOST = frozenset({408, 429})  # client errors by number that a host is the cause of
_WARM = WARM.total_seconds()
_AHEAD = 60.0  # seconds that a clock may be ahead; beyond, it was wrong, and no later turn counted
_ANSWERED = frozenset({"complete", "caller_left", "draining"})  # the host did its part


class Key(NamedTuple):
    """One conversation."""

    session: str  # a digest, like the next
    subagent: str | None
    model: str
    caller: str | None


class Counts(msgspec.Struct):
    """Turns served by this process since its start, and what became of their caches."""

    turns: int = 0
    flips: int = 0  # served by another host than the turn before
    followed: int = 0  # turns that a cache could have helped
    cold: int = 0  # those of them that read nothing from one


class _Last(msgspec.Struct, frozen=True, gc=False):
    host: Host | None  # None: it failed
    issuer: Host | None
    ended: float  # seconds since the epoch
    prompt: int = 0  # tokens


class Conversations:
    """The last conversations: the host of each, and whether it failed since."""

    def __init__(
        self, *, idle: float, clock: Callable[[], float] = time.time, most: int = MOST
    ) -> None:
        self._idle = idle
        self._clock = clock
        self._most = most
        self._last: OrderedDict[Key, _Last] = OrderedDict()
        self._hosts: dict[Host, Host] = {}
        self.counts: dict[str, Counts] = {}  # by affinity

    def __len__(self) -> int:
        """The number of conversations remembered."""
        return len(self._last)

    def memory(self, key: Key) -> Memory:
        """What is remembered of a conversation."""
        last = self._last.get(key)
        if last is None:
            return NOTHING_KNOWN
        if last.host is None:
            return Memory(None, HOST_FAILED, last.issuer)
        if self._clock() - last.ended > self._idle:
            return Memory(None, IDLE, last.issuer)
        return Memory(last.host, issuer=last.issuer)

    def turn(self, exchange: Exchange, found: Routed, catalog: Catalog) -> Turn | None:
        """What is known of a request's conversation; None if no rule keeps it at a host."""
        arrival, session = exchange.arrival, exchange.asked.session
        kept_on = arrival.dialect is None or arrival.dialect.name in KEPT_ON
        if found.route.affinity == "off" or not kept_on:
            return None
        models = found.route.names_sent(found.request.models)
        model = models[0]
        rows = _rows(found, models, catalog)
        digest = session_digest(session.key) if session else None
        if session is None or digest is None:
            return turn_of(found, None, NOTHING_KNOWN, rows)
        subagent = session_digest(session.subagent)
        memory = self.memory(Key(digest, subagent, model, arrival.caller))
        # OpenRouter sees one account, and must not take two callers' sessions for one.
        hint = session_digest(f"{arrival.caller}\0{session.key}") if arrival.caller else digest
        return turn_of(found, hint, memory, rows)

    def note(self, turn: Receipt, *, own: bool = False) -> None:
        """Note the end of a turn; one that ended before the last one known changes nothing.

        `own`: this process served it, and counts it.
        """
        if turn.session is None or turn.model_sent is None or turn.cache_status == "HIT":
            return
        served = _served(turn)
        if served is None and not _host_failed(turn):
            return
        key = Key(turn.session, turn.subagent, turn.model_sent, turn.caller)
        known = self._last.get(key)
        ended = turn.started_at.timestamp() + (turn.duration_ms or 0.0) / 1000
        if own and served is not None:
            self._count(turn, served, known)
        if known is not None and ended < known.ended <= self._clock() + _AHEAD:
            return
        if len(self._hosts) > self._most:  # shared where possible, and no more than that
            self._hosts.clear()
        host = None if served is None else self._hosts.setdefault(served, served)
        issuer = host or (known.issuer if known is not None else None)
        self._last[key] = _Last(host, issuer, ended, turn.prompt_tokens or 0)
        self._last.move_to_end(key)
        while len(self._last) > self._most:
            self._last.popitem(last=False)

    def _count(self, turn: Receipt, served: Host, known: _Last | None) -> None:
        """Add one answered turn, as `app/ledger/session_stats.py` does from the ledger."""
        counts = self.counts.setdefault(turn.affinity or "off", Counts())
        counts.turns += 1
        if known is None:
            return
        if known.issuer is not None:
            counts.flips += known.issuer.provider != served.provider
        began = turn.started_at.timestamp()
        if (
            turn.cached_tokens is not None
            and known.prompt >= LEAST
            and began - known.ended <= _WARM
        ):
            counts.followed += 1
            counts.cold += not turn.cached_tokens


def _rows(found: Routed, models: tuple[str, ...], catalog: Catalog) -> tuple[Endpoint, ...] | None:
    """The endpoints of every model that may answer; None if those of one are not known.

    A router lists none: the models that answer for it have them.
    """
    now = steady()
    meant = (*models, *models_of(found.request, found.presets))
    listed = [rows_of(catalog.listing(each), now) for each in meant]
    known = [rows for rows in listed if rows]
    if len(known) < len(listed):
        return None
    return known[0] if len(known) == 1 else tuple(chain.from_iterable(known))


def _served(turn: Receipt) -> Host | None:
    """The host that answered; None if none did, or it is not named."""
    failed = (turn.status or 0) >= _FIRST_ERROR_STATUS or turn.ending not in _ANSWERED
    if turn.provider is None or failed:
        return None
    return Host(turn.provider, turn.quantizations_listed)


def _host_failed(turn: Receipt) -> bool:
    """Whether a failure is the host's, and not the request's."""
    if turn.ending not in FAILED:
        return False
    status = turn.status or 0
    of_request = _FIRST_ERROR_STATUS <= status < _FIRST_OF_SERVER
    return not of_request or status in _OF_THE_HOST
