"""`pointsman log`: prints receipts, newest last, and new ones as they arrive with `--follow`."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.console import RenderableType
from rich.text import Text

from app.cli.terminal import Console, Table, for_tables, lines, print_json
from app.cli.words import command, without_password
from app.dashboard.receipt_view import Fact, whole_of
from app.errors import SettingsError
from app.ledger.receipt import NAMED_BY_END, Receipt, as_json_object
from app.ledger.wanted import Wanted
from app.wording import some_names

if TYPE_CHECKING:
    from app.ledger.store import Store

Shown = Mapping[str, Any]

_VERDICTS = {"kept": "green", "broken": "bold red", "unproven": "yellow"}
_FOLLOW_SECONDS = 0.3
_SHORT = 8  # characters of an id
_WIDE = 100  # characters per line needed to show a model with its author
_NONE_FITS = "No receipt matches these filters; 'qwen/*' matches any model of qwen."


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table, shown if the terminal is wide enough."""

    heading: str
    cell: Callable[[Shown], Text]
    justify: Literal["left", "right"] = "left"
    from_width: int = 0
    to_width: int = sys.maxsize
    min_width: int | None = None  # keeps rows that are added later aligned
    shrinks: bool = False  # if lines are too short for a long name, only this column shrinks


def log(store: "Store", wanted: Wanted, *, follow: bool, as_json: bool, limit: int) -> None:
    """Print the newest receipts; with `follow`, go on as new ones are written, until Ctrl-C.

    Nothing is cut in output to a pipe or a file.
    """
    console = for_tables()
    cursor = store.end()
    newest = [as_json_object(receipt) for receipt in store.recent(wanted, limit=limit)][::-1]
    if not (newest or follow or as_json):
        empty = not store.recent(limit=1)
        console.print(nothing_yet(store) if empty else _NONE_FITS)
    _print(newest, console, as_json=as_json)
    headings = not newest
    to_come = replace(wanted, since=None)  # selects among the receipts that exist already
    while follow:
        time.sleep(_FOLLOW_SECONDS)
        cursor, written = store.written_after(cursor)
        fresh = [as_json_object(receipt) for receipt in written if to_come.fits(receipt)]
        _print(fresh, console, as_json=as_json, headings=headings)
        headings = headings and not fresh


def show_one(store: "Store", name: str) -> None:
    """Print one receipt in full. Raises `SettingsError` if the ledger has none of that name."""
    console, receipt = Console(), found(store, name)
    whole = whole_of(receipt)
    verdict = receipt.verdict or "no verdict"
    head = Text(f"{receipt.id}  {_moment(receipt.started_at)}  ")
    console.print(head.append(verdict, style=style_of(verdict)))
    console.print(whole.headline)
    for section in whole.sections:
        facts = Table(show_header=False)
        facts.add_column(min_width=16)
        facts.add_column(overflow="fold")
        for fact in section.facts:
            facts.add_row(Text(fact.label, style="dim"), _value(fact))
        _print_section(console, section.title, facts)
    for title, rows in (("Attempts", whole.attempts), ("Overruled", whole.overruled)):
        if rows:
            _print_section(console, title, _table_of(rows))
    if whole.evidence:
        _print_section(console, "Evidence", *whole.evidence)
    if receipt.generation_id:
        again = f"{command()} verify {short(receipt.id)}"
        console.print(Text(f"\nJudge it again by OpenRouter's own record: {again}", style="dim"))


def found(store: "Store", name: str) -> Receipt:
    """Return the receipt that a command line names: by its id, the end of its id, or `last`.

    Raises `SettingsError` if there is none, or several.
    """
    receipts = store.named(name)
    if not receipts and not store.recent(limit=1):
        raise SettingsError(nothing_yet(store))
    if not receipts:
        raise SettingsError(
            f"{without_password(store.url)} has no receipt {name}; {command()} log lists the ids, "
            "of which the last four characters or more are enough. The whole id is required for "
            f"receipts that are older than the newest {NAMED_BY_END:,}"
        )
    if len(receipts) > 1:
        raise SettingsError(
            f"several receipts end in {name}: {some_names([each.id for each in receipts])}"
        )
    return receipts[0]


def nothing_yet(store: "Store") -> str:
    """The message of a command that shows receipts of an empty ledger."""
    return (
        f"no receipts in {without_password(store.url)} yet; send a request through Pointsman, "
        "or set another ledger with --ledger"
    )


def short(receipt_id: str) -> str:
    """The end of an id, which is enough to name a recent receipt."""
    return receipt_id[-_SHORT:]


def show(receipts: Iterable[Shown], console: Console, *, headings: bool = True) -> None:
    """Print receipts as a table, with as many columns as the terminal has room for."""
    columns = [each for each in _COLUMNS if each.from_width <= console.width <= each.to_width]
    table = Table(gap=2 if console.width >= _WIDE else 1, show_header=headings)
    for column in columns:
        table.add_column(
            column.heading,
            justify=column.justify,
            no_wrap=not column.shrinks,
            overflow="ellipsis",
            min_width=column.min_width,
        )
    for receipt in receipts:
        cells = [column.cell(receipt) for column in columns]
        for cell in cells:
            cell.no_wrap = True
        table.add_row(*cells)
    console.print(table)


def _value(fact: Fact) -> RenderableType:
    """A fact's value on one line, unless it is our own JSON."""
    return lines(*map(Text, fact.value.split("\n"))) if fact.block else Text(fact.value)


def _print_section(console: Console, title: str, *inside: RenderableType) -> None:
    console.print()
    console.print(Text(title, style="bold"))
    for each in inside:
        console.print(each)


def _table_of(rows: Iterable[Mapping[str, str]]) -> Table:
    table = Table()
    for place, row in enumerate(rows):
        if not place:
            for name in row:
                table.add_column(name, overflow="fold")
        table.add_row(*map(Text, row.values()))
    return table


def style_of(verdict: str) -> str:
    """The colour of a verdict, the same everywhere."""
    return _VERDICTS.get(verdict, "")


def _time(receipt: Shown) -> Text:
    return Text(_moment(datetime.fromisoformat(receipt["started_at"])), style="dim")


def _moment(moment: datetime) -> str:
    """A time of day, with its date if that is not today."""
    local, today = moment.astimezone(), datetime.now().astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%m-%d %H:%M:%S}" if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"


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
    if receipt["provider"] is None:
        code, status = receipt["error_code"], receipt["status"]
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
    Column("TTFT", lambda receipt: Text(_seconds(receipt["ttft_ms"])), "right"),
    Column("tokens", lambda receipt: Text(_tokens(receipt)), "right", from_width=110),
    Column("cost", lambda receipt: Text(_dollars(receipt["cost_usd"])), "right"),
    Column("rules", _rules, from_width=120, shrinks=True),
)


def _print(
    receipts: list[dict[str, Any]], console: Console, *, as_json: bool, headings: bool = True
) -> None:
    if as_json:
        for receipt in receipts:
            print_json(receipt)
    elif receipts:
        show(receipts, console, headings=headings)
