"""The command line: `pointsman`, `python -m pointsman`, and `python -m app` in a checkout."""

import gc
import sys

# What is imported stays, a hundred thousand objects of it. As Python comes, it would look for
# garbage among them two hundred times: a tenth of a start-up, to find next to nothing.
gc.set_threshold(5000)

from .cli.commands import commands  # noqa: E402 - see above
from .cli.guard import guard_output  # noqa: E402
from .errors import PointsmanError  # noqa: E402

_WHO = "pointsman: "


def main() -> None:
    """Run one command; our own errors are a message and an exit code, never a stack trace."""
    guard_output()
    try:
        commands()
    except PointsmanError as error:
        further = "\n" + " " * len(_WHO)  # no text from outside may look like another message
        sys.stderr.write(_WHO + str(error).replace("\n", further) + "\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
