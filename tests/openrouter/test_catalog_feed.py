"""The feed: fresh where it can be, stale where it must be, never in a request's way."""

import asyncio
import json
import time

import pytest

from app.errors import UpstreamTimeout, UpstreamUnreachable
from app.openrouter.catalog_feed import CatalogFeed
from tests.openrouter.fakes import (
    LIST,
    LISTING,
    MODEL,
    MODELS_BODY,
    Answer,
    Clock,
    Upstream,
    listing_of,
    tags,
    want,
)


async def test_nothing_is_fetched_before_a_model_is_wanted(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    await feed.settled()
    assert upstream.asked == []
    assert feed.models_list is None


async def test_a_wanted_model_is_fetched_with_its_date(
    feed: CatalogFeed, upstream: Upstream, clock: Clock
) -> None:
    await want(feed, MODEL)
    assert upstream.asked == [LIST, LISTING]
    assert tags(feed) == ["novita/fp8"]
    assert feed.current.listings[MODEL].fetched_at == clock.now
    assert feed.current.published(MODEL) is True
    assert feed.models_list == json.dumps(MODELS_BODY).encode()


async def test_wanting_never_waits_for_upstream(feed: CatalogFeed, upstream: Upstream) -> None:
    upstream.go.clear()
    before = time.process_time()
    for _ in range(1000):
        feed.want(MODEL)
    assert time.process_time() - before < 0.5
    assert upstream.asked == []  # not even begun: that is the event loop's next turn


async def test_one_fetch_at_a_time_for_each_model(feed: CatalogFeed, upstream: Upstream) -> None:
    upstream.go.clear()
    for _ in range(3):
        feed.want(MODEL)
        feed.want(f"{MODEL}:nitro")
        await asyncio.sleep(0)
    upstream.go.set()
    await feed.settled()
    assert sorted(upstream.asked) == [LIST, LISTING]


@pytest.mark.parametrize(("seconds", "fetches"), [(0, 1), (1799, 1), (1800, 2), (10 * 1800, 2)])
async def test_a_listing_is_renewed_once_it_is_old(
    feed: CatalogFeed, upstream: Upstream, clock: Clock, seconds: float, fetches: int
) -> None:
    await want(feed, MODEL)
    upstream.tell(LISTING, listing_of("novita/fp8", "deepinfra"))
    clock.now += seconds
    await want(feed, MODEL)
    assert upstream.asked.count(LISTING) == fetches
    assert len(tags(feed) or ()) == fetches


FAILURES: dict[str, Answer] = {
    "unreachable": UpstreamUnreachable("no route"),
    "timeout": UpstreamTimeout("too slow"),
    "404": (404, b'{"error": {"code": 404}}'),
    "429": (429, b"{}"),
    "500 with a listing": (500, json.dumps(listing_of("evil")).encode()),
    "no JSON": (200, b"<html>"),
    "nothing": (200, b""),
    "cut": (200, b'{"data": {"endpoints": ['),
    "not UTF-8": (200, b'{"data": "\xff"}'),
    "nested without end": (200, b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "a list": (200, b"[]"),
    "an error with 200": (200, b'{"error": {"code": 500}}'),
    "data of another type": (200, b'{"data": 5}'),
    "no rows": (200, b'{"data": {"endpoints": null}}'),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
async def test_a_failure_is_tried_again_after_a_while_and_stale_beats_absent(
    feed: CatalogFeed, upstream: Upstream, clock: Clock, failure: Answer
) -> None:
    await want(feed, MODEL)
    fetched_at, listed = clock.now, feed.models_list
    upstream.answers |= {LIST: failure, LISTING: failure}
    clock.now += 1800
    await want(feed, MODEL)
    assert tags(feed) == ["novita/fp8"]
    assert feed.current.listings[MODEL].fetched_at == fetched_at
    assert feed.models_list == listed
    clock.now += 59
    await want(feed, MODEL)
    assert upstream.asked.count(LISTING) == 2
    clock.now += 1
    upstream.tell(LISTING, listing_of("deepinfra"))
    await want(feed, MODEL)
    assert tags(feed) == ["deepinfra"]


async def test_a_model_without_endpoints_is_known_to_have_none(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    upstream.tell(LISTING, listing_of())
    await want(feed, MODEL)
    assert tags(feed) == []


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (" QWEN/Qwen3-Coder ", LISTING),
        (f"{MODEL}:nitro", LISTING),
        (f"{MODEL}@preset/mine", LISTING),
        (f"{MODEL}:free", f"/models/{MODEL}:free/endpoints"),
        ("~anthropic/claude-sonnet-latest", "/models/~anthropic/claude-sonnet-latest/endpoints"),
    ],
)
async def test_the_listing_asked_for_is_the_one_that_may_serve(
    feed: CatalogFeed, upstream: Upstream, model: str, path: str
) -> None:
    upstream.tell(path, listing_of("here"))
    await want(feed, model)
    assert upstream.asked == [LIST, path]
    assert tags(feed, model) == ["here"]


async def test_closing_gives_up_what_is_being_fetched(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    upstream.go.clear()
    feed.want(MODEL)
    await asyncio.sleep(0)
    await asyncio.wait_for(feed.close(), timeout=1)
    assert tags(feed) is None
    await asyncio.wait_for(feed.settled(), timeout=1)


async def test_a_listing_is_fetched_anew_for_whoever_would_accuse_by_it(
    feed: CatalogFeed, upstream: Upstream, clock: Clock
) -> None:
    await want(feed, MODEL)
    clock.now += 60
    upstream.tell(LISTING, listing_of("novita/fp4"))
    feed.renew(MODEL, since=clock.now - 60)  # as new as that it is already
    await feed.settled()
    assert tags(feed) == ["novita/fp8"]
    feed.renew(MODEL, since=clock.now)
    feed.renew(MODEL, since=clock.now)  # once at a time
    await feed.settled()
    assert tags(feed) == ["novita/fp4"]
    assert upstream.asked.count(LISTING) == 2


async def test_a_renewal_that_failed_is_not_tried_again_at_once(
    feed: CatalogFeed, upstream: Upstream, clock: Clock
) -> None:
    await want(feed, MODEL)
    upstream.answers[LISTING] = UpstreamTimeout("slow")
    for _ in range(3):
        clock.now += 1
        feed.renew(MODEL, since=clock.now)
        await feed.settled()
    assert upstream.asked.count(LISTING) == 2
    assert tags(feed) == ["novita/fp8"]
    upstream.tell(LISTING, listing_of("novita/fp4"))
    clock.now += 61
    feed.renew(MODEL, since=clock.now)
    await feed.settled()
    assert tags(feed) == ["novita/fp4"]


async def test_a_name_that_is_no_slug_is_never_renewed(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    feed.renew("../../etc/passwd", since=9e9)
    await feed.settled()
    assert upstream.asked == []


async def test_where_tools_run_is_read_when_they_are_in_use(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    engines = [{"executed_by": "openrouter"}]
    upstream.tell("/tools", {"data": [{"id": "openrouter:new", "engines": engines}]})
    await want(feed, MODEL)
    assert feed.current.server_tools.runs("openrouter:new") is None
    feed.want_tools()
    feed.want_tools()
    await feed.settled()
    assert feed.current.server_tools.runs("openrouter:new") == "server"
    assert upstream.asked.count("/tools") == 1


async def test_a_newest_of_its_family_is_listed_with_the_model_it_stands_for(
    feed: CatalogFeed, upstream: Upstream
) -> None:
    alias = {"id": "~qwen/coder-latest", "alias_target": {"slug": MODEL}}
    upstream.tell(LIST, {"data": [*MODELS_BODY["data"], alias]})
    await want(feed, "other/model")
    await want(feed, "~qwen/coder-latest")
    assert tags(feed, "~qwen/coder-latest") == ["novita/fp8"]
