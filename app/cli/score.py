"""`pointsman score`: shows how often each host was at fault, and how sure that is."""

from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from ..ledger.faults import ANY, COLUMNS, Fault
from ..ledger.rates import FEWEST, Rate
from ..ledger.scorecard import (
    MOST_READ,
    Host,
    HostDimension,
    ModelScore,
    Score,
    Scorecard,
    scorecard_as_json,
)
from ..shown import one_line
from .stats import number, percent
from .terminal import Console, Table, lines, print_json

_ON_ONE_LINE = 110  # columns of a terminal
_LONGEST_NAME = 24
_READ_IT_SO = (
    f"rate, 95 % interval, requests; surest fault first; faint: fewer than {FEWEST} requests"
)
_HEADINGS: Mapping[HostDimension, str] = {"quantization": "listed"}
_DROPPED_FIRST = (ANY, "ending", "text", "json")  # columns, where there is no room for all


def print_scorecard(card: Scorecard, *, as_json: bool, console: Console | None = None) -> None:
    """Print a table for each model, or one JSON object."""
    if as_json:
        print_json(scorecard_as_json(card))
        return
    console = console or Console()
    if not card.models:
        console.print("No request to a host matches; choose a longer time with --since 30d.")
        return
    for model in card.models:
        console.print(Text(one_line(model.model or "no model"), style="bold"))
        table, dropped = _table(model, card.by, console.width)
        console.print(table)
        if dropped:
            console.print(Text(f"no room for: {', '.join(dropped)}", style="dim"))
        console.print()
    for note in _notes(card):
        console.print(Text(note, style="dim"))


def _notes(card: Scorecard) -> Iterable[str]:
    yield _READ_IT_SO
    if "quantization" in card.by:
        yield "quantizations as listed by OpenRouter, not measured"
    if card.cut:
        yield f"the newest {MOST_READ:,} requests; older ones are left out"


def _table(
    model: ModelScore, by: Sequence[HostDimension], width: int
) -> tuple[Table, Sequence[str]]:
    """The hosts of a model, and the columns that there is no room for."""
    is_wide = width >= _ON_ONE_LINE
    rows = [(_names(host), host.score) for host in model.hosts]
    if len(rows) > 1:
        rows.append((["all", *[""] * (len(by) - 1)], model.total))
    headings = [_HEADINGS.get(name, name) for name in by]
    gap = 2 if is_wide else 1
    widths = [
        max(
            min(cell_len(each[place]), _LONGEST_NAME)
            for each in (headings, *(names for names, _ in rows))
        )
        for place in range(len(by))
    ]
    shown = [column for column in COLUMNS if model.total.rate(column.name).of]
    dropped = []
    for name in _DROPPED_FIRST:
        needed = sum(widths) + sum(_width(column, rows, is_wide=is_wide) for column in shown)
        if needed + gap * (len(by) + len(shown) - 1) > width:
            dropped += [column.label for column in shown if column.name == name]
            shown = [column for column in shown if column.name != name]
    table = Table(gap=gap)
    for heading, given in zip(headings, widths, strict=True):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=given)
    for column in shown:
        table.add_column(column.label, justify="right", no_wrap=True)
    for names, score in rows:
        cells = (_cell(score.rate(column.name), is_wide=is_wide) for column in shown)
        table.add_row(*map(Text, names), *cells)
    return table, dropped


def _names(host: Host) -> list[str]:
    return [one_line(name or "-") for name in host.names]


def _width(column: Fault, rows: Iterable[tuple[Sequence[str], Score]], *, is_wide: bool) -> int:
    parts = (_parts(score.rate(column.name), exact=is_wide) for _, score in rows)
    return max(
        cell_len(column.label),
        *(len(" ".join(each)) if is_wide else max(map(len, each)) for each in parts),
    )


def _cell(rate: Rate, *, is_wide: bool) -> RenderableType:
    """A rate on one line, or on two."""
    share, rest = _parts(rate, exact=is_wide)
    style = "dim" if rate.is_faint else "bold" if rate.found else ""
    if is_wide:
        return Text.assemble((share, style), " ", (rest, "dim"))
    return lines(Text(share, style=style), Text(rest, style="dim"))


def _parts(rate: Rate, *, exact: bool) -> tuple[str, str]:
    """The rate; its interval and the requests that it is of."""
    if not rate.of:
        return "-", ""
    low, high = (_whole(each, exact=exact) for each in (rate.low, rate.high))
    return percent(rate.share), f"{low}-{high}% {number(rate.of)}"


def _whole(share: float, *, exact: bool) -> str:
    """A whole percentage; if `exact`, one below 1 has a digit after the point."""
    return f"{share * 100:.{int(exact and 0 < share < 0.01)}f}"  # noqa: PLR2004
