"""Keep: how much of the ledger is kept. PURE."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .spans import BLOCK, DAY, down, hour_of

_SPENDING_FOR = _HOURS_FOR = timedelta(days=62)
_DAYS_FOR = timedelta(days=800)


@dataclass(frozen=True, slots=True)
class Keep:
    """Limits by age and by size; without a limit, everything is kept.

    With a limit, receipts are deleted first. Their tallies stay: by the hour for 62 days, by the
    day for 800, and by thirty days for ever; or as long as receipts do, if that is longer. Audits
    stay for 800 days, their answers for 90. The listings that receipts were judged by have limits
    of their own.
    """

    age: timedelta | None = None
    megabytes: float | None = None  # of 10^6 bytes
    listings_age: timedelta | None = None
    listings_megabytes: float | None = None

    @property
    def is_limited(self) -> bool:
        """Whether anything is ever deleted."""
        return self != EVERYTHING_KEPT

    def first_hour(self, now: datetime) -> int:
        """The first hour whose tally stays; whole days are deleted at a time."""
        return down(hour_of(now - self._at_least(_HOURS_FOR)), DAY)

    def first_day(self, now: datetime) -> int:
        """The first day whose tally stays; whole blocks of thirty are deleted at a time."""
        return down(hour_of(now - self._at_least(_DAYS_FOR)), BLOCK)

    def first_spending(self, now: datetime) -> datetime:
        """The moment since which the spending of requests stays."""
        return now - self._at_least(_SPENDING_FOR)

    def _at_least(self, age: timedelta) -> timedelta:
        return max(self.age or age, age)


EVERYTHING_KEPT = Keep()
