"""Sessions on a ledger that replicas share: each is valid at all of them, until it is ended at one.

Loaded only with a PostgreSQL ledger. The ledger is asked in worker threads, by a few requests at
once, and an answer holds for half a second: so long may another replica's sign-out take.
"""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Protocol, TypeVar

from ..errors import LedgerError, SignInUnknown
from ..ledger.sign_ins import SignedIn
from .sessions import MOST_SESSIONS, SESSION_SECONDS, digest_of

T = TypeVar("T")
ProofOf = Callable[[str, str], str | None]

_HOLDS_SECONDS = 0.5
_MOST_HELD = 200
_AT_ONCE = 2  # threads that wait for the ledger, while others serve


class Ledger(Protocol):
    """The part of the store that keeps sign-ins."""

    def begin_sign_in(self, new: SignedIn, now: datetime, /, *, most: int) -> None:
        """Keep a sign-in."""
        ...

    def sign_in(self, digest: str, now: datetime, /) -> SignedIn | None:
        """Return the sign-in of a session."""
        ...

    def end_sign_in(self, digest: str, /) -> None:
        """End a session."""
        ...


class LedgerSessions:
    """The sessions of all replicas on one ledger."""

    def __init__(
        self,
        ledger: Callable[[], Ledger],
        proof_of: ProofOf,
        *,
        clock: Callable[[], float],
        seconds: float = SESSION_SECONDS,
        capacity: int = MOST_SESSIONS,
    ) -> None:
        """`proof_of` proves a session's id by its caller's key; None: there is no such caller.

        `clock` is in seconds since the epoch.
        """
        self.seconds = seconds
        self._ledger = ledger
        self._proof_of = proof_of
        self._clock = clock
        self._capacity = capacity
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._held: OrderedDict[str, tuple[SignedIn, float]] = OrderedDict()

    async def begin(self, caller: str) -> str:
        """Begin a session and return its id."""
        session_id = secrets.token_urlsafe(32)
        proof = self._proof_of(caller, session_id) or ""  # no session of an unknown caller is valid
        now = self._now()
        new = SignedIn(_digest(session_id), caller, proof, now + timedelta(seconds=self.seconds))
        await self._ask(lambda ledger: ledger.begin_sign_in(new, now, most=self._capacity))
        return session_id

    async def caller_of(self, session_id: str) -> str | None:
        """Return the caller of a session; None if it has ended, or its caller's key has changed."""
        found = await self._found(_digest(session_id))
        if found is None:
            return None
        proof = self._proof_of(found.caller, session_id)
        return found.caller if proof and compare_digest(proof, found.proof) else None

    async def end(self, session_id: str) -> None:
        """End a session, if there is one."""
        digest = _digest(session_id)
        await self._ask(lambda ledger: ledger.end_sign_in(digest))
        self._held.pop(digest, None)

    async def _found(self, digest: str) -> SignedIn | None:
        """The sign-in, as the ledger has it now or had it within the last half second."""
        held, asked, now = self._held.pop(digest, None), time.monotonic(), self._now()
        if held is not None and asked < held[1] and now < held[0].ends_at:
            self._held[digest] = held
            return held[0]
        found = await self._ask(lambda ledger: ledger.sign_in(digest, now))
        if found is not None:
            self._held[digest] = (found, asked + _HOLDS_SECONDS)
            while len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)
        return found

    async def _ask(self, question: Callable[[Ledger], T]) -> T:
        """Ask the ledger in a thread. Raises `SignInUnknown`."""
        async with self._turns:
            try:
                return await asyncio.to_thread(lambda: question(self._ledger()))
            except LedgerError as error:
                raise SignInUnknown(
                    f"signing in needs the ledger, and it does not answer: {error}; try again"
                ) from error

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _digest(session_id: str) -> str:
    return digest_of(session_id).hex()
