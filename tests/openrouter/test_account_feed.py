"""The account is asked for rarely, and what can't be known is none."""

import asyncio
import json
from decimal import Decimal
from typing import Any

from app.errors import UpstreamUnreachable
from app.openrouter import account_feed
from app.openrouter.account_feed import AccountFeed
from app.openrouter.client import OpenRouter


class Key(OpenRouter):
    """Answers `GET /key` as it is told to."""

    def __init__(self, key: str | None = "sk-or-v1-x") -> None:
        self.key = key
        self.asked = 0
        self.says: Any = (200, json.dumps({"data": {"usage_daily": 2}}).encode())

    async def read(self, path: str, key: str | None = None) -> tuple[int, bytes]:
        assert (path, key) == ("/key", None)
        self.asked += 1
        await asyncio.sleep(0)
        if isinstance(self.says, Exception):
            raise self.says
        answer: tuple[int, bytes] = self.says
        return answer


async def test_it_is_asked_once_a_minute_however_many_look() -> None:
    now, upstream = [0.0], Key()
    feed = AccountFeed(upstream, lambda: now[0])
    found = await asyncio.gather(*(feed.current() for _ in range(5)))
    assert upstream.asked == 1
    assert [each and each.spent["daily"] for each in found] == [Decimal(2)] * 5
    now[0] = 60
    await feed.current()
    assert upstream.asked == 1
    now[0] = 61
    await feed.current()
    assert upstream.asked == 2


async def test_without_a_key_nothing_is_asked() -> None:
    upstream = Key(None)
    assert await AccountFeed(upstream).current() is None
    assert upstream.asked == 0


async def test_what_can_not_be_read_is_none(monkeypatch: Any) -> None:
    for says in ((401, b"{}"), (200, b"<html>"), (200, b"\xff"), UpstreamUnreachable("away")):
        upstream = Key()
        upstream.says = says
        assert await AccountFeed(upstream).current() is None
        assert upstream.asked == 1
    monkeypatch.setattr(account_feed, "PATIENCE_SECONDS", 0)
    assert await AccountFeed(Key()).current() is None
