"""The ledger, for commands that only read it."""

from pathlib import Path

from app.cli.words import command, without_password
from app.errors import SettingsError
from app.ledger.store import Store
from app.settings import Settings

_FILE = "sqlite:///"


def to_read(settings: Settings) -> Store:
    """The ledger of these settings. Raises `SettingsError` rather than make one to look into."""
    url = settings.ledger()
    if url.startswith(_FILE) and not Path(url.removeprefix(_FILE)).exists():
        raise SettingsError(
            f"no ledger at {without_password(url)}; create it with {command()} serve, "
            "or set another with --ledger"
        )
    return Store.open(url)
