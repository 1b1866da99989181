"""Detects that a caller has disconnected, and stops the work for it (T-17).

The work can also be stopped for another reason, such as a deadline, in the same way.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, cast

from starlette.types import Receive, Scope

from .body import CallerLeft

if TYPE_CHECKING:
    from anyio import CancelScope

# In a request's `extensions`, if the server can call back when the connection is lost; each request
# then needs no task that waits for that. Passing None cancels the callback.
WHEN_LEFT = "pointsman.when_left"
WhenLeft = Callable[[Callable[[], object] | None], None]


class while_caller_stays:  # noqa: N801 - read as a word of `with`
    """Run the block, cancelling it the moment the caller leaves; raises `CallerLeft` then.

    `end` cancels it for another reason, and that error is raised; the first reason counts.
    `by_scope`: the block's awaits shield their clean-up only from anyio's scopes. The answer's last
    message must be sent after the block: an ASGI server also reports a "disconnect" once an answer
    is complete.
    """

    __slots__ = ("_cancelling", "_stay", "_task", "_watch", "_why")

    def __init__(self, scope: Scope, receive: Receive, *, by_scope: bool = False) -> None:
        self._why: Exception | None = None  # the reason to end
        self._watch = _watch_of(scope, receive)
        self._stay = _new_scope() if by_scope else None

    def __enter__(self) -> None:
        self._task = cast("asyncio.Task[None]", asyncio.current_task())
        self._cancelling = self._task.cancelling()
        if self._stay is not None:
            self._stay.__enter__()
        self._watch(self._left)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self._watch(None)
        if self._stay is not None:
            settled = bool(self._stay.__exit__(kind, error, trace))
            if self._stay.cancelled_caught and self._why is not None:
                raise self._why
            return settled
        if self._why is None:
            return False
        ours = self._task.uncancel() <= self._cancelling
        if ours and kind is asyncio.CancelledError:
            raise self._why from None
        return False

    def end(self, why: Exception) -> None:
        """Cancel the block; `why` is raised in its place."""
        if self._why is not None:
            return
        self._why = why
        if self._stay is not None:
            self._stay.cancel()
        else:
            self._task.cancel()

    def _left(self) -> None:
        self.end(CallerLeft())


def _watch_of(scope: Scope, receive: Receive) -> WhenLeft:
    extensions = scope.get("extensions")
    if extensions and WHEN_LEFT in extensions:
        return cast("WhenLeft", extensions[WHEN_LEFT])
    return _Receiving(receive).watch


class _Receiving:
    """Detects a disconnect through ASGI alone, with any server."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._waiting: asyncio.Task[None] | None = None

    def watch(self, then: Callable[[], object] | None) -> None:
        """As `WhenLeft`."""
        if then is not None:
            self._waiting = asyncio.create_task(self._until_left(then))
        elif self._waiting is not None:
            self._waiting.cancel()

    async def _until_left(self, then: Callable[[], object]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        then()


def _new_scope() -> "CancelScope":
    from anyio import CancelScope  # noqa: PLC0415 - not needed where our own transport is used

    return CancelScope()
