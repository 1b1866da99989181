"""The unversioned address of OpenRouter's API: some routes are not under `/api/v1`.

For `https://host/api/v1` it is `https://host/api`, so `/alpha/decisions` is requested at
`https://host/api/alpha/decisions`. An address that does not end in a version is used unchanged:
with an upstream at `https://host/openrouter`, it is `https://host/openrouter/alpha/decisions`.
"""

import re
from collections.abc import Callable

from .client import OpenRouter

_VERSION = re.compile(r"(?<!/)/v[0-9]+/?$", re.IGNORECASE)


def address_beside(base_url: str) -> str:
    """The base address without its version."""
    return _VERSION.sub("", base_url)


class Beside:
    """The client for that address, created on first use: most proxies never need it."""

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
