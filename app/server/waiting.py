"""The requests of one connection that wait for their turn."""

from typing import Any


class Waiting(list[Any]):
    """As much of a deque as uvicorn needs; nearly always empty, when a deque takes 600 bytes."""

    __slots__ = ()

    def appendleft(self, request: Any) -> None:
        """Add the newest request; `pop` takes the oldest."""
        self.insert(0, request)
