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
    """Open the ledger of these settings. Raises `SettingsError` if there is none to read."""
    url = said(settings).ledger()
    if url.startswith(_FILE) and not Path(url.removeprefix(_FILE)).exists():
        raise SettingsError(
            f"no ledger at {without_password(url)}; create it with {command()} serve, "
            "or set another with --ledger"
        )
    return Store.open(url)


def to_follow(settings: Settings) -> Store:
    """Open the ledger of these settings, and create it if needed: receipts will be added."""
    return Store.open(said(settings).ledger())


def said(settings: Settings) -> Settings:
    """Same as `with_ledger`, with a line on standard error if the receipts are the demo's."""
    found = with_ledger(settings)
    if is_demo(found):
        Console(stderr=True).print("These are receipts of the demo, from a simulated OpenRouter.")
    return found
