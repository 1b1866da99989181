"""The ledger reads of one page, bounded to be quick for any number of receipts.

Rule 1  Figures come from tallies wherever these are sufficient.
Rule 2  Figures that need receipts are counted over the newest receipts of the requested time, and
        the page shows when these begin.
Rule 3  A chart shows the shortest time that has all the data of the requested time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ..ledger.attempts import FailedAttempt
from ..ledger.queries import Groupings
from ..ledger.receipt import Receipt, iso
from ..ledger.scorecard import Scorecard, Slug
from ..ledger.session_stats import Trail
from ..ledger.stats import Dimension, Series, Stats
from ..ledger.store import Store
from ..ledger.wanted import Wanted, is_glob
from .charts import span_with_data

MOST_COUNTED = 10_000  # receipts that are counted one by one
MOST_SCORED = 50_000  # receipts that are counted for the scorecard, by the database
MOST_LOOKED_AT = 50_000  # receipts that a list searches for matches
_POINTS = 30
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_FINE = timedelta(hours=2)  # the longest time that is drawn by the minute


class Reading:
    """Reads the `wanted` receipts, as of `now`."""

    def __init__(self, store: Store, wanted: Wanted, now: datetime) -> None:
        self._store = store
        self._asked = wanted
        self._now = now
        self._newest: Wanted | None = None

    @property
    def newest(self) -> Wanted:
        """The filters, limited to the newest receipts."""
        if self._newest is None:
            self._newest = _since(self._asked, self._store, MOST_COUNTED)
        return self._newest

    @property
    def wanted(self) -> Wanted:
        """The filters, within bounds."""
        return self.newest if self._asked.asks_more_than_tallies_know else self._asked

    @property
    def bound(self) -> str:
        """The ISO time from which receipts are counted, if not all of them are."""
        newest = self.newest
        return iso(newest.since) if newest.since and newest.since != self._asked.since else ""

    @property
    def note(self) -> str:
        """The same, if it applies to all figures of a page."""
        return self.bound if self._asked.asks_more_than_tallies_know else ""

    def stats(
        self, *groupings: Sequence[Dimension], distributions: bool = True
    ) -> tuple[Stats, ...]:
        """Stats for each grouping."""
        return self._store.stats_by(groupings, wanted=self.wanted, distributions=distributions)

    def details(self, *groupings: Sequence[Dimension]) -> tuple[Stats, ...]:
        """Stats by dimensions that need receipts, over the newest receipts."""
        return self._store.stats_by(groupings, wanted=self.newest, distributions=False)

    def series(
        self, *groupings: Sequence[Dimension], distributions: bool = False
    ) -> tuple[Series, ...]:
        """Series for each grouping, over the time that has data."""
        found = self._drawn(groupings, self.wanted, distributions=distributions)
        span = span_with_data(found[0])
        whole = found[0].bucket * len(found[0].starts)
        if span is None or (span[1] - span[0]) * 2 > whole:
            return found
        since = max(filter(None, (span[0], self.wanted.since)))
        narrow = replace(self.wanted, since=since, until=min(span[1], self._until))
        return self._drawn(groupings, narrow, distributions=distributions)

    def minutes(self) -> tuple[Series, ...]:
        """The total by the minute; for an hour or so."""
        return self._store.series_by(((),), wanted=self.wanted, points=60, now=self._now)

    def days(self) -> Series:
        """The total by the day, in UTC."""
        since = self.wanted.since or self._now - _DAY
        first = since.replace(hour=0, minute=0, second=0, microsecond=0)
        points = -(-(self._until - first) // _DAY)
        (found,) = self._store.series_by(
            ((),), wanted=replace(self.wanted, since=first), points=max(points, 1), now=self._now
        )
        return found

    def attempts(self) -> Mapping[FailedAttempt, int]:
        """Failed attempts, on the newest receipts."""
        return self._store.failed_attempts(self.newest)

    def session_trails(self, most: int) -> tuple[Trail, ...]:
        """The most costly sessions with their last turns, of the newest receipts."""
        return self._store.session_trails(self.newest, most=most)

    def scorecard(self, slug: Slug) -> Scorecard:
        """How often each host was at fault, on the newest receipts."""
        return self._store.scorecard(slug=slug, wanted=self._asked, most=MOST_SCORED)

    @property
    def _until(self) -> datetime:
        return min(self._asked.until or self._now, self._now)

    def _drawn(
        self, groupings: Groupings, wanted: Wanted, *, distributions: bool
    ) -> tuple[Series, ...]:
        length = self._until - (wanted.since or self._now - _HOUR)
        # By the minute receipts are read one by one: for short times only.
        hours = max(-(-length // _HOUR), 1)
        points = _POINTS if length <= _FINE else min(_POINTS, hours)
        return self._store.series_by(
            groupings, wanted=wanted, points=points, distributions=distributions, now=self._now
        )


def last_hour(wanted: Wanted, now: datetime) -> Wanted:
    """The same filters for the last hour."""
    return replace(wanted, since=now - _HOUR, until=None)


def listed(
    store: Store, wanted: Wanted, *, limit: int, before: str | None, after: str | None
) -> tuple[list[Receipt], datetime | None]:
    """A page of receipts; and the start of the search, if older receipts may match as well.

    A filter without an index is applied to a bounded number of receipts only.
    """
    bounded = wanted
    if _has_no_index(wanted) and before is None and after is None:
        bounded = _since(wanted, store, MOST_LOOKED_AT)
    found = store.recent(bounded, limit=limit, before=before, after=after)
    cut = bounded.since != wanted.since and len(found) < limit
    return found, bounded.since if cut else None


def _has_no_index(wanted: Wanted) -> bool:
    glob = wanted.model is not None and is_glob(wanted.model)
    rare = wanted.rule is not None or wanted.quantization is not None
    return glob or rare or wanted.asks_more_than_tallies_know


def _since(wanted: Wanted, store: Store, count: int) -> Wanted:
    begin = store.begin_of_newest(count, wanted)
    return wanted if begin is None else replace(wanted, since=begin)
