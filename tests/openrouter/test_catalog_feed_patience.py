"""What needs a listing waits for it, if it is on its way, and not for long."""

import asyncio

import pytest

from app.openrouter.catalog_feed import CatalogFeed
from tests.openrouter.fakes import (
    MODEL,
    Upstream,
    tags,
    want,
)


async def test_what_needs_a_listing_goes_on_at_once_if_none_is_being_fetched(
    feed: CatalogFeed,
) -> None:
    done: list[object] = []
    feed.once_known(MODEL, lambda: done.append(tags(feed)), patience=60)
    await want(feed, MODEL)
    feed.once_known(MODEL, lambda: done.append(tags(feed)), patience=60)
    assert done == [None, ["novita/fp8"]]


@pytest.mark.parametrize("name", [MODEL, f"{MODEL}:nitro"])
async def test_what_needs_a_listing_waits_for_the_one_under_way(
    feed: CatalogFeed, upstream: Upstream, name: str
) -> None:
    done: list[object] = []
    upstream.go.clear()
    feed.want(MODEL)
    feed.once_known(name, lambda: done.append(tags(feed)), patience=60)
    await asyncio.sleep(0.01)
    assert done == []
    upstream.go.set()
    await feed.settled()
    await asyncio.sleep(0)
    assert done == [["novita/fp8"]]


async def test_what_needs_a_listing_loses_patience_and_goes_on_once(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    done: list[object] = []
    upstream.go.clear()
    feed.want(MODEL)
    feed.once_known(MODEL, lambda: done.append(tags(feed)), patience=0.01)
    await asyncio.sleep(0.05)
    assert done == [None]
    upstream.go.set()
    await feed.settled()
    await asyncio.sleep(0)
    assert done == [None]
