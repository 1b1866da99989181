"""Words that several commands say."""

import shutil
import sys
from pathlib import Path

from app.settings import Settings


def command() -> str:
    """How this very program is called from here: by name, or by its path if it isn't found."""
    if shutil.which("pointsman"):
        return "pointsman"
    program = Path(sys.argv[0])
    if program.name != "pointsman":
        return "python -m app"
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


def log_command(settings: Settings) -> str:
    """The command that shows the receipts of a server with these settings."""
    url = settings.ledger()
    shown = "" if url == Settings.read().ledger() else f" --ledger {without_password(url)}"
    return f"{command()} log -f{shown}"


def without_password(url: str) -> str:
    """A ledger's address as a command line takes it, a password that it may hold left out."""
    user, at, rest = url.rpartition("@")
    scheme, slashes, credentials = user.partition("://")
    name, colon, _ = credentials.partition(":")
    return f"{scheme}{slashes}{name}{colon}{'PASSWORD' if colon else ''}{at}{rest}" if at else url
