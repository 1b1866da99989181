"""`pointsman log`: receipts, newest last, and as they come with `--follow`."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.text import Text

from app.cli.terminal import Console, Table, print_json
from app.errors import SettingsError
from app.ledger import moments
from app.ledger.receipt import as_json_object
from app.shown import json_text

if TYPE_CHECKING:
    from app.ledger.store import Store

Shown = Mapping[str, Any]

_VERDICTS = {"kept": "green", "broken": "bold red", "unproven": "yellow"}
_FOLLOW_SECONDS = 0.3
_NOTHING_YET = "No receipts yet; send a request through Pointsman, or set --ledger."
_NONE_FITS = "No receipt matches; write models and providers in full."


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table, shown where the terminal has this many characters a line."""

    heading: str
    cell: Callable[[Shown], Text]
    justify: Literal["left", "right"] = "left"
    from_width: int = 0
    min_width: int | None = None  # so that what is added later stays in line
    shrinks: bool = False  # where lines are too short for a long name, at its cost alone


def log(
    store: "Store", *, follow: bool, as_json: bool, limit: int, filters: Mapping[str, Any]
) -> None:
    """Print the newest receipts; with `follow`, go on as new ones are written, until Ctrl-C."""
    console = Console()
    cursor = store.end()
    found = [as_json_object(receipt) for receipt in store.recent(limit=limit, **filters)][::-1]
    if not (found or follow or as_json):
        empty = not store.recent(limit=1)
        console.print(_NOTHING_YET if empty else _NONE_FITS)
    _print(found, console, as_json=as_json)
    headings = not found
    while follow:
        time.sleep(_FOLLOW_SECONDS)
        cursor, written = store.written_after(cursor)
        fresh = [as_json_object(receipt) for receipt in written]
        wanted = [each for each in fresh if fits(each, filters)]
        _print(wanted, console, as_json=as_json, headings=headings)
        headings = headings and not wanted


def show_one(store: "Store", receipt_id: str) -> None:
    """Print one receipt in full. Raises `SettingsError` where the ledger has none of that id."""
    receipt = store.get(receipt_id)
    if receipt is None:
        raise SettingsError(f"the ledger has no receipt {receipt_id}")
    table = Table(show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for name, value in as_json_object(receipt).items():
        if value not in (None, [], {}):
            text = value if isinstance(value, str) else json_text(value)
            table.add_row(Text(name, style="dim"), Text(text, style=style_of(text)))
    Console().print(table)


def show(receipts: Iterable[Shown], console: Console, *, headings: bool = True) -> None:
    """Print receipts as a table, with as many columns as the terminal has room for."""
    columns = [column for column in _COLUMNS if console.width >= column.from_width]
    table = Table(show_header=headings)
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


def style_of(verdict: str) -> str:
    """The colour that a verdict has everywhere."""
    return _VERDICTS.get(verdict, "")


def _time(receipt: Shown) -> Text:
    started = datetime.fromisoformat(receipt["started_at"]).astimezone()
    return Text(f"{started:%H:%M:%S}", style="dim")


def _verdict(receipt: Shown) -> Text:
    verdict = receipt["verdict"] or "-"
    return Text(verdict, style=style_of(verdict) or "dim")


def _model(receipt: Shown) -> Text:
    asked = receipt["model_asked"] or "-"
    renamed = receipt["alias"] and f"{receipt['alias']} > {receipt['model_sent']}"
    return Text(renamed or asked)


def _served(receipt: Shown) -> Text:
    """Who served, at which listed quantization; or why nobody did."""
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
    Column("verdict", _verdict, min_width=8),
    Column("model", _model, min_width=28, shrinks=True),
    Column("served by, listed as", _served, min_width=22, shrinks=True),
    Column("TTFT", lambda receipt: Text(_seconds(receipt["ttft_ms"])), "right"),
    Column("tokens", lambda receipt: Text(_tokens(receipt)), "right", from_width=90),
    Column("cost", lambda receipt: Text(_dollars(receipt["cost_usd"])), "right", from_width=100),
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


def fits(receipt: Shown, filters: Mapping[str, Any]) -> bool:
    """Whether a receipt is wanted; `since` never speaks of what is yet to come."""
    models = ("model_asked", "model_sent", "model_served")
    return all(
        wanted is None
        or name == "since"
        or wanted in [receipt[each] for each in (models if name == "model" else (name,))]
        for name, wanted in filters.items()
    )


def moment(text: str, now: datetime | None = None, *, option: str = "--since") -> datetime:
    """A moment from `24h`, `30m`, `7d`, or an ISO date. Raises `SettingsError`."""
    try:
        return moments.moment(text, now)
    except ValueError as error:
        raise SettingsError(f"{option} {error}") from None
