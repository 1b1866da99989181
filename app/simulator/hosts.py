"""How endpoints misbehave: which attempts fail, which answers have a defect, and the quirks.

By a request's switches, by the configuration of an endpoint, and, if wanted, by the shipped
catalog. Chances are drawn from the simulator's seed, so the same requests in the same order meet
the same failures.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from .ask import Ask
from .catalog import Row
from .entries import Entry
from .flaws import NAMES, read_flaw, read_rate
from .quirks import Quirks, check_quirks, joined, read_quirk

FAILED = 503
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Host:
    """The configuration of one endpoint, or of all endpoints of a provider."""

    fail_rate: float = 0.0  # the share of attempts that fail
    status: int = FAILED  # the status they fail with
    outages: tuple[tuple[float, float], ...] = ()  # from, to: seconds since the simulator's start
    defects: Mapping[str, float] = field(default_factory=dict)  # the share of answers that have it
    quirks: Mapping[str, float] = field(default_factory=dict)  # see quirks.py

    def __post_init__(self) -> None:
        """Raise `ValueError` for an unknown defect or quirk, and for a wrong number of one."""
        read_rate("fail_rate", self.fail_rate)
        for name, rate in self.defects.items():
            read_rate(name, rate)
            if name not in NAMES:
                raise ValueError(f"{name!r}: no such defect; there are {', '.join(NAMES)}")
        check_quirks(self.quirks)


class Hosts:
    """All endpoints, by tag or provider; `flawed` adds the defects and quirks of the catalog."""

    def __init__(
        self,
        hosts: Mapping[str, Host],
        *,
        seed: int,
        clock: Callable[[], float],
        flawed: bool = False,
    ) -> None:
        self._hosts = hosts
        self._seed = seed
        self._clock = clock
        self._flawed = flawed
        self._begun = clock()
        self._drawn = 0
        self._out: dict[str, float] = {}  # by tag or provider, the end of an outage

    def start_outages(self, seconds: Mapping[str, float]) -> None:
        """Let endpoints fail from now on, for all requests; 0 ends an outage."""
        now = self._clock()
        ends = self._out | {where: now + lasting for where, lasting in seconds.items()}
        self._out = {where: end for where, end in ends.items() if end > now}

    def failure(self, ask: Ask, row: Row) -> int | None:
        """The status that an attempt at an endpoint fails with; None if it answers."""
        switches = ask.switches
        status, rate = _of(switches.fail, row), _of(switches.fail_rate, row)
        if (status or rate) and self._happens(1.0 if rate is None else rate):
            return status or FAILED
        if self._clock() < (_of(self._out, row) or 0.0):
            return status or FAILED
        host, now = _of(self._hosts, row), self._clock() - self._begun
        if host is None:
            return None
        out = any(start <= now < end for start, end in host.outages)
        return host.status if out or self._happens(host.fail_rate) else None

    def defects(self, ask: Ask, row: Row) -> list[str]:
        """The defects to give to an answer, of which it takes the first that it can have."""
        host = _of(self._hosts, row)
        flaws = [read_flaw(text) for text in ask.switches.defects]
        if host is not None:
            flaws += [Entry(name, number=rate) for name, rate in host.defects.items()]
        if self._flawed and ask.tools:
            shown = row.hidden.get("defects") or {}
            flaws += [Entry(name, number=rate) for name, rate in shown.items()]
        meant = [flaw for flaw in flaws if flaw.applies_to(row.tag, row.provider)]
        return [flaw.name for flaw in meant if self._happens(flaw.number)]

    def quirks(self, ask: Ask, row: Row) -> Quirks:
        """The quirks of an endpoint: of the catalog, of its configuration, of the request."""
        host = _of(self._hosts, row)
        shown = (row.hidden.get("quirks") or {}) if self._flawed else {}
        told = [*shown.items(), *(host.quirks.items() if host else ())]
        quirks = [Entry(name, number=number) for name, number in told]
        quirks += [read_quirk(text) for text in ask.switches.quirks]
        return joined(quirk for quirk in quirks if quirk.applies_to(row.tag, row.provider))

    def _happens(self, rate: float) -> bool:
        if rate in (0, 1):
            return rate == 1
        self._drawn += 1
        return Random(f"{self._seed}:host:{self._drawn}").random() < rate  # noqa: S311 - a game


def _of(values: Mapping[str, _T], row: Row) -> _T | None:
    """The value for an endpoint: by its tag, else by its provider."""
    return values.get(row.tag, values.get(row.provider))
