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
    waiting = feed.known(MODEL, patience=60)
    with pytest.raises(StopIteration):  # not one turn of the loop is needed
        waiting.send(None)
    await want(feed, MODEL)
    waiting = feed.known(MODEL, patience=60)
    with pytest.raises(StopIteration):
        waiting.send(None)
    assert tags(feed) == ["novita/fp8"]


@pytest.mark.parametrize("name", [MODEL, f"{MODEL}:nitro"])
async def test_what_needs_a_listing_waits_for_the_one_under_way(
    feed: CatalogFeed, upstream: Upstream, name: str
) -> None:
    upstream.go.clear()
    feed.want(MODEL)
    waiting = asyncio.create_task(feed.known(name, patience=60))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    upstream.go.set()
    await waiting
    assert tags(feed) == ["novita/fp8"]


async def test_what_needs_a_listing_loses_patience_and_the_fetch_goes_on(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    upstream.go.clear()
    feed.want(MODEL)
    await feed.known(MODEL, patience=0.01)
    assert tags(feed) is None
    upstream.go.set()
    await feed.settled()
    assert tags(feed) == ["novita/fp8"]
