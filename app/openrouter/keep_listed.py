"""Keeps the listings of models that policies name, so that drift shows without traffic."""

import asyncio
from collections.abc import Callable, Sequence

from app.openrouter.catalog_feed import CatalogFeed

_MOST = 50  # models that the policies name in full
_EVERY_SECONDS, _APART_SECONDS = 60.0, 0.2


async def keep_listed(feed: CatalogFeed, named: Callable[[], Sequence[str]]) -> None:
    """Have the models that are `named` listed, again and again; runs until it is cancelled."""
    while True:
        for model in named()[:_MOST]:
            feed.want(model)
            await asyncio.sleep(_APART_SECONDS)
        await asyncio.sleep(_EVERY_SECONDS)
