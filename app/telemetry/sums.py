"""Sums: the metrics of several workers, combined as if from one worker. PURE.

A telling is all of one worker's metrics as plain data, so that it can be sent and stored.

Rule 1  Counters and histograms are added up; a gauge is combined as its row in `ACROSS` defines.
Rule 2  A worker continues the counts of the worker it replaces: to Prometheus, a sum that
        decreased would look like a restart, and all of it would be counted once more.
"""

import operator
from collections.abc import Callable, Iterable

import msgspec

Labels = tuple[tuple[str, str], ...]
Join = Callable[[float, float], float]


class Family(msgspec.Struct, frozen=True):
    """One metric with its samples; each sample is a name, labels and a value."""

    name: str
    type: str
    meaning: str
    samples: tuple[tuple[str, Labels, float], ...]

    @property
    def is_counted(self) -> bool:
        """Whether it only ever increases."""
        return self.type in {"counter", "histogram"}


Telling = tuple[Family, ...]

_SINCE = "process_start_time_seconds"

# How two workers' values are combined; counters that are not listed here are added up.
ACROSS: dict[str, Join] = {
    "pointsman_open_requests": operator.add,
    "pointsman_open_streams": operator.add,
    "pointsman_draining": max,
    "pointsman_connections": operator.add,
    "pointsman_connections_limit": operator.add,
    "pointsman_descriptors_run_out": max,
    "pointsman_request_bodies_bytes": operator.add,
    "pointsman_loop_stall_seconds": max,
    "pointsman_budget_spent_ratio": max,  # each worker follows the spending of all
    "pointsman_budgets_age_seconds": max,
    "pointsman_ledger_waiting": operator.add,
    "pointsman_ledger_oldest_waiting_seconds": max,
    "pointsman_ledger_up": min,
    "pointsman_late_costs_waiting": operator.add,
    "pointsman_notifications_undelivered": max,  # each reads them from the ledger
    # Each worker reads the catalog and the policies itself, with the same result.
    "pointsman_catalog_models": max,
    "pointsman_catalog_listings": max,
    "pointsman_catalog_oldest_listing_seconds": max,
    "pointsman_catalog_drifts": max,
    "pointsman_book": max,
    "pointsman_book_rules": max,
    "pointsman_book_problems": max,
    "pointsman_book_reload_failures": max,
    "pointsman_build": max,
    "pointsman_workers": max,
    "pointsman_workers_answering": operator.add,  # each reports 1
    "process_virtual_memory_bytes": operator.add,
    "process_resident_memory_bytes": operator.add,
    "process_open_fds": operator.add,
    "process_max_fds": operator.add,
    _SINCE: min,
}

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Telling)


def to_bytes(telling: Telling) -> bytes:
    """Encode a telling, to send or store it."""
    return _encoder.encode(telling)


def from_bytes(told: bytes) -> Telling:
    """Decode a telling. Raises `msgspec.DecodeError` if the bytes are incomplete."""
    return _decoder.decode(told)


def across(tellings: Iterable[Telling]) -> Telling:
    """Combine the tellings of several workers."""
    return _joined(tellings, lambda family: ACROSS.get(family.name, operator.add))


def carried_on(before: Telling, now: Telling) -> Telling:
    """Add the counts of the previous worker to a worker's telling."""
    return _joined(
        (now, counted_in(before)),
        lambda family: operator.add if family.is_counted else min,
    )


def counted_in(telling: Telling) -> Telling:
    """Return the part of a telling that stays valid after the worker ends: counts, not gauges."""
    return tuple(family for family in telling if family.is_counted or family.name == _SINCE)


def _joined(tellings: Iterable[Telling], join_of: Callable[[Family], Join]) -> Telling:
    """Join tellings; metrics and samples keep the order in which they first appeared."""
    families: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, Labels], float]] = {}
    for telling in tellings:
        for family in telling:
            join = join_of(families.setdefault(family.name, family))
            so_far = values.setdefault(family.name, {})
            for name, labels, value in family.samples:
                known = so_far.get((name, labels))
                so_far[name, labels] = value if known is None else join(known, value)
    return tuple(
        Family(
            family.name,
            family.type,
            family.meaning,
            tuple((*key, value) for key, value in values[family.name].items()),
        )
        for family in families.values()
    )
