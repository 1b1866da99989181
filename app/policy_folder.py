"""Reads a folder of policy files into a book, and says where the folder is.

`*.yaml` and `*.yml` directly in the folder are loaded, subfolders are not: they hold examples.
"""

from pathlib import Path

from app.errors import PolicyFileError, PolicyProblem
from app.policy.book import Book
from app.policy.parse import read_book

_PACKAGE = Path(__file__).parent


def shipped_policies() -> Path:
    """The policies that come with Pointsman: in the wheel, or beside `app/` in a checkout."""
    in_wheel = _PACKAGE / "shipped_policies"
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parent / "policies"


def policy_folder(configured: Path | None) -> Path:
    """The folder in force: the configured one, else `./policies`, else the shipped one."""
    if configured is not None:
        return configured
    here = Path("policies")
    return here if here.is_dir() else shipped_policies()


def read_folder(folder: Path) -> Book:
    """The book of all policy files in `folder`.

    Raises `PolicyFileError` listing every mistake of every file; a folder that is missing or
    can't be read is one too, since serving without the policy someone wrote is never right.
    """
    if not folder.is_dir():
        raise PolicyFileError((_problem(folder, "there is no such folder; " + _WAY_OUT),))
    texts: dict[str, str] = {}
    problems: list[PolicyProblem] = []
    for file in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        try:
            texts[str(file)] = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(_problem(file, f"can't be read: {error}"))
    if problems:
        raise PolicyFileError(tuple(problems))
    return read_book(texts)


_WAY_OUT = "name one with --policies or POINTSMAN_POLICIES"


def _problem(path: Path, message: str) -> PolicyProblem:
    return PolicyProblem(file=str(path), line=1, where="", message=message)


class PolicyFolder:
    """Holds the book in force; whoever asks gets an immutable one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.current: Book = read_folder(folder)
