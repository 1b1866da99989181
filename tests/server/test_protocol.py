"""An answer's head and its first piece leave together; nothing is held back for it."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.server.outlet import Outlet


class Wire:
    """Notes what is written, write by write."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
async def answer() -> Any:
    """A cycle of uvicorn's as far as it matters here: its answer has not begun."""
    wire = Wire()
    cycle = SimpleNamespace(
        wire=wire,
        transport=wire,
        response_started=False,
        response_complete=False,
        more_body=False,
        keep_alive=True,
        dropped=0,
    )

    def drop() -> None:
        cycle.dropped += 1

    loop: Any = asyncio.get_running_loop()
    Outlet(cast("Any", cycle), cast("Any", None), loop, when_free=lambda _: None, drop=drop)
    return cycle


async def test_head_and_first_piece_are_one_write(answer: Any) -> None:
    wire = answer.wire
    answer.response_started = True
    answer.transport.write(b"head ")
    answer.transport.write(b"one")
    answer.transport.write(b"two")
    assert wire.written == [b"head one", b"two"]
    await asyncio.sleep(0)
    assert wire.written == [b"head one", b"two"]
    assert answer.transport is wire  # nothing stands between any more


async def test_a_head_alone_leaves_at_once(answer: Any) -> None:
    wire = answer.wire
    answer.response_started = True
    answer.transport.write(b"head ")
    await asyncio.sleep(0)
    assert wire.written == [b"head "]
    answer.transport.write(b"later")
    assert wire.written == [b"head ", b"later"]


async def test_what_is_not_an_answer_yet_is_not_held(answer: Any) -> None:
    wire = answer.wire
    answer.transport.write(b"100 Continue")
    assert wire.written == [b"100 Continue"]


async def test_a_head_is_sent_before_the_connection_is_closed(answer: Any) -> None:
    wire = answer.wire
    answer.response_started = True
    answer.transport.write(b"head ")
    answer.transport.close()
    assert wire.written == [b"head "]
    assert wire.closed
