"""GET /metrics for Prometheus. Loaded on first use; see `telemetry/metrics.py`."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from starlette.types import Receive, Scope, Send

from ..server.plain import send_bytes
from ..telemetry.metrics import exposition, exposition_of, telling
from ..telemetry.standing import Standing
from ..telemetry.sums import Telling
from ..telemetry.tallies import Tallies
from .peers import Peers


class Metrics:
    """Plain ASGI. The text is written in a thread, since it may have thousands of lines.

    With `peers`, it covers all workers together.
    """

    def __init__(
        self, tallies: Tallies, standing: Callable[[], Standing], peers: Peers | None = None
    ) -> None:
        self._tallies = tallies
        self._standing = standing
        self._peers = peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scrape."""
        del receive
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        if self._peers is None:
            standing = self._now(scraped=True)
            answer = await asyncio.to_thread(exposition, self._tallies, standing, accept)
        else:
            told = await self._peers.told()
            answer = await asyncio.to_thread(exposition_of, told, accept)
        content_type, body = answer
        await send_bytes(send, 200, body, [(b"content-type", content_type.encode())])

    async def telling(self, *, scraped: bool) -> Telling:
        """The counts and status of this worker alone."""
        standing = self._now(scraped=scraped)
        return await asyncio.to_thread(telling, self._tallies, standing)

    def _now(self, *, scraped: bool) -> Standing:
        """The current status; the scrape being answered is not counted as open."""
        now = self._standing()
        return replace(now, open_requests=now.open_requests - scraped)
