"""Stats: the very figures that counting the receipts one by one gives, from far fewer rows."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from app.ledger.receipt import Receipt
from app.ledger.stats import DIMENSIONS, Dimension, Figures
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from tests.ledger.receipts import START, receipt
from tests.ledger.traffic import group_of, sums, traffic, within

RECEIPTS = traffic(400, days=70)
_END = START + timedelta(days=70)


@pytest.fixture
def busy(store: Store) -> Store:
    """A ledger with some months in it, written in batches."""
    for first in range(0, len(RECEIPTS), 150):
        store.write(RECEIPTS[first : first + 150])
    return store


def named(figures: Figures, like: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in like}


@pytest.mark.parametrize("by", [(), *((one,) for one in DIMENSIONS), DIMENSIONS], ids=str)
def test_groups_add_up_to_what_their_receipts_do(busy: Store, by: tuple[Dimension, ...]) -> None:
    expected = defaultdict(list)
    for one in RECEIPTS:
        groups: list[tuple[str | None, ...]] = [()]
        for name in by:
            groups = [(*group, each) for group in groups for each in group_of(one, name)]
        for group in groups:
            expected[group].append(one)
    found = busy.stats(by=by)
    assert {one.names: named(one.figures, sums([])) for one in found.groups} == {
        group: sums(receipts) for group, receipts in expected.items()
    }
    assert named(found.total, sums([])) == sums(RECEIPTS)
    counts = [group.figures.requests for group in found.groups]
    assert counts == sorted(counts, reverse=True)
    for each in found.groups:
        assert each.share == pytest.approx(each.figures.requests / len(RECEIPTS))


EDGES = (
    (None, None),
    (timedelta(minutes=-7), None),  # before the first
    (timedelta(hours=5, minutes=17, seconds=3.127), None),
    (None, timedelta(days=63, minutes=1)),
    (timedelta(days=3, minutes=1), timedelta(days=68, hours=4)),
    (timedelta(days=9, seconds=-3), timedelta(days=9, seconds=1200)),
    (timedelta(days=9), timedelta(days=9, minutes=2)),  # within one hour
    (timedelta(days=9), timedelta(days=9)),
    (timedelta(days=9), timedelta(days=8)),
    (timedelta(minutes=29, seconds=59.875), timedelta(hours=6, minutes=29, seconds=59.875)),
    (timedelta(days=80), None),
)


@pytest.mark.parametrize(("since", "until"), EDGES, ids=str)
def test_any_stretch_of_time_is_counted_to_the_millisecond(
    busy: Store, since: timedelta | None, until: timedelta | None
) -> None:
    wanted = Wanted(
        since=None if since is None else START + since,
        until=None if until is None else START + until,
    )
    found = busy.stats(by=("provider",), wanted=wanted)
    expected = list(within(RECEIPTS, wanted.since, wanted.until))
    assert named(found.total, sums([])) == sums(expected)
    assert {one.names[0]: one.figures.requests for one in found.groups} == Counter(
        one.provider for one in expected
    )
    assert (found.since, found.until) == (wanted.since, wanted.until)


@pytest.mark.parametrize(
    "filters",
    [
        {"provider": "novita"},
        {"model": "moonshotai/kimi-k2", "caller": "aider"},
        {"verdict": "broken"},
        {"verdict": "none"},
        {"provider": "provider not named"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "since", [None, START + timedelta(days=30, minutes=5)], ids=["all", "part"]
)
def test_filters_hold_for_tallies_and_for_receipts_at_the_edges(
    busy: Store, filters: dict[str, Any], since: datetime | None
) -> None:
    def fits(one: Receipt) -> bool:
        has = {
            "provider": one.provider,
            "model": one.model_asked,
            "caller": one.caller,
            "verdict": one.verdict or "none",
        }
        return all(has[name] == value for name, value in filters.items())

    expected = [one for one in within(RECEIPTS, since, None) if fits(one)]
    found = busy.stats(wanted=Wanted(since=since, **filters))
    assert named(found.total, sums([])) == sums(expected)


def test_percentiles_are_within_a_tenth_of_those_of_all_values(busy: Store) -> None:
    for group in busy.stats(by=("provider",)).groups:
        these = [one for one in RECEIPTS if one.provider == group.names[0]]
        waits = sorted(one.ttft_ms for one in these if one.ttft_ms is not None)
        speeds = sorted(one.tokens_per_second for one in these if one.tokens_per_second)
        if group.names[0] is None:
            assert group.figures.ttft_p50_ms is None
            continue
        exact = (waits[len(waits) // 2], waits[int(len(waits) * 0.95)], speeds[len(speeds) // 2])
        found = group.figures
        assert (
            found.ttft_p50_ms,
            found.ttft_p95_ms,
            found.tokens_per_second_p50,
        ) == pytest.approx(exact, rel=0.1)


def test_verdicts_are_counted(busy: Store) -> None:
    found = busy.stats().total.verdicts
    counted = Counter(one.verdict for one in RECEIPTS)
    assert (found.kept, found.broken, found.unproven, found.none) == (
        *(counted[word] for word in ("kept", "broken", "unproven")),
        counted[None],
    )


def test_an_empty_ledger_has_empty_stats(store: Store) -> None:
    found = store.stats(by=("provider",), wanted=Wanted(since=START))
    assert (found.groups, found.total) == ((), Figures())
    assert found.total.error_rate is None
    assert found.total.cost_per_1k_tokens is None
    assert store.series(by=("provider",), now=START).lines == ()


def test_a_receipt_written_twice_counts_once(store: Store) -> None:
    """As when the connection broke just after the first write went through."""
    one, other = receipt(1), receipt(2)
    store.write([one, one])
    store.write([one, other])
    assert store.stats().total.requests == 2


def test_a_batch_may_touch_any_number_of_tallies(store: Store) -> None:
    months = traffic(1200, days=200)
    for half in (months[::2], months[1::2]):
        store.write(half)
    total = store.stats().total
    assert named(total, sums([])) == sums(months)
    assert total.ttft.count == sum(one.ttft_ms is not None for one in months)


def test_stats_and_receipts_agree_however_the_batches_fell(store: Store) -> None:
    for one in RECEIPTS[:60]:
        store.write([one])
    store.write(RECEIPTS[60:200])
    by = get_args(Dimension)
    again = store.stats(by=by)
    assert named(again.total, sums([])) == sums(RECEIPTS[:200])
    assert again.total.ttft.count == sum(one.ttft_ms is not None for one in RECEIPTS[:200])


def test_series_have_a_point_for_every_bucket_and_add_up(busy: Store) -> None:
    for points, distributions in ((120, False), (75, True), (3, False)):
        found = busy.series(by=("provider",), points=points, now=_END, distributions=distributions)
        assert len(found.starts) <= points + 1
        assert sum(point.requests for point in found.total) == len(RECEIPTS)
        assert {
            later - one for one, later in zip(found.starts, found.starts[1:], strict=False)
        } == {found.bucket}
        for start, point in zip(found.starts, found.total, strict=True):
            expected = within(RECEIPTS, start, start + found.bucket)
            assert named(point, sums([])) == sums(expected)
        for line in found.lines:
            assert len(line.points) == len(line.shares) == len(found.starts)
        for shares in zip(*(line.shares for line in found.lines), strict=True):
            assert sum(shares) == pytest.approx(1.0 if sum(shares) else 0.0)
        has_spread = any(point.ttft_p50_ms for point in found.total)
        assert has_spread == distributions


def test_series_over_a_short_time_go_by_the_minute(busy: Store) -> None:
    busy.write([receipt(60 * minute, ttft_ms=100.0) for minute in range(30)])
    found = busy.series(
        wanted=Wanted(since=START, until=START + timedelta(minutes=30)), points=60, now=_END
    )
    assert found.bucket == timedelta(minutes=1)
    assert len(found.starts) == 31  # START lies within a minute
    assert sum(point.requests for point in found.total) >= 30
    assert found.total[0].ttft_p50_ms == pytest.approx(100, rel=0.1)
