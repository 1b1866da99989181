"""The ledger, for commands that read it."""

from pathlib import Path

from app.cli.terminal import Console
from app.cli.which_ledger import is_demo, with_ledger
from app.cli.words import command, without_password
from app.errors import SettingsError
from app.ledger.store import Store
from app.settings import Settings

_FILE = "sqlite:///"


def to_read(settings: Settings) -> Store:
    """The ledger of these settings. Raises `SettingsError` rather than make one to look into."""
    url = said(settings).ledger()
    if url.startswith(_FILE) and not Path(url.removeprefix(_FILE)).exists():
        raise SettingsError(
            f"no ledger at {without_password(url)}; create it with {command()} serve, "
            "or set another with --ledger"
        )
    return Store.open(url)


def to_follow(settings: Settings) -> Store:
    """The ledger of these settings, made where there is none: receipts will come to it."""
    return Store.open(said(settings).ledger())


def said(settings: Settings) -> Settings:
    """As `with_ledger`, and a line on standard error where the receipts are the demo's."""
    found = with_ledger(settings)
    if is_demo(found):
        Console(stderr=True).print("These are receipts of the demo, from a simulated OpenRouter.")
    return found
