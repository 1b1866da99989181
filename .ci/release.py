#!/usr/bin/env python3

"""What a release needs to know of its version and its changes. Needs nothing but Python.

    .ci/release.py prepare 0.2.0      the version, and the changelog's heading, in the files
    .ci/release.py check v0.2.0       whether a tag fits them
    .ci/release.py notes v0.2.0       the changelog's section
    .ci/release.py sums dist          SHA256SUMS of the files in a folder

The version has one place, `__version__` of `app/__init__.py`, which the build reads too.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUMS = "SHA256SUMS"
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_RELEASED = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")
_UNRELEASED = "## Unreleased\n"
_SECTION = re.compile(
    r"^## (?P<name>\S+)(?: - (?P<date>\S+))?\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)


class NotReady(Exception):
    """The files do not fit the release; says what to change."""


def version_in(code: str) -> str:
    """The version that `app/__init__.py` has. Raises `NotReady` if it has none, or two."""
    found = _VERSION.findall(code)
    if len(found) != 1:
        raise NotReady('app/__init__.py: write one line __version__ = "..."')
    return str(found[0])


def notes_in(changelog: str, version: str) -> str:
    """The text of a version's section, without its heading. Raises `NotReady` without one."""
    for section in _SECTION.finditer(changelog):
        if section["name"] == version:
            _check_date(version, section["date"])
            text = section["text"].strip()
            if not re.search(r"^- ", text, re.MULTILINE):
                raise NotReady(f"CHANGELOG.md: the section {version} lists no change")
            return text
    raise NotReady(f"CHANGELOG.md has no section {version}; run .ci/release.py prepare {version}")


def check(tag: str, code: str, changelog: str) -> str:
    """The version that a tag releases. Raises `NotReady` unless code and changelog have it."""
    version = version_in(code)
    if tag != f"v{version}" or not _RELEASED.fullmatch(version):
        raise NotReady(
            f"the tag {tag!r} does not fit the version {version!r} in app/__init__.py; "
            "a tag is v and the version, such as v1.2.3 or v1.2.3rc1"
        )
    notes_in(changelog, version)
    left = next(
        (each for each in _SECTION.finditer(changelog) if each["name"] == "Unreleased"), None
    )
    if left is not None and left["text"].strip():
        raise NotReady(
            f"CHANGELOG.md: changes under Unreleased; move them to the section {version}"
        )
    return version


def prepared(version: str, today: str, code: str, changelog: str) -> tuple[str, str]:
    """Both files with a new version, the changes that were unreleased under its heading."""
    if not _RELEASED.fullmatch(version):
        raise NotReady(f"{version!r} is not a version; use e.g. 1.2.3 or 1.2.3rc1")
    version_in(code)
    if changelog.count(_UNRELEASED) != 1:
        raise NotReady("CHANGELOG.md: there is no section Unreleased")
    headed = changelog.replace(_UNRELEASED, f"{_UNRELEASED}\n## {version} - {today}\n")
    notes_in(headed, version)
    return _VERSION.sub(f'__version__ = "{version}"', code), headed


def sums(files: Mapping[str, bytes]) -> str:
    """Lines for `sha256sum --check`, by name."""
    return "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(files.items())
    )


def _check_date(version: str, date: str | None) -> None:
    try:
        datetime.strptime(date or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise NotReady(f"CHANGELOG.md: write the heading as ## {version} - 2026-01-31") from None


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _prepare(version: str) -> None:
    today = datetime.now(UTC).date().isoformat()
    code, changelog = prepared(version, today, _read("app/__init__.py"), _read("CHANGELOG.md"))
    (ROOT / "app/__init__.py").write_text(code, encoding="utf-8")
    (ROOT / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    print(f"{version} is in app/__init__.py and CHANGELOG.md: commit them, then tag v{version}")


def _check(tag: str) -> None:
    print(f"{check(tag, _read('app/__init__.py'), _read('CHANGELOG.md'))} can be released")


def _notes(tag: str) -> None:
    print(notes_in(_read("CHANGELOG.md"), tag.removeprefix("v")))


def _sums(folder: str) -> None:
    files = {each.name: each.read_bytes() for each in Path(folder).iterdir() if each.name != SUMS}
    if not files:
        raise NotReady(f"there are no files in {folder}; run make dist")
    Path(folder, SUMS).write_text(sums(files), encoding="utf-8")


_COMMANDS: Mapping[str, Callable[[str], None]] = {
    "prepare": _prepare,
    "check": _check,
    "notes": _notes,
    "sums": _sums,
}


def main(arguments: list[str]) -> int:
    """Run one command, and return the exit code."""
    if len(arguments) != 2 or arguments[0] not in _COMMANDS:  # noqa: PLR2004 - a command, a subject
        sys.stderr.write(__doc__ or "")
        return 2
    command, subject = arguments
    try:
        _COMMANDS[command](subject)
    except (NotReady, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
