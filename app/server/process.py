"""This process: which worker it is, how much is open in it, and whether new requests may come."""

from dataclasses import dataclass
from pathlib import Path

from app.server.connections import Connections


class Traffic:
    """Counted at the door and by the server, which reads it when it is told to stop."""

    def __init__(self, connections: Connections | None = None) -> None:
        self.open = 0
        self.draining = False
        self.connections = Connections() if connections is None else connections


@dataclass(frozen=True, slots=True)
class Worker:
    """One of several processes that serve one address; its replacement has the same number."""

    number: int  # from 1
    of: int
    folder: Path  # shared by all workers for as long as they run; only their user may enter it
