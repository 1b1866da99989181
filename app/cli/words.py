"""Texts that several commands use."""

import shutil
import sys
from pathlib import Path

from ..wording import without_query_passwords


def command() -> str:
    """The command that starts this program: its name, or its path if the name isn't found."""
    if shutil.which("pointsman"):
        return "pointsman"
    program = Path(sys.argv[0])
    if program.name != "pointsman":
        return f"python -m {__name__.partition('.')[0]}"
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


def without_password(url: str) -> str:
    """A ledger's URL for a command line, without any password in it."""
    url = without_query_passwords(url)
    user, at, rest = url.rpartition("@")
    scheme, slashes, credentials = user.partition("://")
    name, colon, _ = credentials.partition(":")
    return f"{scheme}{slashes}{name}{colon}{'PASSWORD' if colon else ''}{at}{rest}" if at else url
