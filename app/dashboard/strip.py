"""The last hour as a strip of columns for some minutes: stacked verdicts, and the cost. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..ledger.receipt import iso
from ..ledger.stats import Figures, Series, Verdicts
from ..wording import plural
from . import formats
from .address import Address

_HEIGHT = 100.0
_KINDS = ("broken", "unproven", "none", "kept")  # from the top: problems come first


@dataclass(frozen=True, slots=True)
class Block:
    """One verdict in a column, of 100 each way."""

    kind: str
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """Some minutes."""

    start: float
    width: float
    blocks: tuple[Block, ...]
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Total:
    """One verdict's count in the whole strip."""

    kind: str
    label: str
    count: str
    href: str


@dataclass(frozen=True, slots=True)
class Strip:
    """Columns from left to right, and their sums."""

    columns: tuple[Column, ...]
    totals: tuple[Total, ...]
    cost: str
    href: str


def strip_of(series: Series, address: Address) -> Strip:
    """The strip of a series without groups."""
    most = max((total.requests for total in series.total), default=0)
    width = 100 / len(series.total)
    columns = []
    for at, (start, total) in enumerate(zip(series.starts, series.total, strict=True)):
        if total.requests:
            times = {"since": iso(start), "until": iso(start + series.bucket)}
            columns.append(
                Column(
                    at * width,
                    width * 0.8,
                    _blocks(total, most),
                    _said(total),
                    address.receipts(**times),
                )
            )
    hour = {"since": iso(series.starts[0]), "until": None}
    whole = sum(series.total, Figures())
    counts = _counts(whole.verdicts)
    totals = tuple(
        Total(
            kind,
            "no verdict" if kind == "none" else kind,
            formats.count(counts[kind]),
            address.receipts(**hour, verdict=kind),
        )
        for kind in reversed(_KINDS)
        if counts[kind]
    )
    return Strip(tuple(columns), totals, formats.dollars(whole.cost_usd), address.receipts(**hour))


def _said(total: Figures) -> str:
    return f"{plural(total.requests, 'request')}, {formats.dollars(total.cost_usd)}"


def _counts(verdicts: Verdicts) -> Mapping[str, int]:
    return {kind: getattr(verdicts, kind) for kind in _KINDS}


def _blocks(total: Figures, most: int) -> tuple[Block, ...]:
    counts = _counts(total.verdicts)
    top = _HEIGHT * (1 - total.requests / most)
    blocks: list[Block] = []
    for kind in _KINDS:
        height = _HEIGHT * counts[kind] / most
        if height:
            blocks.append(Block(kind, top, height))
            top += height
    return tuple(blocks)
