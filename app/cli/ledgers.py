"""The ledger, for commands that read it."""

from ..errors import SettingsError
from ..ledger.address import without_password
from ..ledger.opening import COMMANDS_SECONDS
from ..ledger.store import Store
from ..settings import Settings
from .terminal import Console
from .which_ledger import absent, demo_ledger, is_demo, with_ledger
from .words import command


def to_read(settings: Settings, *, patience: float = COMMANDS_SECONDS) -> Store:
    """Open the ledger of these settings, so that it can only be read.

    Raises `SettingsError` if there is none to read. No statement takes more than `patience`
    seconds. If it is empty and the demo has one, a line on standard error names the demo's.
    """
    settings = said(settings)
    if absent(settings):
        raise SettingsError(
            f"no ledger at {without_password(settings.ledger())}; create it with "
            f"{command()} serve, or set another with --ledger"
        )
    store = Store.open(settings.ledger(), patience=patience, read_only=True)
    demo = demo_ledger(settings)
    if not is_demo(settings) and demo.exists() and not store.recent(limit=1):
        Console(stderr=True).print(f"The demo's receipts: --ledger {demo}", soft_wrap=True)
    return store


def to_follow(settings: Settings) -> Store:
    """Open the ledger of these settings, and create it if needed: receipts will be added."""
    return Store.open(said(settings).ledger())


def said(settings: Settings) -> Settings:
    """Same as `with_ledger`, with a line on standard error if the receipts are the demo's."""
    found = with_ledger(settings)
    if is_demo(found):
        Console(stderr=True).print("These are receipts of the demo, from a simulated OpenRouter.")
    return found
