"""The address beside that of OpenRouter's versioned API: some routes are not under `/api/v1`.

`https://host/api/v1` has `https://host/api` beside it, so `/alpha/decisions` is asked for at
`https://host/api/alpha/decisions`. An address that ends in no version is taken as it is: an
upstream at `https://host/openrouter` is asked for `https://host/openrouter/alpha/decisions`.
"""

import re
from collections.abc import Callable

from app.openrouter.client import OpenRouter

_VERSION = re.compile(r"(?<!/)/v[0-9]+/?$", re.IGNORECASE)


def address_beside(base_url: str) -> str:
    """The address that stands where the base address has its version."""
    return _VERSION.sub("", base_url)


class Beside:
    """The client for that address, connected when it is first asked for: most proxies never do."""

    def __init__(self, base_url: str, connect: Callable[[str], OpenRouter]) -> None:
        self._base_url = address_beside(base_url)
        self._connect = connect
        self._connected: OpenRouter | None = None

    def __call__(self) -> OpenRouter:
        """The client; the same each time."""
        if self._connected is None:
            self._connected = self._connect(self._base_url)
        return self._connected

    async def aclose(self) -> None:
        """Close every connection."""
        if self._connected is not None:
            await self._connected.aclose()
