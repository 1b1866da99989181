"""A server in a thread stops when it is told to, and not at its next tick."""

import asyncio
import socket
import statistics
import time
from contextlib import suppress
from http.client import HTTPConnection
from threading import Event, Timer

from starlette.types import Receive, Scope, Send

from app.cli.serving import Server, listen, serving
from tests.running import running


class Slow:
    """Answers once it is let; counts what began, what was cut, and how its lifespan ended."""

    def __init__(self) -> None:
        self.asked, self.let, self.cut, self.ended = Event(), Event(), Event(), Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.ended.set()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.asked.set()
        try:
            while not self.let.is_set():  # noqa: ASYNC110 - it is let by another thread
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            self.cut.set()
            raise
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})


def ask(port: int) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/")
    return connection


def test_it_stops_without_waiting_for_a_tick() -> None:
    """Ten times, with a connection that stays open: usually in less than one tick."""
    took = []
    for _ in range(10):
        app = Slow()
        app.let.set()
        with running(app) as server:
            connection = ask(server.port)
            assert connection.getresponse().read() == b"here"
            began = time.monotonic()
        took.append(time.monotonic() - began)
        assert app.ended.is_set()
        connection.close()
    assert statistics.median(took) < 0.1


def test_an_answer_that_is_on_its_way_is_finished() -> None:
    app = Slow()
    with running(app) as server:
        connection = ask(server.port)
        assert app.asked.wait(10)
        Timer(0.2, app.let.set).start()
    assert connection.getresponse().read() == b"here"
    assert not app.cut.is_set()
    connection.close()


def test_an_answer_that_takes_too_long_is_cut() -> None:
    app = Slow()
    began = time.monotonic()
    with running(app) as server:
        connection = ask(server.port)
        assert app.asked.wait(10)
    assert time.monotonic() - began >= 1.0
    assert app.cut.is_set()
    assert app.ended.is_set()
    assert connection.getresponse().status == 500
    connection.close()


def served(server: Server) -> None:
    server.run(sockets=[listen("127.0.0.1", 0)])


def test_told_before_it_began_or_after_it_ended_it_stops_all_the_same() -> None:
    app = Slow()
    server = serving(app, drain_seconds=1)
    server.stop()
    served(server)
    assert app.ended.is_set()
    server.stop()


def test_a_connection_that_comes_in_while_it_stops_is_closed() -> None:
    """It may be accepted after all others have been told; it held the server for a second."""
    began = time.monotonic()
    for _ in range(10):
        app = Slow()
        app.let.set()
        with running(app) as server:
            first = ask(server.port)
            first.getresponse().read()
            late = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        first.close()
        with late, suppress(ConnectionResetError):
            assert late.recv(1) == b""
    assert time.monotonic() - began < 9
