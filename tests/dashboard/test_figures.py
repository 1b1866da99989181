"""Periods, tiles and bars."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.dashboard.figures import (
    PERIODS,
    Period,
    Tile,
    kept_tile,
    money_tiles,
    now_tiles,
    per_month,
    verdict_parts,
)
from app.ledger.stats import Verdicts
from app.ledger.wanted import read
from tests.dashboard.stats import figures

DASH = "\N{EN DASH}"
NARROW = "\N{NARROW NO-BREAK SPACE}"


def receipts(**filters: str | None) -> str:
    return str(filters)


@pytest.mark.parametrize("period", PERIODS)
def test_a_period_is_a_word_that_filters_read(period: Period) -> None:
    assert read({"since": period.word}).since is not None


def test_a_projection_is_thirty_days_at_the_pace_so_far() -> None:
    assert per_month(Decimal(2), timedelta(days=3)) == 20
    assert per_month(Decimal(2), timedelta(0)) is None


def test_the_tiles_of_now_say_how_things_stand() -> None:
    tiles = now_tiles(
        figures(
            requests=1200,
            errors=3,
            refused=2,
            kept=10,
            ttft=[200.0, 200.0, 900.0],
            cost="1.5",
            priced_tokens=1_000_000,
        ),
        receipts,
    )
    shown = {tile.label: (tile.value, tile.note.replace(NARROW, " ")) for tile in tiles}
    assert shown["Requests"] == ("1,200", "3 failed, 2 refused by Pointsman")
    assert shown["Policy kept"][1] == "all 10 judged"
    assert shown["Cost"] == ("$1.50", "$0.0015 per 1,000 tokens")
    assert shown["First token"][1].startswith("median; 95 of 100 within 0.")


def test_without_requests_nothing_is_claimed() -> None:
    shown = {
        tile.label: (tile.value, tile.note, tile.tone) for tile in now_tiles(figures(), receipts)
    }
    assert shown["Requests"] == ("0", "no failures, no refusals", "")
    assert shown["Policy kept"] == (DASH, "no answers judged yet", "")
    assert shown["First token"] == (DASH, "no measurements yet", "")
    assert shown["Cost"] == ("$0", "no cost yet", "")


@pytest.mark.parametrize(
    ("verdicts", "value", "tone"),
    [
        (Verdicts(kept=5), "100 %", "good"),
        (Verdicts(kept=3, unproven=1), "75.0 %", "unsure"),
        (Verdicts(kept=2, unproven=1, broken=1), "50.0 %", "bad"),
        (Verdicts(broken=1), "0 %", "bad"),
        (Verdicts(none=7), DASH, ""),
    ],
)
def test_one_broken_verdict_is_never_hidden_behind_a_good_share(
    verdicts: Verdicts, value: str, tone: str
) -> None:
    tile = kept_tile(verdicts, receipts)
    assert (tile.value.replace(NARROW, " "), tile.tone) == (value, tone)
    assert tile.tone != "bad" or f"{verdicts.broken} broken" in tile.note


def test_the_tiles_of_money_say_what_saves_and_what_wastes() -> None:
    tiles = money_tiles(
        figures(
            requests=1,
            prompt_tokens=1000,
            told_tokens=1000,
            cached_tokens=250,
            completion_tokens=20,
            priced_tokens=1020,
            cost="0.0102",
            flips=2,
            flip_tokens=600,
            flip="0.0006",
        ),
        timedelta(days=3),
        receipts,
    )
    by_label = {tile.label: tile for tile in tiles}
    assert by_label["Cost"] == Tile("Cost", "$0.010", "1 request", href="{}")
    assert by_label["At this pace"].value == "$0.10"
    assert by_label["At this pace"].note == "per month (30 days), from 3 days"
    assert by_label["Per 1,000 tokens"].value == "$0.010"
    assert by_label["From the cache"].value.replace(NARROW, " ") == "25.0 %"
    assert by_label["Provider flips"].note == "$0.00060 for 600 tokens that a cache had"
    assert by_label["Provider flips"].tone == "unsure"
    assert not money_tiles(figures(), timedelta(0), receipts)[-1].tone


def test_the_parts_of_a_verdict_bar_fill_it() -> None:
    parts = verdict_parts(Verdicts(kept=6, unproven=3, broken=1, none=90))
    assert [(part.kind, part.count) for part in parts] == [
        ("kept", 6),
        ("unproven", 3),
        ("broken", 1),
    ]
    assert sum(part.width for part in parts) == pytest.approx(100)
    assert parts[-1].start == pytest.approx(90)


def test_what_was_not_judged_has_no_bar() -> None:
    assert verdict_parts(Verdicts(none=3)) == ()
    assert [part.width for part in verdict_parts(Verdicts(broken=2))] == [100]
