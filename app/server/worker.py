"""Which worker this is, where several serve one address."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Worker:
    """One of several; a worker that replaces another one has its number."""

    number: int  # from 1
    of: int
    folder: Path  # what they share for as long as they run; nobody else may enter it
