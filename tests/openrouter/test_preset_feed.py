"""Presets are read once for each key, and never stand in the way of a request for long."""

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from app.catalog.preset import Preset, Unusable
from app.errors import UpstreamTimeout
from app.openrouter.preset_feed import PresetFeed
from tests.openrouter.fakes import Clock

if TYPE_CHECKING:
    from collections.abc import Callable


def body(version: int = 1) -> bytes:
    designated = {"version": version, "config": {"provider": {"zdr": True}}}
    return json.dumps({"data": {"status": "active", "designated_version": designated}}).encode()


class Upstream:
    """Answers as told, and keeps what was asked, with which key."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answer: Callable[[], tuple[int, bytes]] = lambda: (200, body())
        self.go = asyncio.Event()
        self.go.set()

    async def get(self, path: str, key: str) -> tuple[int, bytes]:
        self.asked.append((path, key))
        await self.go.wait()
        return self.answer()


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed(upstream: Upstream, clock: Clock) -> PresetFeed:
    return PresetFeed(upstream.get, clock=clock, patience=0.2, capacity=3)


async def version(feed: PresetFeed, slug: str = "mine", key: str = "k1") -> int | str | None:
    read = (await feed.known([slug], key))[slug]
    return read.version if isinstance(read, Preset) else read.why


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_preset_is_read_once_and_then_known(feed: PresetFeed, upstream: Upstream) -> None:
    upstream.go.clear()
    both = asyncio.gather(version(feed), version(feed))
    await settle()
    upstream.go.set()
    assert list(await both) == [1, 1]
    assert await version(feed) == 1
    assert upstream.asked == [("/presets/mine", "k1")]


async def test_each_key_has_presets_of_its_own(feed: PresetFeed, upstream: Upstream) -> None:
    assert await version(feed, key="k1") == 1
    upstream.answer = lambda: (200, body(7))
    assert await version(feed, key="k2") == 7
    assert await version(feed, key="k1") == 1
    assert [key for _, key in upstream.asked] == ["k1", "k2"]


async def test_an_older_one_is_read_again_beside_the_request(
    feed: PresetFeed, upstream: Upstream, clock: Clock
) -> None:
    await version(feed)
    upstream.answer = lambda: (200, body(2))
    clock.now += 61
    assert await version(feed) == 1
    await settle()
    assert await version(feed) == 2
    assert len(upstream.asked) == 2


async def test_stale_beats_absent_but_gone_is_gone(
    feed: PresetFeed, upstream: Upstream, clock: Clock
) -> None:
    await version(feed)

    def fails() -> tuple[int, bytes]:
        raise UpstreamTimeout("slow")

    for answer in (fails, lambda: (500, b"")):
        upstream.answer = answer
        clock.now += 61
        await version(feed)
        await settle()
        assert await version(feed) == 1
    upstream.answer = lambda: (404, b"")
    clock.now += 61
    await version(feed)
    await settle()
    assert await version(feed) == "the API key has no preset of that name"


async def test_what_can_not_be_read_is_not_asked_for_at_once_again(
    feed: PresetFeed, upstream: Upstream, clock: Clock
) -> None:
    upstream.answer = lambda: (503, b"")
    why = "OpenRouter answered 503"
    assert [await version(feed) for _ in range(3)] == [why] * 3
    assert len(upstream.asked) == 1
    upstream.answer = lambda: (200, body(4))
    clock.now += 11
    await version(feed)
    await settle()
    assert await version(feed) == 4


async def test_a_request_does_not_wait_for_ever(feed: PresetFeed, upstream: Upstream) -> None:
    upstream.go.clear()
    assert await version(feed) == "OpenRouter did not return it within 0.2 s"
    upstream.go.set()
    await settle()
    assert await version(feed) == 1
    await feed.close()


async def test_nothing_but_a_name_becomes_part_of_a_path(
    feed: PresetFeed, upstream: Upstream
) -> None:
    for slug in ("../../key", "", "a/b", "x" * 200):
        assert await version(feed, slug) == "that is not a valid preset name"
    assert upstream.asked == []


async def test_presets_are_few_in_a_request_and_in_memory(
    feed: PresetFeed, upstream: Upstream
) -> None:
    many = await feed.known([f"p{n}" for n in range(1000)], "k1")
    assert sum(isinstance(each, Unusable) for each in many.values()) == 992
    assert len(upstream.asked) == 8
    assert await version(feed, "p7") == 1
    assert len(upstream.asked) == 8
    assert await version(feed, "p0") == 1
    assert len(upstream.asked) == 9  # it had been forgotten
