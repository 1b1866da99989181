# ruff: noqa: INP001 - a script, and no package is around it
"""Install pinned packages, then this project, and show how far it is.

    python .ci/set_up.py .ci/constraints.txt .ci/constraints-build.txt

Needs nothing but Python and its pip. At a terminal, progress is one line that changes; elsewhere,
one line for each package. What pip itself has to say is printed if it fails.
"""

import os
import re
import subprocess
import sys
import sysconfig
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from threading import Event, Thread

_PIP = (
    *(sys.executable, "-m", "pip", "install"),
    *("--disable-pip-version-check", "--no-input", "--progress-bar", "off"),
)
_PINNED = re.compile(r"^[A-Za-z0-9][\w.-]*==", re.MULTILINE)
# Found at an index, in a folder of files, or there already; a file has its name and version joined.
_FOUND = re.compile(
    r"Collecting (?P<name>[^ =;]+)"
    r"|Processing (?:\S*/)?(?P<file>[^-/ ]+)-"
    r"|Requirement already satisfied: (?P<known>[^ =;]+)"
)
_INSTALLING = "Installing collected packages: "
_LOOK_SECONDS = 0.25
_TOLD_ON_FAILURE = 30  # lines of pip's
_WIDTH = 79


class Progress:
    """Where we are: one changing line at a terminal, one line for each change elsewhere."""

    def __init__(self) -> None:
        self._moves = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = ""

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""
        if text != self._shown:
            self._shown = text
            line = f"\r{text[:_WIDTH]:<{_WIDTH}}\r{text[:_WIDTH]}" if self._moves else f"{text}\n"
            sys.stdout.write(line)
            sys.stdout.flush()

    def keep(self, text: str) -> None:
        """Show a text, and keep it above all that follows."""
        self.show(text)
        if self._moves:
            sys.stdout.write("\n")


def main(files: list[str]) -> int:
    """Install all, and return pip's exit code."""
    began, progress = time.monotonic(), Progress()
    pinned = sum(len(_PINNED.findall(Path(file).read_text(encoding="utf-8"))) for file in files)
    named = [part for file in files for part in ("-r", file)]
    status = _pip(["--require-hashes", *named], Packages(pinned, progress))
    if status:
        return status
    progress.show("[3/3] installing Pointsman from this folder")
    status = _pip(["--no-deps", "--no-build-isolation", "--editable", "."], None)
    if not status:
        progress.keep(f"[3/3] Pointsman is installed, after {time.monotonic() - began:.0f} s")
    return status


class Packages:
    """Counts packages: as pip reports them while it fetches, then as they appear on disk."""

    def __init__(self, pinned: int, progress: Progress) -> None:
        self._pinned = pinned
        self._progress = progress
        self._found: set[str] = set()
        self._to_install = 0
        self._installed = Event()

    def read(self, line: str) -> None:
        """Show what a line of pip's means."""
        found = _FOUND.match(line)
        if line.startswith("Ignoring "):  # a package for another system
            self._pinned -= 1
        elif found:
            name = str(found[found.lastgroup or 0]).replace("_", "-").lower()
            self._found.add(name)
            count = f"{len(self._found)} of {self._pinned}"
            self._progress.show(f"[2/3] fetching packages: {count}, {name}")
        elif line.startswith(_INSTALLING):
            self._to_install = len(line.split(","))
            self._progress.keep(f"[2/3] fetched {len(self._found)} packages")
            Thread(target=self._watch, daemon=True).start()

    def end(self, *, well: bool) -> None:
        """Stop watching."""
        self._installed.set()
        if well:
            self._progress.keep(f"[2/3] installed {self._to_install} packages")

    def _watch(self) -> None:
        site = Path(sysconfig.get_paths()["purelib"])
        before = _names(site)
        while not self._installed.wait(_LOOK_SECONDS):
            new = _names(site) - before
            if new:
                self._progress.show(f"[2/3] installing: {len(new)} of {self._to_install}")


def _names(site: Path) -> set[str]:
    return {each.name for each in site.glob("*.dist-info")}


def _pip(arguments: Iterable[str], packages: Packages | None) -> int:
    command = [*_PIP, *arguments]
    last: deque[str] = deque(maxlen=_TOLD_ON_FAILURE)
    with subprocess.Popen(  # noqa: S603 - our own words
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        for line in pip.stdout or ():
            last.append(line)
            if packages:
                packages.read(line)
    if packages:
        packages.end(well=not pip.returncode)
    if pip.returncode:
        sys.stdout.write("\n" + "".join(last))
        sys.stdout.write(f"pip failed with exit code {pip.returncode}; its last lines are above\n")
    return pip.returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.stdout.write("\nstopped; the same command goes on from here\n")
        sys.exit(130)
