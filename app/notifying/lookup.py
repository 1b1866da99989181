"""Looks up a receiver's host in a thread of its own, one lookup at a time.

The system's lookup can't be interrupted, and takes up to a minute if no name server answers. In the
threads that all of Pointsman shares, a few of these would stop the ledger's readers and the lookup
of OpenRouter's address: a webhook must not be in the way of a request.
"""

import asyncio
import socket
import threading
from collections.abc import Callable

Resolve = Callable[[str, int], object]


class Lookup:
    """The lookup of one host; tries that come while it is running wait for the same one."""

    def __init__(self, host: str, port: int, resolve: Resolve = socket.getaddrinfo) -> None:
        self._host = host
        self._port = port
        self._resolve = resolve
        self._running: asyncio.Future[None] | None = None

    async def done(self) -> None:
        """Return once the host is found. Raises `OSError` if it is not."""
        if self._running is None or self._running.done():
            loop = asyncio.get_running_loop()
            self._running = loop.create_future()
            self._running.add_done_callback(_noted)
            work = (loop, self._running)
            threading.Thread(target=self._look, args=work, name="webhook-host", daemon=True).start()
        await asyncio.shield(self._running)

    def _look(self, loop: asyncio.AbstractEventLoop, found: "asyncio.Future[None]") -> None:
        error: Exception | None = None
        try:
            self._resolve(self._host, self._port)
        except Exception as failed:  # noqa: BLE001 - it is raised where it is awaited
            error = failed
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, found, error)


def _settle(found: "asyncio.Future[None]", error: Exception | None) -> None:
    if error is None:
        found.set_result(None)
    else:
        found.set_exception(error)


def _noted(found: "asyncio.Future[None]") -> None:
    """Take note of an error that no try waits for any more."""
    found.exception()
