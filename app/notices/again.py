"""When a message that was not accepted is sent again. PURE.

Rule 1  The pauses double from 5 seconds to 10 minutes; each is shortened or lengthened by up to a
        quarter, so that several processes do not return at the same time.
Rule 2  After 12 tries, about an hour, it is given up. An answer that says the request itself is
        wrong, or a redirect, is not repeated.
Rule 3  A receiver that names a pause gets it, up to 10 minutes.
"""

import re
from typing import NamedTuple

MOST_TRIES = 12
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 600.0
_OK, _REDIRECT, _REFUSED, _THEIRS = 200, 300, 400, 500
_WORTH_REPEATING = frozenset({408, 409, 425, 429})


class Answer(NamedTuple):
    """What came back: a status, or why there is none; `wait` in seconds, if one was named."""

    status: int | None = None
    error: str = ""
    wait: float | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the message has arrived."""
        return self.status is not None and _OK <= self.status < _REDIRECT

    @property
    def is_final(self) -> bool:
        """Whether the same message would be refused again."""
        if self.status is None or self.status in _WORTH_REPEATING:
            return False
        return _REDIRECT <= self.status < _THEIRS

    def __str__(self) -> str:
        """Render in a few words."""
        if self.status is None:
            return self.error
        if _REDIRECT <= self.status < _REFUSED:
            return f"HTTP {self.status}, and redirects are not followed"
        return f"HTTP {self.status}"


def pause_after(answer: Answer, tries: int, random: float) -> float | None:
    """Seconds until the next try, after so many; None: there is none. `random` is from 0 to 1."""
    if answer.is_final or tries >= MOST_TRIES:
        return None
    pause = min(FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1), LONGEST_PAUSE_SECONDS)
    shaken = pause * (0.75 + random / 2)
    return max(shaken, min(answer.wait or 0.0, LONGEST_PAUSE_SECONDS))


def wait_of(retry_after: str | None) -> float | None:
    """The seconds in a `Retry-After` header; None for a date, or anything else."""
    return float(retry_after) if retry_after and re.fullmatch("[0-9]{1,6}", retry_after) else None
