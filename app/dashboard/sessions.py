"""The sessions of browsers that have signed in.

A session represents a caller key that was entered once; its id is random, contains no
information, and is stored as a digest. Sessions are kept in memory, or, if several workers share
them, in a folder that is deleted with the workers: they are few, they expire, and a restart ends
them all. On a PostgreSQL ledger, all replicas share them (`ledger_sessions`).
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MOST_SESSIONS = 1_000
SESSION_SECONDS = 12 * 3600.0


class Known(Protocol):
    """Sessions: in memory, in a folder, or on the ledger.

    Each method raises `SignInUnknown` if the ledger has the sessions and can't be used.
    """

    seconds: float

    async def begin(self, caller: str) -> str:
        """Begin a session and return its id."""
        ...

    async def caller_of(self, session_id: str) -> str | None:
        """Return the caller of a session; None if it has ended or never existed."""
        ...

    async def end(self, session_id: str) -> None:
        """End a session, if there is one."""


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
        seconds: float = SESSION_SECONDS,
        capacity: int = MOST_SESSIONS,
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._capacity = capacity
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()

    async def begin(self, caller: str) -> str:
        """Begin a session and return its id."""
        session_id = secrets.token_urlsafe(32)
        while len(self._sessions) >= self._capacity:
            self._sessions.popitem(last=False)
        self._sessions[digest_of(session_id)] = _Session(caller, self._clock() + self.seconds)
        return session_id

    async def caller_of(self, session_id: str) -> str | None:
        """Return the caller of a session; None if it has ended or never existed."""
        session = self._sessions.get(digest_of(session_id))
        if session is None:
            return None
        if session.ends_at <= self._clock():
            await self.end(session_id)
            return None
        return session.caller

    async def end(self, session_id: str) -> None:
        """End a session, if there is one."""
        self._sessions.pop(digest_of(session_id), None)


class SharedSessions:
    """The same for several workers: a file for each session, in a folder closed to other users."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,  # the same in every process of a machine
        seconds: float = SESSION_SECONDS,
        capacity: int = MOST_SESSIONS,
    ) -> None:
        self.seconds = seconds
        self._folder = folder
        self._clock = clock
        self._capacity = capacity

    async def begin(self, caller: str) -> str:
        """Begin a session and return its id."""
        session_id = secrets.token_urlsafe(32)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_room()
        ends_at = self._clock() + self.seconds
        self._file(session_id).write_text(f"{ends_at!r} {caller}", encoding="utf-8")
        return session_id

    async def caller_of(self, session_id: str) -> str | None:
        """Return the caller of a session; None if it has ended or never existed."""
        with suppress(OSError, ValueError):
            ends_at, _, caller = self._file(session_id).read_text(encoding="utf-8").partition(" ")
            if float(ends_at) > self._clock():
                return caller
            await self.end(session_id)
        return None

    async def end(self, session_id: str) -> None:
        """End a session, if there is one."""
        with suppress(OSError):
            self._file(session_id).unlink()

    def _file(self, session_id: str) -> Path:
        return self._folder / digest_of(session_id).hex()

    def _make_room(self) -> None:
        files = list(self._folder.iterdir())
        surplus = len(files) + 1 - self._capacity
        if surplus > 0:
            for file in sorted(files, key=_ends_at)[:surplus]:
                file.unlink(missing_ok=True)


def _ends_at(file: Path) -> float:
    """The end of a session by the monotonic clock; a file's own date is of the wall clock."""
    with suppress(OSError, ValueError):
        return float(file.read_text(encoding="utf-8").partition(" ")[0])
    return 0.0


def digest_of(session_id: str) -> bytes:
    """What is stored of a session's id."""
    return hashlib.sha256(session_id.encode()).digest()
