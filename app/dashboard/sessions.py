"""Who has signed in with a browser.

A session stands for a caller key that was shown once; its id is random, says nothing, and is kept
as a digest. Sessions live in memory: they are few, they end, and a restart ends them all.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_HOURS = 3600.0


@dataclass(frozen=True, slots=True)
class _Session:
    caller: str
    ends_at: float


class Sessions:
    """Sessions by their ids; the oldest makes room for the newest."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = 12 * _HOURS,
        capacity: int = 1000,
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._capacity = capacity
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    def begin(self, caller: str) -> str:
        """A new session's id."""
        session_id = secrets.token_urlsafe(32)
        while len(self._sessions) >= self._capacity:
            self._sessions.popitem(last=False)
        self._sessions[_digest(session_id)] = _Session(caller, self._clock() + self.seconds)
        return session_id

    def caller_of(self, session_id: str) -> str | None:
        """Whose session this is; None once it has ended, or if it never was one."""
        session = self._sessions.get(_digest(session_id))
        if session is None:
            return None
        if session.ends_at <= self._clock():
            self.end(session_id)
            return None
        return session.caller

    def end(self, session_id: str) -> None:
        """End a session, if there is one."""
        self._sessions.pop(_digest(session_id), None)


def _digest(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode()).digest()
