"""`pointsman log`: prints receipts, newest last, and new ones as they arrive with `--follow`."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from ..dashboard.receipt_view import Fact, whole_of
from ..errors import SettingsError
from ..ledger.address import without_password
from ..ledger.receipt import NAMED_BY_END, Receipt, as_json_object
from ..ledger.wanted import Wanted
from ..wording import some_names
from .log_table import moment, short, show, style_of
from .terminal import Console, Table, lines, print_json
from .words import command

if TYPE_CHECKING:
    from ..ledger.store import Store

_FOLLOW_SECONDS = 0.3
_NONE_FITS = "No receipt matches these filters; 'qwen/*' matches any model of qwen."


def log(store: "Store", wanted: Wanted, *, follow: bool, as_json: bool, limit: int) -> None:
    """Print the newest receipts; with `follow`, go on as new ones are written, until Ctrl-C."""
    console = Console()
    cursor = store.end()
    newest = [as_json_object(receipt) for receipt in store.recent(wanted, limit=limit)][::-1]
    if not (newest or follow or as_json):
        empty = not store.recent(limit=1)
        console.print(nothing_yet(store) if empty else _NONE_FITS)
    _print(newest, console, as_json=as_json)
    headings = not newest
    asked = Wanted(audit=wanted.audit)
    to_come = replace(wanted, since=None)  # selects among the receipts that exist already
    while follow:
        time.sleep(_FOLLOW_SECONDS)
        cursor, written = store.written_after(cursor, asked)
        fresh = [as_json_object(receipt) for receipt in written if to_come.fits(receipt)]
        _print(fresh, console, as_json=as_json, headings=headings)
        headings = headings and not fresh


def show_one(store: "Store", name: str, *, as_json: bool = False) -> None:
    """Print one receipt in full. Raises `SettingsError` if the ledger has none of that name."""
    console, receipt = Console(), found(store, name)
    if as_json:
        print_json(as_json_object(receipt))
        return
    whole = whole_of(receipt)
    verdict = receipt.verdict or "no verdict"
    head = Text(f"{receipt.id}  {moment(receipt.started_at)}  ")
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
    _print_next(console, receipt)


def _print_next(console: Console, receipt: Receipt) -> None:
    """Print the commands that say more about a receipt."""
    name, further = short(receipt.id), Table(show_header=False)
    if receipt.generation_id:
        further.add_row("Judge it again by OpenRouter's own record:", f"{command()} verify {name}")
    if receipt.model_asked:
        further.add_row("What the policies make of it today:", f"{command()} explain {name}")
    if further.row_count:
        console.print()
        console.print(further, style="dim")


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


def _print(
    receipts: list[dict[str, Any]], console: Console, *, as_json: bool, headings: bool = True
) -> None:
    if as_json:
        for receipt in receipts:
            print_json(receipt)
    elif receipts:
        show(receipts, console, headings=headings)
