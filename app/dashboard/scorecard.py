"""The scorecard as a matrix: the hosts of each model (rows) and what they were at fault with. PURE.

Rule 1  Rates of few requests are faint, and hosts are sorted by what is sure: docs/quality.md.
Rule 2  Each figure links to its receipts. Failed attempts have none of their own: they are named on
        receipts of the hosts that served instead.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..ledger.faults import COLUMNS, DETAILS, FAILED, Fault
from ..ledger.rates import Rate
from ..ledger.receipt import iso
from ..ledger.scorecard import Host, ModelScore, Score, Scorecard, day_of
from ..wording import plural
from . import formats
from .address import Address
from .names import Name, both_names, name_of
from .tables import Head

MOST_MODELS = 20
_MOST_HOSTS = 20
_LOWEST = 0.02  # the scale of a column reaches at least to 2 %


@dataclass(frozen=True, slots=True)
class Detail:
    """One defect, or one kind of failure, within a cell."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Square:
    """One host and one column. `start`, `end` and `at` are of 100, on the scale of the column."""

    label: str  # the column's
    share: str
    href: str
    interval: str
    number: str
    is_faint: bool
    start: float
    end: float
    at: float
    details: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One bar of a trend, of 100 each way."""

    start: float
    width: float
    top: float
    is_faint: bool
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Row:
    """One host of a model."""

    name: Name
    href: str
    requests: str
    squares: tuple[Square | None, ...]  # None: the column applies to none of its requests
    days: tuple[Day, ...]

    @property
    def told(self) -> str:
        """The trend in words."""
        return "; ".join(day.title for day in self.days)


@dataclass(frozen=True, slots=True)
class Block:
    """One model."""

    name: Name
    href: str
    rows: tuple[Row, ...]
    left_out: int  # hosts


@dataclass(frozen=True, slots=True)
class Matrix:
    """All models, most requests first. `trend` is the column whose days are drawn."""

    heads: tuple[Head, ...]
    blocks: tuple[Block, ...]
    trend: str
    left_out: int  # models
    cut: bool


def matrix_of(card: Scorecard, address: Address) -> Matrix:
    """The matrix of a scorecard, its hosts sorted by the column that the URL names, if any."""
    models = card.models[:MOST_MODELS]
    shown = [
        column for column in COLUMNS if any(each.total.rate(column.name).of for each in models)
    ]
    known = {column.name: column for column in shown}
    sort = known.get(address.own.get("sort", ""))
    drawn = sort or COLUMNS[0]
    heads = tuple(
        Head(
            column.label,
            "number",
            address.showing(sort=column.name),
            "descending" if column is sort else "",
        )
        for column in shown
    )
    span = sorted({day for model in models for host in model.hosts for day in host.days})
    blocks = tuple(_block(model, shown, sort, drawn, span, address) for model in models)
    return Matrix(heads, blocks, drawn.label, len(card.models) - len(models), card.cut)


def _block(  # noqa: PLR0917 - all that a block is made of
    model: ModelScore,
    shown: Sequence[Fault],
    sort: Fault | None,
    drawn: Fault,
    span: Sequence[int],
    address: Address,
) -> Block:
    hosts = model.hosts if sort is None else model.sorted_by(sort.name)
    name = name_of("model", model.model)
    scales = {column.name: _scale(hosts, column.name) for column in shown}
    tallest = max((_tallest(host, drawn.name) for host in hosts), default=0.0)

    def row(host: Host) -> Row:
        own = _name_of(host)
        filters = None
        if name.filters is not None and own.filters is not None:
            filters = {**name.filters, **own.filters}
        return Row(
            own,
            "" if filters is None else address.receipts(**filters),
            plural(host.score.requests, "request"),
            tuple(
                _square(column, host.score, scales[column.name], filters, address)
                for column in shown
            ),
            tuple(_days(host, drawn, tallest, span, filters, address)),
        )

    href = "" if name.filters is None else address.receipts(**name.filters)
    left_out = max(len(hosts) - _MOST_HOSTS, 0)
    return Block(name, href, tuple(map(row, hosts[:_MOST_HOSTS])), left_out)


def _name_of(host: Host) -> Name:
    """The host's name; its provider alone, if it only failed before another host was tried."""
    if len(host.names) == 1 or host.score.requests == host.score.attempts:
        return name_of("provider", host.names[0])
    return both_names(host.names)


def _scale(hosts: Sequence[Host], column: str) -> float:
    """The share at the right end of a column's intervals: the highest one that is not faint."""
    rates = (host.score.rate(column) for host in hosts)
    return max((rate.high for rate in rates if not rate.is_faint), default=1.0)


def _square(
    column: Fault,
    score: Score,
    scale: float,
    filters: Mapping[str, str] | None,
    address: Address,
) -> Square | None:
    rate = score.rate(column.name)
    if not rate.of:
        return None
    start, end, at = (
        min(100 * share / max(scale, _LOWEST), 100.0)
        for share in (rate.low, rate.high, rate.share or 0.0)
    )
    details = tuple(_details(column, score, filters, address))
    own = rate.found - (score.attempts if column.name == FAILED else 0)
    return Square(
        column.label,
        formats.percent(rate.share),
        _receipts(column, own, filters, address),
        f"{_low(rate)} to {formats.percent(rate.high)}",
        formats.count(rate.of),
        rate.is_faint,
        start,
        end,
        at,
        details,
    )


def _low(rate: Rate) -> str:
    return f"{rate.low * 100:.1f}" if rate.low else "0"


def _details(
    column: Fault, score: Score, filters: Mapping[str, str] | None, address: Address
) -> Iterator[Detail]:
    for each in DETAILS.get(column.name, ()):
        found = score.rate(each.name).found
        if found:
            href = _receipts(each, found, filters, address)
            yield Detail(f"{formats.count(found)} {each.label}", href)
    if column.name == FAILED:
        if score.attempts:
            yield Detail(plural(score.attempts, "failed attempt"), "")
        for status, count in sorted(score.statuses.items()):
            if status.isdigit():
                yield Detail(f"{formats.count(count)} with status {status}", "")


def _receipts(fault: Fault, found: int, filters: Mapping[str, str] | None, address: Address) -> str:
    if found <= 0 or filters is None:
        return ""
    name, value = fault.filters
    return address.receipts(**filters, **{name: value})


def _tallest(host: Host, column: str) -> float:
    rates = (score.rate(column) for score in host.days.values())
    return max((rate.share or 0.0 for rate in rates), default=0.0)


def _days(  # noqa: PLR0917 - all that a trend is made of
    host: Host,
    drawn: Fault,
    tallest: float,
    span: Sequence[int],
    filters: Mapping[str, str] | None,
    address: Address,
) -> Iterator[Day]:
    """One bar for each day with requests that the column applies to, all hosts on one scale."""
    first, number = span[0], span[-1] - span[0] + 1
    for day, score in sorted(host.days.items()):
        rate = score.rate(drawn.name)
        if not rate.of:
            continue
        begin = day_of(day)
        times = {"since": iso(begin), "until": iso(day_of(day + 1))}
        share = rate.share or 0.0
        yield Day(
            100 * (day - first) / number,
            90 / number,
            # At least a sliver, so that a day without a fault is told from one without requests.
            100 - max(100 * share / tallest if tallest else 0.0, 4.0),
            rate.is_faint,
            f"{begin:%Y-%m-%d}: {formats.percent(share)} of {formats.count(rate.of)}",
            _receipts(drawn, rate.found, filters and {**filters, **times}, address),
        )
