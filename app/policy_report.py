"""Reports on a folder of policies: which files are in force, and their problems.

Loaded once the server is ready, or by a command: serving requests requires only the rules.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .catalog.catalog import EMPTY, Catalog
from .catalog.scores import NONE_KEPT, Scores
from .policy.book import Book
from .policy.lint.checks import lint
from .policy.lint.finding import Finding
from .policy_folder import policy_files
from .wording import plural, rules_and_aliases, some_names

log = logging.getLogger("pointsman")

_LIKE_YAML = re.compile(r"\.ya?ml", re.IGNORECASE)


def report(
    folder: Path,
    book: Book,
    callers: frozenset[str] | None = None,
    scores: Scores | None = NONE_KEPT,
) -> None:
    """Log one line: which files are in force, and what `check` would find in them.

    `scores` are the benchmark scores in use.

    It is a warning if `check` would find a warning or an error.
    """
    known = EMPTY.with_scores(scores).with_audits(None)  # the ledger is read later, if at all
    found_by = look_over(folder, book, known, callers)
    count = Counter(each.severity for each in found_by)
    found = ", ".join(plural(count[name], name) for name in ("error", "warning") if count[name])
    log.log(
        logging.WARNING if found else logging.INFO,
        "policies in force: %s in %s: %s, policy version %s%s",
        some_names([file.name for file in policy_files(folder)]) or "no files",
        folder.absolute(),
        rules_and_aliases(len(book.rules), len(book.aliases)),
        book.revision,
        f"; {found}: pointsman check" if found else "",
    )


def look_over(
    folder: Path,
    book: Book,
    catalog: Catalog = EMPTY,
    callers: frozenset[str] | None = None,
    forwarded: tuple[str, ...] | None = None,
) -> tuple[Finding, ...]:
    """The problems of a folder's files and of the book that was read from them.

    `callers` are the names in `POINTSMAN_CALLER_KEYS`, `forwarded` the headers in
    `POINTSMAN_FORWARD_HEADERS`.
    """
    return (*_not_read(folder), *lint(book, catalog, callers, forwarded))


def _not_read(folder: Path) -> Iterator[Finding]:
    """Findings for files that look like policies but are not read, and for a folder without any."""
    read = set(policy_files(folder))
    for file in sorted(folder.iterdir()):
        if file not in read and not file.name.startswith(".") and _LIKE_YAML.search(file.name):
            message = "this file is not read: the names of policy files end in .yaml or .yml"
            yield Finding("warning", "not-read", str(file), 0, "", message)
    if not read:
        below = sum(1 for file in folder.glob("*/*.y*ml") if not file.name.startswith("."))
        inside = f"; the {below} in its subfolders are not read" if below else ""
        message = f"no policy files in this folder, so requests pass through unchanged{inside}"
        yield Finding("warning", "no-policy-files", str(folder), 0, "", message)
