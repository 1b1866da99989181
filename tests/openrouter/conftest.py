"""A feed in front of an upstream that does as it is told."""

from collections.abc import AsyncIterator

import pytest

from app.openrouter.catalog_feed import CatalogFeed
from tests.openrouter.fakes import Clock, Upstream


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def feed(upstream: Upstream, clock: Clock) -> AsyncIterator[CatalogFeed]:
    feed = CatalogFeed(upstream.get, clock=clock, renew_after=1800, retry_after=60)
    yield feed
    await feed.close()
