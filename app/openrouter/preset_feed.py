"""Reads the presets that requests name, each once for all requests with one key.

Rule 1  A preset belongs to a key: one name may mean different presets for two keys, so presets are
        kept by the key's digest, and no request gets those of another key.
Rule 2  The first request that names a preset waits for it, within a limit; later ones get the known
        preset, which is read again in the background once it is older than a minute.
Rule 3  For a preset that can't be read, the reason is kept, and it is not requested again for a
        while. Everything is bounded.
"""

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import quote

from ..catalog.preset import Preset, Unusable, is_slug, read_preset
from ..errors import UpstreamError

Get = Callable[[str, str], Awaitable[tuple[int, bytes]]]  # a path, and the key to send
Read = Preset | Unusable

log = logging.getLogger("pointsman")

_OK, _NOT_FOUND = 200, 404
_MOST_NAMED = 8  # presets in one request


class PresetFeed:
    """Recently read presets, by key and slug."""

    def __init__(
        self,
        get: Get,
        *,
        clock: Callable[[], float] = time.monotonic,
        renew_after: float = 60.0,
        retry_after: float = 10.0,
        patience: float = 5.0,
        capacity: int = 500,
    ) -> None:
        self._get = get
        self._clock = clock
        self._renew_after = renew_after
        self._retry_after = retry_after
        self._patience = patience
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, str], tuple[Read, float]] = OrderedDict()  # until when
        self._fetches: dict[tuple[str, str], asyncio.Task[Read]] = {}

    async def known(self, slugs: Iterable[str], key: str) -> dict[str, Read]:
        """Each preset, by its slug as spelled; waits for those never read."""
        named = list(slugs)
        few, others = named[:_MOST_NAMED], named[_MOST_NAMED:]
        read = await asyncio.gather(*(self._one(slug, key) for slug in few))
        many = f"the request names {len(named)} presets; at most {_MOST_NAMED} are allowed"
        return dict(zip(few, read, strict=True)) | {slug: Unusable(slug, many) for slug in others}

    async def close(self) -> None:
        """Cancel the reads in progress."""
        fetches = tuple(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)

    async def _one(self, slug: str, key: str) -> Read:
        if not is_slug(slug):
            return Unusable(slug[:64], "that is not a valid preset name")
        place = (hashlib.sha256(key.encode()).hexdigest(), slug)
        kept = self._kept.get(place)
        if kept is None:
            return await self._waited_for(place, key)
        self._kept.move_to_end(place)
        if kept[1] <= self._clock():
            self._fetch(place, key)
        return kept[0]

    async def _waited_for(self, place: tuple[str, str], key: str) -> Read:
        fetch = asyncio.shield(self._fetch(place, key))
        try:
            return await asyncio.wait_for(fetch, self._patience)
        except TimeoutError:
            return Unusable(place[1], f"OpenRouter did not return it within {self._patience:g} s")

    def _fetch(self, place: tuple[str, str], key: str) -> asyncio.Task[Read]:
        """The read of a preset that is in progress, started if necessary."""
        fetch = self._fetches.get(place)
        if fetch is None:
            fetch = asyncio.get_running_loop().create_task(self._read(place, key))
            self._fetches[place] = fetch
            fetch.add_done_callback(lambda _: self._fetches.pop(place))
        return fetch

    async def _read(self, place: tuple[str, str], key: str) -> Read:
        slug = place[1]
        try:
            status, body = await self._get(f"/presets/{quote(slug, safe='')}", key)
        except UpstreamError as error:
            log.debug("the preset %s could not be read: %s", slug, error)
            read: Read = Unusable(slug, "the request to OpenRouter failed")
            passing = True
        else:
            read, passing = _told(slug, status, body), status not in {_OK, _NOT_FOUND}
        before = self._kept.get(place)
        if passing and before is not None:
            read = before[0]  # stale beats absent, unless upstream reports that it is gone
        pause = self._renew_after if isinstance(read, Preset) else self._retry_after
        self._kept[place] = (read, self._clock() + pause)
        self._kept.move_to_end(place)
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return read


def _told(slug: str, status: int, body: bytes) -> Read:
    if status == _OK:
        return read_preset(slug, body)
    if status == _NOT_FOUND:
        return Unusable(slug, "the API key has no preset of that name")
    return Unusable(slug, f"OpenRouter answered {status}")
