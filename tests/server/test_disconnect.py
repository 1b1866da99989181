"""A block ends the moment its caller leaves, however the server tells of it (T-17)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from app.server.body import CallerLeft
from app.server.disconnect import WHEN_LEFT, while_caller_stays


class Caller:
    """A caller that leaves when told to; its server calls back, or is plain ASGI."""

    def __init__(self, *, calls_back: bool) -> None:
        self.left = asyncio.Event()
        self.then: Callable[[], object] | None = None
        self.scope: dict[str, Any] = {"type": "http"}
        if calls_back:
            self.scope["extensions"] = {WHEN_LEFT: self.when_left}

    def when_left(self, then: Callable[[], object] | None) -> None:
        self.then = then

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        self.left.set()
        if self.then is not None:
            self.then()


ALL = pytest.mark.parametrize(
    ("calls_back", "by_scope"), [(True, False), (True, True), (False, False), (False, True)]
)


@ALL
async def test_t_17_the_block_ends_when_the_caller_leaves(
    *, calls_back: bool, by_scope: bool
) -> None:
    caller, cleaned = Caller(calls_back=calls_back), []
    asyncio.get_running_loop().call_later(0.01, caller.leave)

    async def serve() -> None:
        with while_caller_stays(caller.scope, caller.receive, by_scope=by_scope):
            try:
                await asyncio.sleep(5)
            finally:
                cleaned.append(True)

    with pytest.raises(CallerLeft):
        await serve()
    assert cleaned == [True]
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    await asyncio.sleep(0)  # the task goes on undisturbed


@ALL
async def test_a_caller_that_stays_is_not_noticed(*, calls_back: bool, by_scope: bool) -> None:
    caller = Caller(calls_back=calls_back)
    with while_caller_stays(caller.scope, caller.receive, by_scope=by_scope):
        await asyncio.sleep(0)
    caller.leave()
    await asyncio.sleep(0.01)
    assert caller.then is None


@ALL
async def test_an_error_of_the_block_stays_what_it_is(*, calls_back: bool, by_scope: bool) -> None:
    caller = Caller(calls_back=calls_back)
    stay = while_caller_stays(caller.scope, caller.receive, by_scope=by_scope)
    with pytest.raises(KeyError), stay:
        raise KeyError


@ALL
async def test_a_task_that_is_cancelled_by_somebody_else_is_cancelled(
    *, calls_back: bool, by_scope: bool
) -> None:
    caller = Caller(calls_back=calls_back)

    async def serve() -> None:
        with while_caller_stays(caller.scope, caller.receive, by_scope=by_scope):
            await asyncio.sleep(5)

    task = asyncio.create_task(serve())
    await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_who_has_left_and_is_cancelled_at_once_is_cancelled() -> None:
    caller = Caller(calls_back=True)

    async def serve() -> None:
        with while_caller_stays(caller.scope, caller.receive):
            await asyncio.sleep(5)

    task = asyncio.create_task(serve())
    await asyncio.sleep(0.01)
    task.cancel()
    caller.leave()
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


@ALL
async def test_a_block_can_be_ended_for_another_reason(*, calls_back: bool, by_scope: bool) -> None:
    """The first reason is raised; a caller that leaves after it changes nothing."""
    caller, late = Caller(calls_back=calls_back), KeyError("late")
    staying = while_caller_stays(caller.scope, caller.receive, by_scope=by_scope)

    def end() -> None:
        staying.end(late)
        caller.leave()

    asyncio.get_running_loop().call_later(0.01, end)

    async def serve() -> None:
        with staying:
            await asyncio.sleep(5)

    with pytest.raises(KeyError) as raised:
        await serve()
    assert raised.value is late
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    await asyncio.sleep(0)  # the task goes on undisturbed
