"""An event loop that stands still is seen, and where."""

import asyncio
import logging
import threading
import time
from types import FrameType

import pytest

from app.telemetry.stalls import Stalls, places_of


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def ticked(stalls: Stalls, clock: Clock, *gaps: float) -> None:
    for gap in gaps:
        clock.now += gap
        stalls.tick(0.1)


def test_the_longest_stall_is_what_a_tick_is_late_by() -> None:
    clock = Clock()
    stalls = Stalls(clock=clock)
    assert stalls.longest == 0
    ticked(stalls, clock, 5.0, 0.1, 0.35, 0.1, 0.2)  # the first tick is not late, whenever it comes
    assert stalls.longest == pytest.approx(0.25)


def test_a_stall_is_remembered_for_a_minute_or_two() -> None:
    """A gauge that each scrape set back would show it to one of several only."""
    clock = Clock()
    stalls = Stalls(clock=clock)
    ticked(stalls, clock, 0.1, 0.6)
    clock.now += 61
    assert stalls.longest == pytest.approx(0.5)
    clock.now += 60
    assert stalls.longest == 0
    ticked(stalls, clock, 0.1)
    clock.now += 600
    assert stalls.longest == 0


def hold_up(seconds: float) -> None:
    secret = "a value that is nobody's business"
    time.sleep(seconds)
    assert secret


async def test_a_stall_over_a_second_is_told_once_with_the_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stalls = Stalls()
    with stalls.watched():
        stalls.tick(0.1)
        await asyncio.sleep(0.1)
        stalls.tick(0.1)
        hold_up(1.4)
        stalls.tick(0.1)
        for _ in range(3):
            await asyncio.sleep(0.1)
            stalls.tick(0.1)
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    told = record.getMessage()
    assert "the event loop was blocked for 1." in told
    assert "tests/telemetry/test_stalls.py:" in told
    assert " in hold_up < " in told
    assert "secret" not in told
    assert "business" not in told
    assert 1.2 < stalls.longest < 3


async def test_a_stall_that_nobody_watched_is_told_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    ticked(Stalls(clock=clock), clock, 0.1, 2.1)
    assert "was blocked for 2.0 s" in caplog.text
    assert "an unknown place" in caplog.text


def test_the_watch_looks_at_nothing_while_ticks_come(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def frames() -> dict[int, FrameType]:
        looks.append(1)
        return {}

    monkeypatch.setattr("sys._current_frames", frames)
    stalls = Stalls()
    with stalls.watched():
        for _ in range(15):
            stalls.tick(0.1)
            time.sleep(0.1)
    assert not looks
    assert "stalls" not in {thread.name for thread in threading.enumerate()}


def test_places_are_few_and_relative() -> None:
    def deep(levels: int) -> tuple[str, ...]:
        import sys  # noqa: PLC0415

        return deep(levels - 1) if levels else places_of(sys._getframe())  # noqa: SLF001

    places = deep(30)
    assert len(places) == 8
    assert all(place.startswith("tests/telemetry/test_stalls.py:") for place in places)
    assert places_of(None) == ()
