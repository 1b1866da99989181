"""Receipts as a table: a line each, with as many columns as the terminal has room for."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from rich.text import Text

from .terminal import Console, Table

Shown = Mapping[str, Any]

_VERDICTS = {"kept": "green", "broken": "bold red", "unproven": "yellow"}
_SHORT = 8  # characters of an id
_WIDE = 100  # characters per line needed to show a model with its author
_GAP = 2
_LEAST = 9  # characters of a column that shrinks, before a column of figures is left out
_ERROR = 400  # and above: a status of an error


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table, shown if the terminal is wide enough."""

    heading: str
    cell: Callable[[Shown], Text]
    justify: Literal["left", "right"] = "left"
    from_width: int = 0
    to_width: int = sys.maxsize
    min_width: int = 0  # where there is room: keeps rows that are added later aligned
    shrinks: bool = False  # if lines are too short, only such columns shrink
    rank: int = 0  # if they can't shrink enough, the column of the highest rank is left out


def show(receipts: Iterable[Shown], console: Console, *, headings: bool = True) -> None:
    """Print receipts as a table; no figure is ever cut."""
    columns = [each for each in _COLUMNS if each.from_width <= console.width <= each.to_width]
    rows = [[column.cell(receipt) for column in columns] for receipt in receipts]
    table = Table(gap=_GAP, show_header=headings)
    fitting = _fitting(columns, rows, console.width)
    for place, width in fitting.items():
        column = columns[place]
        table.add_column(
            column.heading,
            justify=column.justify,
            no_wrap=True,
            overflow="ellipsis",
            min_width=width,
            max_width=width,
        )
    for row in rows:
        for cell in row:
            cell.no_wrap = True
        table.add_row(*(row[place] for place in fitting))
    console.print(table)


def _fitting(
    columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int
) -> dict[int, int]:
    """The places of the columns that fit a line, each with its width."""
    widths = {
        place: max(len(column.heading), column.min_width, *(row[place].cell_len for row in rows))
        for place, column in enumerate(columns)
    }
    kept = dict(widths)

    def least() -> int:
        shrunk = (min(each, _LEAST) if columns[at].shrinks else each for at, each in kept.items())
        return sum(shrunk) + _GAP * (len(kept) - 1)

    for place in sorted(kept, key=lambda at: -columns[at].rank):
        if columns[place].rank and least() > width:
            del kept[place]
    while sum(kept.values()) + _GAP * (len(kept) - 1) > width:
        place = max((at for at in kept if columns[at].shrinks), key=kept.__getitem__)
        if kept[place] == 1:
            break
        kept[place] -= 1
    return kept


def short(receipt_id: str) -> str:
    """The end of an id, which is enough to name a recent receipt."""
    return receipt_id[-_SHORT:]


def style_of(verdict: str) -> str:
    """The colour of a verdict, the same everywhere."""
    return _VERDICTS.get(verdict, "")


def moment(when: datetime) -> str:
    """A local date and time."""
    return f"{when.astimezone():%Y-%m-%d %H:%M:%S}"


def _time(receipt: Shown) -> Text:
    """A time of day today, otherwise a date as short as it can be."""
    local = datetime.fromisoformat(receipt["started_at"]).astimezone()
    today = datetime.now().astimezone()
    form = "%m-%d %H:%M" if local.year == today.year else "%Y-%m-%d"
    form = "%H:%M:%S" if local.date() == today.date() else form
    return Text(f"{local:{form}}", style="dim")


def _id(receipt: Shown) -> Text:
    return Text(short(receipt["id"]), style="dim")


def _verdict(receipt: Shown) -> Text:
    verdict = receipt["verdict"] or "-"
    return Text(verdict, style=style_of(verdict) or "dim")


def _model(receipt: Shown) -> Text:
    """The alias and its model, or the requested model; the path if no policy applies to it."""
    if receipt["alias"]:
        return Text(f"{receipt['alias']} > {receipt['model_sent']}")
    return Text(receipt["model_asked"] or receipt["path"] or "-")


def _model_in_short(receipt: Shown) -> Text:
    """The same without a model's author."""
    if receipt["alias"]:
        return Text(receipt["alias"])
    asked = receipt["model_asked"]
    return Text(asked.rpartition("/")[2] if asked else receipt["path"] or "-")


def _served(receipt: Shown) -> Text:
    """The provider that served and its listed quantization; or why no provider served."""
    code, status = receipt["error_code"], receipt["status"]
    if receipt["provider"] is None and receipt["ending"] == "complete" and (status or 0) < _ERROR:
        return Text(receipt["reason"] or "provider not named", style="dim")
    if receipt["provider"] is None:
        why = "upstream error" if code == str(status) else code or receipt["ending"]
        return Text(f"{status or ''} {why}".strip(), style="red")
    served = Text(", ".join([receipt["provider"], *receipt["quantizations_listed"]]))
    if receipt["ending"] != "complete":
        served.append(f" ({receipt['ending']})", style="red")
    return served


def _rules(receipt: Shown) -> Text:
    return Text(", ".join(receipt["rules"]) or "-", style="dim")


def _seconds(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds / 1000:.2f}s"


def _tokens(receipt: Shown) -> str:
    if receipt["prompt_tokens"] is None:
        return "-"
    return f"{receipt['prompt_tokens']}+{receipt['completion_tokens'] or 0}"


def _paid(receipt: Shown) -> float | None:
    """What was paid, as `paid_usd`."""
    own = receipt["upstream_cost_usd"] if receipt["is_byok"] else None
    cost: float | None = receipt["cost_usd"]
    return cost if own is None else (cost or 0) + own


def _dollars(cost: float | None) -> str:
    return "-" if cost is None else f"${cost:.6f}"


_COLUMNS = (
    Column("time", _time),
    Column("id", _id),
    Column("verdict", _verdict, min_width=8),
    Column("model", _model_in_short, to_width=_WIDE - 1, min_width=12, shrinks=True),
    Column("model", _model, from_width=_WIDE, min_width=22, shrinks=True),
    Column("served by, listed as", _served, from_width=_WIDE, min_width=20, shrinks=True),
    Column("served by", _served, to_width=_WIDE - 1, min_width=12, shrinks=True),
    Column("TTFT", lambda receipt: Text(_seconds(receipt["ttft_ms"])), "right", rank=1),
    Column("tokens", lambda receipt: Text(_tokens(receipt)), "right", from_width=110, rank=3),
    Column("cost", lambda receipt: Text(_dollars(_paid(receipt))), "right", rank=2),
    Column("rules", _rules, from_width=120, shrinks=True, rank=4),
)
