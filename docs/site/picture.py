"""Record `make run` without a key, and draw it: `python -m docs.site.picture FILE`.

What runs is what `make run` runs, with a ledger of its own, and at a port that is free; the picture
has the port that Pointsman has by default.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

from .recording import Line, record
from .terminal_svg import drawn

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "make run"
COLUMNS = 100  # the table of receipts is whole from here on
TOLD = "A terminal: make run starts a demo, sends five requests and prints a receipt for each"

_LAST = "Serving until Ctrl-C"
_SECONDS = 60.0
_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")


def recorded() -> list[Line]:
    """Run the demo, and return what it printed, with the default port."""
    with tempfile.TemporaryDirectory() as state:
        others = {"OPENROUTER_API_KEY", "COLUMNS", "NO_COLOR", "FORCE_COLOR"}
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in others and not name.startswith("POINTSMAN_")
        }
        environment |= {"POINTSMAN_STATE": state, "POINTSMAN_PORT": "0"}
        lines = record(
            [str(Path(sys.executable).with_name("pointsman")), "run"],
            cwd=ROOT,
            environment=environment,
            columns=COLUMNS,
            until=_LAST,
            seconds=_SECONDS,
        )
    shown = [Line(each.at, _ADDRESS.sub("127.0.0.1:4477", each.text)) for each in lines]
    last = next(place for place, each in enumerate(shown) if _LAST in each.text)
    return shown[: last + 1]


def main(file: Path) -> None:
    """Write the picture."""
    file.write_text(drawn(COMMAND, recorded(), columns=COLUMNS, told=TOLD), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
