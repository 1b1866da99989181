"""Keeps the listings of models that policies name, so that drift shows without traffic."""

import asyncio
from collections.abc import Callable, Sequence

from .catalog_feed import CatalogFeed

_MOST = 50  # models that the policies name in full
_EVERY_SECONDS, _APART_SECONDS = 60.0, 0.2


async def keep_listed(feed: CatalogFeed, named: Callable[[], Sequence[str]]) -> None:
    """Keep fetching the listings of the models that are `named`, until cancelled."""
    while True:
        for model in named()[:_MOST]:
            feed.want(model)
            await asyncio.sleep(_APART_SECONDS)
        await asyncio.sleep(_EVERY_SECONDS)
