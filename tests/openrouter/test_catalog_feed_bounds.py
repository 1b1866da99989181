"""What callers may make the feed do: a few fetches at once, of slugs only, a bounded memory."""

import asyncio

import pytest

from app.openrouter.catalog_feed import CatalogFeed
from tests.openrouter.fakes import (
    LIST,
    LISTING,
    MODEL,
    Clock,
    Upstream,
    listing_of,
    tags,
    want,
)


@pytest.mark.parametrize(
    "model",
    [
        "",
        "gpt-4o",
        "@preset/mine",
        "../../credits",
        "a/../../credits",
        "a/b/c",
        "a/b?x=1",
        "a/b#c",
        "a/b%2f..",
        "a/b\r\nhost: evil",
        "a/b\n",
        "a/bé",
        "a/" + "b" * 10_000,
        "a/b:" + "c" * 10_000,
        "a/b:c/../d",
        "a/.b",
    ],
    ids=lambda name: repr(name[:20]),
)
async def test_a_name_that_is_no_slug_never_becomes_a_path(
    feed: CatalogFeed, upstream: Upstream, model: str
) -> None:
    await want(feed, model)
    assert set(upstream.asked) <= {LIST, "/models/a/b/endpoints"}


async def test_what_is_wanted_by_nobody_for_longest_is_forgotten_first(
    upstream: Upstream, clock: Clock
) -> None:
    feed = CatalogFeed(upstream.get, clock=clock, capacity=3)  # the list of models, and two more
    for name in ("a/one", "a/two", "a/three"):
        upstream.tell(f"/models/{name}/endpoints", listing_of("novita"))
    await want(feed, "a/one")
    await want(feed, "a/two")
    clock.now += 1800
    await want(feed, "a/one")  # renewed, and so wanted later than the other
    await want(feed, "a/three")
    assert [tags(feed, f"a/{name}") for name in ("one", "two", "three")] == [
        ["novita"],
        None,
        ["novita"],
    ]
    assert set(feed.current.listings) == {"a/one", "a/three"}


async def test_a_thousand_models_leave_no_more_than_fit(upstream: Upstream, clock: Clock) -> None:
    feed = CatalogFeed(upstream.get, clock=clock, capacity=20)
    for number in range(200):
        upstream.tell(f"/models/a/{number}/endpoints", listing_of("novita"))
        await want(feed, f"a/{number}")
    assert len(feed.current.listings) == 19
    assert "a/199" in feed.current.listings


async def test_few_fetches_at_once_and_what_did_not_fit_is_fetched_when_wanted_again(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    upstream.go.clear()
    models = [f"a/{number}" for number in range(50)]
    for model in models:
        feed.want(model)
    await asyncio.sleep(0)
    assert len(upstream.asked) == 8
    upstream.go.set()
    await feed.settled()
    await want(feed, "a/49")
    assert upstream.asked[-1] == "/models/a/49/endpoints"


async def test_a_fetch_under_way_is_not_forgotten_and_begun_twice(
    upstream: Upstream, clock: Clock
) -> None:
    feed = CatalogFeed(upstream.get, clock=clock, capacity=1)
    upstream.go.clear()
    for model in (MODEL, "a/two", "a/three", MODEL):
        feed.want(model)
        await asyncio.sleep(0)
    assert upstream.asked.count(LISTING) == 1
    upstream.go.set()
    await feed.settled()
