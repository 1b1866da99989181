"""Runs an ASGI app on a real socket, in a thread of its own, for as long as a test needs it."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from app.cli.serving import STANDARD, listen, serving
from app.server.bounds import Bounds

# For clients of what runs here, none of which speaks TLS: to read the certificates that the system
# trusts takes each client 20 ms.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(frozen=True)
class Running:
    """A server that accepts connections."""

    server: uvicorn.Server
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(app: ASGIApp, *, bounds: Bounds = STANDARD) -> Iterator[Running]:
    """Serve `app` on a free port; stopped, and its lifespan ended, on the way out."""
    listener = listen("127.0.0.1", 0)
    server = serving(app, drain_seconds=1, bounds=bounds)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield Running(server, listener.getsockname()[1])
    finally:
        server.stop()
        thread.join(timeout=60)
        assert not thread.is_alive(), "the server did not stop"
