"""Parted: the hosts of a scorecard that are surely worse than the others of their model. PURE.

Rule 1  A host parts from the others in a column where its interval begins above the end of theirs,
        all others of the model together.
Rule 2  Both sides need as many requests as a rate that is not faint.
"""

from collections.abc import Iterator
from typing import NamedTuple

from .faults import ANY, COLUMNS, Fault
from .rates import Rate
from .scorecard import Host, ModelScore

COMPARED = tuple(column for column in COLUMNS if column.name != ANY)  # it is made of the others


class Parted(NamedTuple):
    """One host that is surely worse in one column, and the rate of the others together."""

    host: Host
    column: Fault
    rate: Rate
    others: Rate


def parted(model: ModelScore) -> Iterator[Parted]:
    """The hosts of a model that are surely worse, in the order of the scorecard."""
    for host in model.hosts:
        others = model.others(host)
        for column in COMPARED:
            rate, rest = host.score.rate(column.name), others.rate(column.name)
            if not (rate.is_faint or rest.is_faint) and rate.is_surely_above(rest):
                yield Parted(host, column, rate, rest)
