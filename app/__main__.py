"""The command line: `pointsman` and `python -m app`."""

import sys

from app.cli.commands import commands
from app.errors import PointsmanError


def main() -> None:
    """Run one command; our own errors are a message and an exit code, never a stack trace."""
    try:
        commands()
    except PointsmanError as error:
        sys.stderr.write(f"pointsman: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
