"""How many requests are open, and whether new ones may come."""

from collections.abc import Iterator
from contextlib import contextmanager


class Traffic:
    """Counted at the door, read by the server when it is told to stop."""

    def __init__(self) -> None:
        self.open = 0
        self.draining = False

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """One more open request, for as long as the block runs."""
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1
