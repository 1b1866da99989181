"""`pointsman stats`: shows which providers serve you, their quality and their cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, Literal, TypeVar

from rich.cells import cell_len
from rich.text import Text

from ..ledger.stats import Figures, Stats, stats_as_json
from ..shown import one_line
from .log_table import style_of
from .terminal import Console, Table, print_json

_WIDE = 100
_SHORT_NAME = 10
_EXTRA = 4  # columns from this rank on are shown only if no name is cut for them
_BAR = 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_MANY_ERRORS = 0.05
_UNITS = "kMGTPEZY"  # enough for the largest possible sum


F = TypeVar("F")
Row = tuple[tuple[str, ...], F, float]  # names, figures, share


@dataclass(frozen=True, slots=True)
class Column(Generic[F]):
    """One column of figures; if there is no room for all, those of the highest rank are dropped."""

    heading: str
    cell: Callable[[F, float], Text]
    rank: int = 0
    justify: Literal["left", "right"] = "right"


def print_stats(stats: Stats, *, as_json: bool, console: Console | None = None) -> None:
    """Print groups and their total: as a table, or as one JSON object."""
    if as_json:
        print_json(stats_as_json(stats))
        return
    console = console or Console()
    if not stats.total.requests:
        console.print("No receipt matches; send a request through Pointsman, or set --ledger.")
        return
    console.print(table_of(stats, console.width))
    for note in notes_on(stats):
        console.print(Text(note, style="dim"))


def table_of(stats: Stats, width: int) -> Table:
    """The groups, most requests first, with as many columns as there is room for."""
    rows = [(names_of(each.names), each.figures, each.share) for each in stats.groups if stats.by]
    return figures_table(stats.by, rows, stats.total, _COLUMNS, width)


def names_of(names: Sequence[str | None]) -> tuple[str, ...]:
    """The names of a group, each in one line."""
    return tuple(one_line(name or "-") for name in names)


def figures_table(
    by: Sequence[str],
    rows: Sequence[Row[F]],
    total: F,
    columns: Sequence[Column[F]],
    width: int,
) -> Table:
    """Groups and their total, with as many columns as there is room for."""
    last = (("all", *[""] * (len(by) - 1))[: len(by)], total, 1.0)
    gap = 2 if width >= _WIDE else 1
    chosen, names_widths = _fitting([*rows, last], by, columns, width=width, gap=gap)
    table = Table(gap=gap)
    for name, given in zip(by, names_widths, strict=True):
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=given, max_width=given)
    for column, needed in chosen.items():
        table.add_column(column.heading, justify=column.justify, no_wrap=True, min_width=needed)
    for names, figures, share in [*rows, last]:
        table.add_row(
            *(Text(name) for name in names),
            *(column.cell(figures, share) for column in chosen),
            style="bold" if figures is total and rows else "",
        )
    return table


def _fitting(
    rows: Sequence[Row[F]],
    by: Sequence[str],
    columns: Sequence[Column[F]],
    *,
    width: int,
    gap: int,
) -> tuple[dict[Column[F], int], list[int]]:
    """The columns that fit a line, each with its width, and the widths left for names."""
    names = [
        max(cell_len(heading), *(cell_len(row[0][place]) for row in rows))
        for place, heading in enumerate(by)
    ]
    left = width - sum(min(each, _SHORT_NAME) + gap for each in names)
    chosen: dict[Column[F], int] = {}
    for column in sorted(columns, key=lambda each: each.rank):
        cells = (column.cell(figures, share).cell_len for _, figures, share in rows)
        needed = max(cell_len(column.heading), *cells)
        room = left - sum(names) + sum(min(each, _SHORT_NAME) for each in names)
        if needed + gap <= (left if column.rank < _EXTRA else room):
            left -= needed + gap
            chosen[column] = needed
    widths = [min(each, _SHORT_NAME) for each in names]
    while left > 0 and widths != names:
        place = min((at for at in range(len(by)) if widths[at] < names[at]), key=widths.__getitem__)
        widths[place] += 1
        left -= 1
    return {column: chosen[column] for column in columns if column in chosen}, widths


def notes_on(stats: Stats) -> list[str]:
    """The notes that are needed to understand the table."""
    notes = []
    if stats.since or stats.until:
        since = f"from {stats.since.astimezone():%Y-%m-%d %H:%M} " if stats.since else ""
        until = f"until {stats.until.astimezone():%Y-%m-%d %H:%M}" if stats.until else ""
        notes.append(f"{since}{until}".strip())
    if "rule" in stats.by:
        notes.append("a request counts for each rule that applied, and once in the total")
    if "quantization" in stats.by:
        notes.append("quantizations as listed by OpenRouter, not measured")
    return notes


def _text(text: str, style: str = "") -> Text:
    return Text(text, style=style)


def _share(_: Figures, share: float) -> Text:
    return _text(percent(share))


def _bar(_: Figures, share: float) -> Text:
    eighths = round(share * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return _text(("█" * full + _EIGHTHS[rest].strip()).ljust(_BAR), "cyan")


def _errors(figures: Figures, _: float) -> Text:
    rate = figures.error_rate
    return _text(percent(rate), "red" if rate and rate >= _MANY_ERRORS else "")


def _count(count: int, verdict: str) -> Text:
    return _text(number(count) if count else "-", style_of(verdict) if count else "dim")


def _lost(figures: Figures, _: float) -> Text:
    if not figures.flip_tokens:
        return _text("-", "dim")
    return _text(f"{number(figures.flip_tokens)}, ~{dollars(figures.flip_usd)}")


def percent(share: float | None) -> str:
    """A share for people: 0.4 %, 12 %, 100 %."""
    if share is None:
        return "-"
    few = 0 < share < 0.1 or 0.99 < share < 1  # noqa: PLR2004 - where a whole percent says little
    return f"{share * 100:.1f}%" if few else f"{share * 100:.0f}%"


def number(count: int) -> str:
    """A count in at most four characters, or five: 9876, 14k, 1.2M."""
    if count < 10_000:  # noqa: PLR2004 - four digits are read at a glance
        return str(count)
    unit, units, scaled = "", iter(_UNITS), float(count)
    while scaled >= 999.5 and unit != _UNITS[-1]:  # noqa: PLR2004 - what does not round to three digits
        unit, scaled = next(units), scaled / 1000
    return f"{scaled:.1f}{unit}" if scaled < 9.95 else f"{scaled:.0f}{unit}"  # noqa: PLR2004


def dollars(cost: Decimal | None) -> str:
    """Money with as many decimal places as are useful."""
    if cost is None:
        return "-"
    places = 2 if cost >= 1 or not cost else 4 if cost >= Decimal("0.01") else 6
    return f"${cost:.{places}f}"


def _seconds(milliseconds: float | None) -> Text:
    return _text("-" if milliseconds is None else f"{milliseconds / 1000:.2f}s")


def _speed(speed: float | None) -> Text:
    return _text("-" if speed is None else f"{speed:.0f}")


_COLUMNS: tuple[Column[Figures], ...] = (
    Column("reqs", lambda figures, _: _text(number(figures.requests))),
    Column("share", _share, 1),
    Column("", _bar, 7, "left"),
    Column("errors", _errors, 1),
    Column("TTFT", lambda figures, _: _seconds(figures.ttft_p50_ms), 1),
    Column("p95", lambda figures, _: _seconds(figures.ttft_p95_ms), 5),
    Column("tok/s", lambda figures, _: _speed(figures.tokens_per_second_p50), 2),
    Column("cached", lambda figures, _: _text(percent(figures.cached_share)), 3),
    Column("cost", lambda figures, _: _text(dollars(figures.cost_usd)), 1),
    Column("per 1k", lambda figures, _: _text(dollars(figures.cost_per_1k_tokens)), 6),
    Column("kept", lambda figures, _: _count(figures.verdicts.kept, "kept"), 9),
    Column("broken", lambda figures, _: _count(figures.verdicts.broken, "broken"), 2),
    Column("unproven", lambda figures, _: _count(figures.verdicts.unproven, "unproven"), 10),
    Column("flips", lambda figures, _: _count(figures.flips, ""), 4),
    Column("lost by flips", _lost, 8),
)
