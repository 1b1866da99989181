"""What a unit is made of, and what is known of it while it runs. PURE."""

from dataclasses import dataclass, fields
from typing import Literal

from ..errors import ServiceError

Activity = Literal["running", "starting", "stopping", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a unit is made of; paths are absolute.

    Raises `ServiceError` for a value that can't stand on one line of a unit.
    """

    program: str  # the installed command
    folder: str  # where it runs: the folder of `.env` and `policies`
    log: str  # the file of its log, where the system keeps none
    stop_seconds: int  # what it may take to stop
    environment: tuple[tuple[str, str], ...] = ()  # variables, without secrets

    def __post_init__(self) -> None:
        for name, value in (*self._paths(), *self.environment):
            if not value.isprintable():
                raise ServiceError(f"{name} {value!r} has characters that a unit can't contain")

    def _paths(self) -> list[tuple[str, str]]:
        every = ((each.name, getattr(self, each.name)) for each in fields(self))
        return [(f"the path of the {name}", value) for name, value in every if type(value) is str]


@dataclass(frozen=True, slots=True)
class State:
    """What the system says of the service."""

    enabled: bool = False  # it starts at login
    activity: Activity = "stopped"
    pid: int | None = None
    since: float | None = None  # seconds since the epoch, while it runs
