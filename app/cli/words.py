"""Words that several commands say."""

import shutil
import sys
from pathlib import Path


def command() -> str:
    """How this very program is called from here: by name, or by its path if it isn't found."""
    if shutil.which("pointsman"):
        return "pointsman"
    program = Path(sys.argv[0])
    if program.name != "pointsman":
        return "python -m app"
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


def without_password(url: str) -> str:
    """A ledger's address as a command line takes it, a password that it may hold left out."""
    user, at, rest = url.rpartition("@")
    scheme, slashes, credentials = user.partition("://")
    name, colon, _ = credentials.partition(":")
    return f"{scheme}{slashes}{name}{colon}{'PASSWORD' if colon else ''}{at}{rest}" if at else url
