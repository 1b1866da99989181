"""Windows: the hours, days, weeks and months of a calendar in one time zone. PURE.

Rule 1  Windows are fixed: they begin and end with the calendar, and don't roll with the clock.
Rule 2  The windows of one kind are without gaps and overlaps. A day has 23 or 25 hours where the
        clock is put forward or back; an hour that the clock shows twice is two windows.
Rule 3  Weeks begin on Monday.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from ..ledger.spender import bucket_of
from ..policy.budgets import Per

_EVER = (datetime.fromtimestamp(0, UTC), datetime(9999, 1, 1, tzinfo=UTC))


class Window(NamedTuple):
    """From `start` up to `end`, both in UTC; `first` is the number of its first quarter hour."""

    start: datetime
    end: datetime
    first: int


SESSION = Window(*_EVER, 0)  # it lasts as long as the session


class Calendar:
    """The windows in one time zone; the last one of each kind is remembered."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self._last: dict[Per, Window] = {"session": SESSION}

    def window(self, per: Per, moment: datetime) -> Window:
        """The window that contains a moment; `moment` is in UTC."""
        last = self._last.get(per)
        if last is not None and last.start <= moment < last.end:
            return last
        window = _window(per, moment, self.zone)
        self._last[per] = window
        return window

    def shown(self, moment: datetime) -> str:
        """A moment as ISO text in this time zone: 2026-11-29T00:00:00+01:00."""
        return moment.astimezone(self.zone).isoformat(timespec="seconds")


def _window(per: Per, moment: datetime, zone: tzinfo) -> Window:
    local = moment.astimezone(zone).replace(tzinfo=None)
    begin = _BEGINS[per](local)
    ends = _instants(_ENDS[per](begin), zone)
    if per == "hour":
        # Of an hour that comes twice, each is a window: the second begins where the first ends.
        begins = _instants(begin, zone)
        start = max((each for each in begins if each <= moment), default=begins[0])
        end = min(each for each in (*begins, *ends) if each > moment)
    else:
        start, end = _instants(begin, zone)[0], ends[0]
    return Window(start, end, bucket_of(start))


def _instants(local: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The moments at which clocks show a time: two if it comes twice.

    If it is left out, that is the moment at which clocks are put forward.
    """
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return (first, second) if second > first else (first,)


def _midnight(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _next_month(first: datetime) -> datetime:
    return (first + timedelta(days=31)).replace(day=1)


_BEGINS: Mapping[Per, Callable[[datetime], datetime]] = {
    "hour": lambda local: local.replace(minute=0, second=0, microsecond=0),
    "day": _midnight,
    "week": lambda local: _midnight(local) - timedelta(days=local.weekday()),
    "month": lambda local: _midnight(local).replace(day=1),
}
_ENDS: Mapping[Per, Callable[[datetime], datetime]] = {
    "hour": lambda begin: begin + timedelta(hours=1),
    "day": lambda begin: begin + timedelta(days=1),
    "week": lambda begin: begin + timedelta(days=7),
    "month": _next_month,
}
