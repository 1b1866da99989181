"""Reads a folder of policy files into a book, and reads it again when a file changes.

`*.yaml` and `*.yml` directly in the folder are loaded, subfolders are not: they hold examples.

Rule 1  A change takes effect whole, between two requests: the book is swapped, never edited.
Rule 2  If a file is broken, the last good book stays in force; its problems are kept for display.
Rule 3  Files are polled, not watched: polling detects every way in which editors and orchestrators
        save (in place, by rename, by swapping a symbolic link), on every file system.
"""

import asyncio
import io
import logging
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from .errors import PolicyFileError, PolicyProblem
from .policy.book import Book
from .policy.file.parse import read_book

log = logging.getLogger("pointsman")

_PACKAGE = Path(__file__).parent
_LOOK_EVERY_SECONDS = 0.2
_TO_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)  # without waiting
LARGEST_FILE = 4_000_000  # bytes; a thousand rules take a twentieth of it

# Distinguishes a file's states: its location, its length and its modification time.
State = tuple[int, int, int, int]
InForce = Callable[[Path, Book], None]
Folder = Mapping[Path, State | None] | None  # None: there is no such folder


def shipped_policies() -> Path:
    """The policies that come with Pointsman: in the wheel, or beside `app/` in a checkout."""
    in_wheel = _PACKAGE / "shipped_policies"
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parent / "policies"


def policy_folder(configured: Path | None, own: Path | None = None) -> Path:
    """The folder in force: the configured one, else `./policies`, else the user's own one.

    `own` is the folder of the user's own policies; if it does not exist, the shipped ones apply.
    """
    if configured is not None:
        return configured
    here = Path("policies")
    if here.is_dir():
        return here
    return own if own is not None and own.is_dir() else shipped_policies()


def policy_files(folder: Path) -> list[Path]:
    """The policy files of a folder, in the order in which they are read.

    Hidden files are skipped: editors use them for locks and backups.
    """
    files = (*folder.glob("*.yaml"), *folder.glob("*.yml"))
    return sorted(file for file in files if not file.name.startswith("."))


def read_folder(folder: Path) -> Book:
    """The book of all policy files in `folder`.

    Raises `PolicyFileError` listing every mistake of every file, and also for a folder that is
    missing or can't be read, since serving without the operator's policy is never right.
    """
    if not folder.is_dir():
        what = "not a folder" if folder.exists() else "no such folder"
        raise PolicyFileError((_problem(folder, f"{what}; {_WAY_OUT}"),))
    texts: dict[str, str] = {}
    problems: list[PolicyProblem] = []
    for file in policy_files(folder):
        try:
            texts[str(file)] = text_of(file)
        except (OSError, ValueError) as error:
            problems.append(_problem(file, f"can't be read: {error}"))
    if problems:
        raise PolicyFileError(tuple(problems))
    return read_book(texts)


def text_of(file: Path) -> str:
    """The text of a file. Raises `OSError`, and `ValueError` if it is irregular or too large.

    Opening a pipe would wait for a writer for ever, and reading a device may never end.
    """
    with os.fdopen(os.open(file, _TO_READ), "rb") as opened:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise ValueError("it is a pipe, a socket or a device; only regular files are read")
        raw = opened.read(LARGEST_FILE + 1)
    if len(raw) > LARGEST_FILE:
        raise ValueError(f"it is over {LARGEST_FILE / 1e6:g} MB; split it")
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8").read()  # any kind of line end


_ALL_GONE = (
    "all policy files are gone; to run without a policy, keep one file "
    "with `version: 1` and `rules: []`"
)
_WAY_OUT = "set the folder with --policies or POINTSMAN_POLICIES"


class Policies(Protocol):
    """The policies in force; between two requests, others may come into force."""

    @property
    def current(self) -> Book:
        """The book of now."""
        ...


class NoPolicies:
    """No rule and no alias, for ever: requests pass as they are sent."""

    def __init__(self) -> None:
        self.current: Final = read_book({})


class PolicyFolder:
    """Holds the book in force and renews it; each book it returns is immutable."""

    def __init__(
        self,
        folder: Path,
        in_force: InForce = lambda _folder, _book: None,
        read: Callable[[Path], Book] = read_folder,
    ) -> None:
        """Read the folder, with `read`. Raises `PolicyFileError`.

        `in_force` is called in a thread with the policies that come into force.
        """
        self.folder = folder
        self._in_force = in_force
        self._read_folder = read
        self._read = self._seen = _states(folder)
        self.current: Book = read(folder)
        self.problems: tuple[PolicyProblem, ...] = ()  # of the files as they are now
        self.failures = 0  # how often saved files could not be used

    async def keep_fresh(self) -> None:
        """Report the policies in force, then poll the files until cancelled."""
        await asyncio.to_thread(self._report)
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Load changed files once they have stayed the same for two polls.

        A file is briefly empty while it is written in place; the second poll detects this.
        """
        now = _states(self.folder)
        settled, self._seen = now == self._seen, now
        if settled and now != self._read:
            self._renew(now)

    def _read_again(self, states: Folder) -> Book:
        if states == {} and self.current.rules:
            raise PolicyFileError((_problem(self.folder, _ALL_GONE),))
        return self._read_folder(self.folder)

    def _renew(self, states: Folder) -> None:
        """Read the files, unless they change meanwhile: parts of two versions are no version."""
        try:
            book = self._read_again(states)
        except PolicyFileError as error:
            if _states(self.folder) != states:
                return
            self._read = states
            self.problems = error.problems
            self.failures += 1
            log.warning(
                "the policy files have mistakes, so policy version %s stays in force:\n%s",
                self.current.revision,
                error,
            )
            return
        if _states(self.folder) != states:
            return
        self._read, self.current, self.problems = states, book, ()
        self._report()

    def _report(self) -> None:
        """Report the policies in force. A defect there must not end the polling of the files."""
        try:
            self._in_force(self.folder, self.current)
        except Exception:
            log.exception("the policies in force could not be reported")


def _states(folder: Path) -> Folder:
    if not folder.is_dir():
        return None
    return {file: _state(file) for file in policy_files(folder)}


def _state(file: Path) -> State | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _problem(path: Path, message: str) -> PolicyProblem:
    return PolicyProblem(file=str(path), line=0, where="", message=message)
