"""The request that `pointsman explain` is about: of a model by name, or of a receipt.

Rule 1  A name that is a model's or an alias's means the model, whatever receipts there are.
Rule 2  Any other name means a receipt, found as by `pointsman log`.
"""

from contextlib import closing
from dataclasses import dataclass

from ..catalog.catalog import EMPTY, Catalog
from ..errors import SettingsError
from ..ledger.receipt import Receipt
from ..policy.book import Book
from ..policy.known_names import is_model
from ..policy.other_routes import OTHER_ROUTES, OtherRoute
from ..settings import Settings
from ..wire.dialect import DIALECTS
from .log import found

_LAST, _WHOLE = "last", "rcp_"  # the newest receipt, and the beginning of every whole id


@dataclass(frozen=True, slots=True)
class Subject:
    """A request to explain: its model, client and path, and the receipt that they are from."""

    model: str
    caller: str | None = None
    user_agent: str = ""
    on: OtherRoute | None = None  # if its path accepts only a part of `provider`
    receipt: Receipt | None = None
    dialect: str = "chat"


@dataclass(frozen=True, slots=True)
class Named:
    """A name on the command line, and the receipt that it means if it isn't a model's."""

    name: str
    book: Book
    caller: str | None
    user_agent: str
    receipt: Receipt | None
    sought: bool  # whether a ledger was searched

    def subject(self, catalog: Catalog) -> Subject:
        """Return the request to explain.

        `--caller` and `--user-agent` replace the receipt's own. Raises `SettingsError` for a
        receipt without a model.
        """
        receipt = self.receipt
        if receipt is None or is_model(self.name, self.book, catalog):
            return Subject(self.name, self.caller, self.user_agent)
        if receipt.model_asked is None:
            raise SettingsError(
                f"receipt {receipt.id} names no model: the request to {receipt.path} was passed on "
                "without a policy, or refused before its model was read"
            )
        return Subject(
            receipt.model_asked,
            self.caller or receipt.caller,
            self.user_agent or receipt.user_agent or "",
            _other_route(receipt.dialect),
            receipt,
            receipt.dialect or "chat",
        )


def named(
    settings: Settings, book: Book, name: str, *, caller: str | None, user_agent: str
) -> Named:
    """Find what a name on the command line means.

    Raises `SettingsError` for `last` and a whole id if the ledger doesn't have the receipt, and for
    an ending that several ids have.
    """
    receipt, sought = _receipt(settings, book, name)
    return Named(name, book, caller, user_agent, receipt, sought)


def _receipt(settings: Settings, book: Book, name: str) -> tuple[Receipt | None, bool]:
    """The receipt of this name, and whether a ledger was searched for it."""
    if is_model(name, book, EMPTY):
        return None, False
    from .ledgers import to_read  # noqa: PLC0415 - 150 ms, and a model's name needs none

    surely = name == _LAST or name.startswith(_WHOLE)
    try:
        store = to_read(settings)
    except SettingsError:
        if surely:
            raise
        return None, False  # a mistyped model's error must not be about ledgers
    with closing(store):
        return (found(store, name) if surely or store.named(name) else None), True


def _other_route(dialect: str | None) -> OtherRoute | None:
    paths = (path for path, row in DIALECTS.items() if row.name == dialect)
    return next((OTHER_ROUTES[path] for path in paths if path in OTHER_ROUTES), None)
