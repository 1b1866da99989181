"""This process: its worker number, its open requests, and whether it accepts new ones."""

from dataclasses import dataclass
from pathlib import Path

from .connections import Connections


class Traffic:
    """Counts kept by the door and the server, which reads them when it has to stop."""

    def __init__(self, connections: Connections | None = None) -> None:
        self.open = 0
        self.draining = False
        self.connections = Connections() if connections is None else connections


@dataclass(frozen=True, slots=True)
class Worker:
    """One of several processes that serve one address; a replacement gets the same number."""

    number: int  # from 1
    of: int
    folder: Path  # shared by all running workers; only their user may enter it
