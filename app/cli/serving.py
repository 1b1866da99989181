"""A server that runs until it receives a signal, and stops in two steps."""

import asyncio
import gc
import itertools
import logging
import signal
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from ..errors import SettingsError, reason_of
from ..server.bounds import Bounds
from ..server.descriptors import NONE_LEFT
from ..server.entrance import State
from ..server.process import Traffic
from ..server.protocol import protocol
from ..settings import Settings
from ..telemetry.stalls import Stalls
from ..wording import plural
from .which_ledger import log_command
from .words import local_address

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp

log = logging.getLogger("pointsman")

STANDARD: Final = Bounds()
_TICK_SECONDS = 0.1  # uvicorn's
_LOOK_EVERY_TICKS = 10
_LAST_LOOK_SECONDS = 0.005


def announce(settings: Settings, listener: socket.socket) -> None:
    """Print what is served, its address, and where to look."""
    several = f", with {settings.workers} workers" if settings.workers > 1 else ""
    log.info(
        "Pointsman serves %s, in front of %s%s", base_url(listener), settings.upstream_url, several
    )
    log.info("receipts: %s", log_command(settings))
    log.info("dashboard: %s", base_url(listener).removesuffix("/v1") + "/dashboard")
    if settings.openrouter_api_key is None:
        log.info("no OPENROUTER_API_KEY is set; each client must send its own key")


def stay(
    app: "ASGIApp",
    listener: socket.socket,
    drain_seconds: int,
    *,
    bounds: Bounds = STANDARD,
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP, let running answers finish, and return.

    uvicorn raises the signal again when it is done; a handled signal is not a failure.
    """
    for told in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told, lambda *_: None)
    gc.freeze()  # start-up's objects stay for good: no collection has to scan them again
    server = serving(app, drain_seconds, bounds=bounds)
    hung_up = getattr(signal, "SIGHUP", None)  # a terminal is closed, unless `nohup` is used
    if hung_up is not None and signal.getsignal(hung_up) is not signal.SIG_IGN:
        signal.signal(hung_up, server.handle_exit)
    server.run(sockets=[listener])


class Server(uvicorn.Server):
    """Stops in two steps (T-26).

    First new requests get a 503 while running ones continue; when all have ended, or their time is
    up, the server closes. A second signal ends it at once.
    """

    def __init__(self, config: uvicorn.Config, state: State, drain_seconds: int) -> None:
        super().__init__(config)
        self._traffic = state.traffic
        self._stalls = state.stalls
        self._drain_seconds = drain_seconds
        self._until = 0.0
        self._stopped = False
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def handle_exit(self, sig: int, frame: "FrameType | None") -> None:
        """Begin to drain; called by the signal's handler."""
        if self._traffic.draining:
            super().handle_exit(sig, frame)
        else:
            self.drain()

    def drain(self) -> None:
        """Accept no new requests; stop when the running ones have ended, or their time is up."""
        self._traffic.draining = True
        self._until = time.monotonic() + self._drain_seconds
        if self._traffic.open:
            log.info("stopping: waiting for %d requests to finish", self._traffic.open)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and handle connections that can't be accepted."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._note)
        await super().startup(sockets)

    async def main_loop(self) -> None:
        """Run until it is time to stop; `stop` does not have to wait for the next tick."""
        with self._stalls.watched():
            for counter in itertools.count():
                if self._stopped or await self.on_tick(counter):
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(_TICK_SECONDS):
                        await self._told.wait()

    def stop(self) -> None:
        """Stop at once, without draining; may be called from any thread, also during the start.

        `should_exit` is not set: after a start with that, uvicorn closes nothing.
        """
        self._stopped = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, so there is nothing left to stop
                self._loop.call_soon_threadsafe(self._told.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close listeners and idle connections, give answers a second, end the lifespan.

        uvicorn's own method waits 0.1 s before it checks whether anything is still open.
        """
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                await self._last_answers()
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel("the server stops")
        if not self.force_exit:
            await self.lifespan.shutdown()

    async def _last_answers(self) -> None:
        left = self.server_state
        while not self.force_exit:
            for connection in list(left.connections):  # one may have come in a moment ago
                connection.shutdown()
            await asyncio.sleep(_LAST_LOOK_SECONDS)
            if not (left.connections or left.tasks):
                break
        for server in self.servers:
            await server.wait_closed()

    async def on_tick(self, counter: int) -> bool:
        """Check the server ten times a second; return whether it is time to stop."""
        self._stalls.tick(_TICK_SECONDS)
        if counter % _LOOK_EVERY_TICKS == 0:
            connections = self._traffic.connections
            connections.descriptors.look(connections.open)
        if self._traffic.draining and not self.should_exit:
            self.should_exit = not self._traffic.open or self._time_is_up()
        return await super().on_tick(counter)

    def _time_is_up(self) -> bool:
        if time.monotonic() < self._until:
            return False
        log.warning(
            "stopping: cutting %s after POINTSMAN_DRAIN_SECONDS (%d)",
            *(plural(self._traffic.open, "request"), self._drain_seconds),
        )
        return True

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle errors of the loop itself, such as a lack of descriptors to accept with."""
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in NONE_LEFT:
            connections = self._traffic.connections
            connections.descriptors.ran_out(connections.open)
        else:
            loop.default_exception_handler(context)


def serving(app: "ASGIApp", drain_seconds: int, *, bounds: Bounds = STANDARD) -> Server:
    """Return a server for `app`, which counts its own traffic if it is Pointsman."""
    state = state_of(app)
    return Server(configured(app, bounds, state), state, drain_seconds)


def state_of(app: "ASGIApp") -> State:
    """The state in which an app counts its traffic; a new one, if it is not ours."""
    state = getattr(app, "state", None)
    return state if isinstance(state, State) else State(Traffic(), Stalls())


def configured(app: "ASGIApp", bounds: Bounds, state: State) -> uvicorn.Config:
    """Configure uvicorn: fast loop and parser, without its own headers and log lines."""
    return uvicorn.Config(
        app,
        loop="auto",
        http=protocol(bounds, state.traffic.connections),
        ws="none",
        interface="asgi3",
        proxy_headers=False,  # an address that a caller claims is not used
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=bounds.idle_seconds,
        timeout_graceful_shutdown=1,
    )


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a bound socket; `shared`: the kernel distributes connections among several.

    Raises `SettingsError` if the address is not available.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
    except OSError as error:
        raise SettingsError(
            f"can't listen on {host}:{port}: {reason_of(error)}; "
            "set another port with --port or POINTSMAN_PORT"
        ) from None


def base_url(listener: socket.socket) -> str:
    """The address to give to a tool as its base URL."""
    host, port = listener.getsockname()[:2]
    return f"http://{local_address(host)}:{port}/v1"
