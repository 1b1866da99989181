"""Texts that several commands use."""

import shutil
import sys
from pathlib import Path


def command() -> str:
    """The command that starts this program: its name, or its path if the name isn't found."""
    if shutil.which("pointsman"):
        return "pointsman"
    program = Path(sys.argv[0])
    if program.name != "pointsman":
        return f"python -m {__name__.partition('.')[0]}"
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


def local_address(host: str) -> str:
    """Where this machine reaches a server that listens on `host`, as a URL has it."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
    return everywhere.get(host, f"[{host}]" if ":" in host else host)
