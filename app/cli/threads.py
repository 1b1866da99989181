"""A server in a thread of this process, for as long as a block lasts."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

from starlette.types import ASGIApp

from ..errors import StartupError
from ..server.bounds import Bounds
from .serving import STANDARD, serving

_LOOK_AGAIN_SECONDS = 0.01
_STOP_SECONDS = 15.0


@contextmanager
def in_a_thread(app: ASGIApp, listener: socket, *, bounds: Bounds = STANDARD) -> Iterator[None]:
    """Serve `app` once the block begins, and have it stopped, with all it kept, once it ends.

    Raises `StartupError` if it does not start.
    """
    server = serving(app, drain_seconds=0, bounds=bounds)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise StartupError("Pointsman could not start; pointsman doctor looks for the cause")
        time.sleep(_LOOK_AGAIN_SECONDS)
    try:
        yield
    finally:
        server.stop()
        thread.join(_STOP_SECONDS)
