"""A wrong address for upstream is recognised by its answer to `GET /models`, and told once."""

import logging

import pytest

from app.openrouter.address import AddressWatch, amiss, is_list, others
from app.openrouter.catalog_feed import CatalogFeed
from tests.openrouter.fakes import LIST, MODEL, Clock, Upstream, want

URL = "https://openrouter.ai"


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (404, b"{}", "404"),
        (404, b"<html>", "404"),
        (405, b"", "405"),
        (301, b"", "301"),
        (308, b"", "308"),
        (200, b"  <!DOCTYPE html>", "a web page"),
        (200, b"", "instead of a list"),
        (200, b"{}", "instead of a list"),
        (200, b'{"data": {}}', "instead of a list"),
        (200, b'{"data": ["\xff"]}', None),
        (200, b'{"\xff": 1}', "instead of a list"),
        (200, b"[" * 100_000, "instead of a list"),
        (200, b'{"data": []}', None),
        (200, b'{"data": [{"id": "a/b"}], "n": 1}', None),
        *((status, b"", None) for status in (400, 401, 403, 429, 500, 502, 503)),
    ],
)
def test_an_answer_shows_whether_the_address_can_be_right(
    status: int, body: bytes, says: str | None
) -> None:
    wrong = amiss(status, body)
    assert wrong is None if says is None else says in str(wrong)


def test_a_list_is_known_by_its_rows() -> None:
    assert is_list(b'{"data": []}')
    assert not is_list(b"[]")


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        (URL, f"{URL}/api/v1"),
        (f"{URL}/v1", f"{URL}/api/v1"),
        (f"{URL}/api", f"{URL}/api/v1"),
        (f"{URL}/api/v1/v1", f"{URL}/api/v1"),
        ("http://gateway.example/v1", "https://gateway.example/v1"),
        ("https://gateway.example/team", "https://gateway.example/team/v1"),
        ("https://gateway.example/team/v1/x", "https://gateway.example/team/v1"),
        ("https://gateway.example/v1", "https://gateway.example"),
    ],
)
def test_the_address_that_is_meant_is_among_those_tried(url: str, meant: str) -> None:
    tried = others(url)
    assert meant in tried
    assert url not in tried
    assert len(tried) <= 7


async def test_the_log_tells_a_wrong_address_once(
    upstream: Upstream, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    feed = CatalogFeed(upstream.get, clock=clock, answered=AddressWatch(URL).saw)
    for status in (503, 404, 404):
        upstream.tell(LIST, {}, status)
        await want(feed, MODEL)
        clock.now += 100
    assert upstream.asked.count(LIST) == 3
    (told,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert told.getMessage().startswith(f"GET {URL}/models answers 404, so POINTSMAN_UPSTREAM_URL")
    await feed.close()


async def test_a_right_address_is_not_worth_a_word(
    upstream: Upstream, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    feed = CatalogFeed(upstream.get, clock=clock, answered=AddressWatch(URL).saw)
    await want(feed, MODEL, "acme/not-listed")  # a listing that is a 404 says nothing of it
    assert not caplog.records
    await feed.close()
