"""What callers may make the feed do: a few fetches at once, of slugs only, a bounded memory."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.errors import UpstreamGarbage, UpstreamTimeout
from app.openrouter.catalog_feed import CatalogFeed
from app.openrouter.client import OpenRouter, RawHeaders
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


def rows(count: int, padding: int = 0) -> dict[str, object]:
    row = {"provider_name": "Novita", "quantization": "fp8", "x": "y" * padding}
    return {"data": {"endpoints": [{**row, "tag": f"novita/{number}"} for number in range(count)]}}


@pytest.mark.parametrize(
    "body",
    [
        rows(1001),
        rows(400, padding=11_000),
        {"data": {"endpoints": [[0] * 1_000_001]}},
        {"data": {"endpoints": {}}},
        [],
    ],
    ids=["rows", "bytes", "values", "shape", "list"],
)
async def test_a_listing_beyond_a_bound_is_none_and_the_last_one_stays(
    feed: CatalogFeed, upstream: Upstream, clock: Clock, body: object
) -> None:
    await want(feed, MODEL)
    clock.now += 1800
    upstream.tell(LISTING, body)
    await want(feed, MODEL)
    assert tags(feed) == ["novita/fp8"]
    clock.now += 30
    asked = upstream.asked.count(LISTING)
    await want(feed, MODEL)
    assert upstream.asked.count(LISTING) == asked, "a failure is not repeated for a minute"


async def test_heavy_listings_are_forgotten_sooner(upstream: Upstream, clock: Clock) -> None:
    feed = CatalogFeed(upstream.get, clock=clock, heaviest=300_000)
    for number in range(20):
        upstream.tell(f"/models/a/{number}/endpoints", rows(10, padding=5_000))
        await want(feed, f"a/{number}")
    assert len(feed.current.listings) == 5
    assert "a/19" in feed.current.listings


async def test_models_that_are_listed_no_more_are_known_no_more(
    feed: CatalogFeed, upstream: Upstream, clock: Clock
) -> None:
    """Lists of ever new models would gather without end."""
    for number in range(5):
        upstream.tell(LIST, {"data": [{"id": f"a/{number}", "canonical_slug": f"a/{number}-1"}]})
        await want(feed, MODEL)
        clock.now += 1800
    assert set(feed.current.models) == {"a/4"}
    assert feed.current.id_of("a/4-1") == "a/4"
    assert feed.current.id_of("a/3-1") is None
    assert tags(feed) == ["novita/fp8"]


async def test_the_longest_list_is_read_beside_the_loop(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    """On the loop it is a handful of turns, one of a third of a second; beside it, thousands."""
    padding = {"description": "y" * 600, "context_length": 131072, "pricing": {"prompt": 1e-7}}
    models = [{"id": f"a/{number}", **padding} for number in range(19_000)]
    upstream.tell(LIST, {"data": models})
    upstream.tell(LISTING, rows(1000, padding=3_000))
    feed.want(MODEL)
    turns = 0
    while feed._fetches:  # noqa: SLF001 - to watch the loop meanwhile
        await asyncio.sleep(0)
        turns += 1
    assert len(feed.current.models) == 19_000
    assert len(tags(feed) or ()) == 1000
    assert turns > 50


class Flood:
    """An answer without end."""

    status = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    closed = False

    def __init__(self, pause: float = 0.0) -> None:
        self._pause = pause

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(self._pause)
            yield b"x" * 65_536

    async def aclose(self) -> None:
        self.closed = True


class Flooding:
    """A transport whose every answer has no end."""

    def __init__(self, *, by_scope: bool, pause: float) -> None:
        self.cancel_by_scope = by_scope
        self.answer = Flood(pause)

    async def send(self, method: str, target: str, headers: RawHeaders, body: bytes) -> Any:
        del method, target, headers, body
        return self.answer

    async def aclose(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("by_scope", [True, False])
async def test_an_answer_without_end_is_given_up_and_closed(*, by_scope: bool) -> None:
    transport = Flooding(by_scope=by_scope, pause=0)
    with pytest.raises(UpstreamGarbage, match="exceeds 16 MB"):
        await OpenRouter("http://u", transport).get("/models", [])
    assert transport.answer.closed


@pytest.mark.parametrize("by_scope", [True, False])
async def test_an_answer_that_drips_is_given_up_and_closed(*, by_scope: bool) -> None:
    transport = Flooding(by_scope=by_scope, pause=0.02)
    client = OpenRouter("http://u", transport)
    with pytest.raises(
        UpstreamTimeout, match=r"http://u/models did not complete its answer within 0\.1 s"
    ):
        await client.fetch("GET", "/models?x=secret", [], seconds=0.1)
    assert transport.answer.closed
