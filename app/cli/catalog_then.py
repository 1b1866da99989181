"""`pointsman catalog --at` and `--history`: listings as they were, from the ledger."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from ..catalog.catalog import EMPTY, listing_key
from ..catalog.changes import changes
from ..catalog.snapshot import Snapshot
from ..errors import SettingsError
from ..ledger.moments import moment
from ..ledger.receipt import Receipt
from ..settings import Settings
from ..wording import plural
from .catalog import endpoints_table, meant, save_snapshot
from .ledgers import to_read
from .listed_then import Then, at_minute, history, of_model, of_receipt
from .log import found
from .terminal import Console, Table

if TYPE_CHECKING:
    from ..ledger.store import Store

MOST_CHANGES = 100  # listings of one model that `--history` compares
_NOTHING = "listings are kept from the first request on that is judged by them"


def show_then(settings: Settings, models: Sequence[str], *, at: str, save: Path | None) -> int:
    """Print the listings of models as of a time or of a receipt; the exit code is 1 without one.

    Without models, the listing that the receipt was judged by. Raises `SettingsError`.
    """
    store = to_read(settings)
    when = _when(store, at)
    if models:
        then_at = when.started_at if isinstance(when, Receipt) else when
        keys = list(map(listing_key, meant(models, settings)))
        thens = {key: of_model(store, key, then_at) for key in keys}
    elif isinstance(when, Receipt):
        thens = {when.id: of_receipt(store, when)}
    else:
        raise SettingsError("name a model, or a receipt: pointsman catalog --at RECEIPT")
    console = Console()
    for name, then in thens.items():
        if then is None:
            console.print(f"{name}: no listing of then is kept; {_NOTHING}")
        else:
            _print(console, then)
    kept = [then for then in thens.values() if then is not None]
    if save is not None and kept:
        save_snapshot(_snapshot(kept), save)
        console.print(f"wrote {save}: the endpoints of {plural(len(kept), 'model')}")
    return 1 if len(kept) < len(thens) else 0


def show_history(settings: Settings, models: Sequence[str]) -> int:
    """Print the changes of each model's listing; the exit code is 1 if none is kept of one."""
    if not models:
        raise SettingsError("name a model: pointsman catalog MODEL --history")
    store = to_read(settings)
    console = Console()
    keys = list(map(listing_key, meant(models, settings)))
    unknown = [key for key in keys if not _print_history(console, store, key)]
    return 1 if unknown else 0


def _when(store: "Store", at: str) -> datetime | Receipt:
    try:
        return moment(at)
    except ValueError as no_time:
        try:
            return found(store, at)
        except SettingsError as no_receipt:
            raise SettingsError(f"--at: {no_time}; and {no_receipt}") from None


def _print(console: Console, then: Then) -> None:
    listing = then.added_to(EMPTY).listings[then.model]
    console.print(Text.assemble((then.model, "bold"), f"  {then}"))
    console.print(endpoints_table(console, listing.endpoints))


def _snapshot(thens: Sequence[Then]) -> Snapshot:
    oldest = min(then.seen_at for then in thens)
    rows = {then.model: then.rows for then in thens}
    return Snapshot(fetched_at=oldest.isoformat(timespec="seconds"), models=[], endpoints=rows)


def _print_history(console: Console, store: "Store", model: str) -> bool:
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    before: Then | None = None
    for then in history(store, model, limit=MOST_CHANGES):
        if before is None:
            told = [f"listed with {plural(len(then.rows), 'endpoint')}"]
        else:
            told = list(map(str, changes(before.rows, then.rows)))
        for number, line in enumerate(told):
            table.add_row(Text("" if number else at_minute(then.seen_at), style="dim"), Text(line))
        before = then
    if before is None:
        console.print(f"{model}: no listing is kept; {_NOTHING}")
        return False
    console.print(Text(model, style="bold"))
    console.print(table)
    return True
