"""`pointsman check`: finds problems in the policy files before they affect a request."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from rich.text import Text

from ..catalog.catalog import EMPTY
from ..errors import PolicyFileError, SettingsError
from ..policy.book import EMPTY_BOOK, Book
from ..policy.forecast.scenarios import models_wanted
from ..policy.lint.drift import lint_drift
from ..policy.lint.finding import Finding, Severity
from ..policy_folder import read_folder
from ..policy_report import look_over
from ..settings import Settings
from ..shown import one_line
from ..wording import plural, rules_and_aliases
from .catalogs import Source, open_catalog
from .facts import with_facts
from .policies import folder_of
from .sarif import sarif_of
from .terminal import Console, hanging, print_json

Output = Literal["text", "json", "sarif"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder of policies and what is wrong with it; with a `source`, also for its endpoints."""

    folder: Path
    book: Book
    source: Source | None
    findings: tuple[Finding, ...]

    @property
    def is_unusable(self) -> bool:
        """Whether a file can't be read."""
        return any(each.code == BROKEN_FILE for each in self.findings)


BROKEN_FILE = "policy-file"  # the code of mistakes that make a file unusable
_CLEAN, _FOUND, _UNUSABLE = 0, 1, 2
_INDENT = 2
_STYLES: Mapping[Severity, str] = {"error": "bold red", "warning": "yellow", "note": "dim"}


def check(
    settings: Settings,
    *,
    catalog: str | None,
    since: Path | None = None,
    output: Output = "text",
    strict: bool = False,
) -> int:
    """Print the folder's contents and the findings; return the exit code.

    With `since`, a catalog saved earlier, also print the changes that affect these policies.
    Raises `SettingsError`, and, for output to people, `PolicyFileError` with every mistake.
    """
    try:
        found = checked(settings, catalog=catalog, since=since)
    except PolicyFileError as error:
        if output == "text":
            raise
        found = unusable(settings, error)
    _print(output, found)
    if found.is_unusable:
        return _UNUSABLE
    serious = {"error", "warning"} if strict else {"error"}
    return _FOUND if any(each.severity in serious for each in found.findings) else _CLEAN


def checked(
    settings: Settings, *, catalog: str | None = None, since: Path | None = None
) -> Checked:
    """Look for problems in the policies of these settings.

    Raises `PolicyFileError`, and `SettingsError` for a catalog that can't be loaded.
    """
    folder = folder_of(settings)
    book = read_folder(folder)
    catalog = catalog or ("live" if since else None)
    source = open_catalog(catalog, settings, partial(models_wanted, book)) if catalog else None
    callers = frozenset(settings.caller_keys)
    catalog_now = with_facts(source.catalog if source else EMPTY, settings)
    findings = look_over(folder, book, catalog_now, callers, settings.forward_headers)
    if since is not None and source is not None:
        older = open_catalog(str(since), settings, partial(models_wanted, book))
        findings += (*lint_drift(book, older.catalog.with_facts_of(catalog_now), catalog_now),)
    return Checked(folder, book, source, findings)


def unusable(settings: Settings, error: PolicyFileError) -> Checked:
    """The same for policies that can't be read: every mistake is a finding."""
    return Checked(folder_of(settings), EMPTY_BOOK, None, (*_mistakes(error),))


def output_of(*, as_json: bool, as_sarif: bool) -> Output:
    """Return the output format of the options. Raises `SettingsError` for both at once."""
    if as_json and as_sarif:
        raise SettingsError("--json and --sarif exclude each other; choose one")
    return "json" if as_json else "sarif" if as_sarif else "text"


def _mistakes(error: PolicyFileError) -> Iterable[Finding]:
    for each in error.problems:
        yield Finding("error", BROKEN_FILE, each.file, each.line, each.where, each.message)


def _print(output: Output, found: Checked) -> None:
    if output == "sarif":
        print_json(sarif_of(found.findings), indent=2)
    elif output == "json":
        print_json(as_json_object(found), indent=2)
    else:
        console = Console()
        for each in found.findings:
            console.print(hanging(console, _line(each), indent=_INDENT), soft_wrap=True)
        summary = Text(_summary(found))
        console.print(hanging(console, summary, indent=0), soft_wrap=True)


def _line(finding: Finding) -> Text:
    text = Text(one_line(str(finding)))
    text.highlight_words([f" {finding.severity}: "], _STYLES[finding.severity])
    return text


def _summary(checked: Checked) -> str:
    book, source = checked.book, checked.source
    count = Counter(each.severity for each in checked.findings)
    found = ", ".join(plural(n, name) for name in _STYLES if (n := count[name]))
    held = (
        f"{rules_and_aliases(len(book.rules), len(book.aliases))}, policy version {book.revision}"
    )
    if source is None:
        seen = "no catalog; use --catalog live to check endpoints too"
    else:
        left_out = f", {source.left_out} left out" if source.left_out else ""
        seen = f"catalog {source.name} of {source.snapshot.fetched_at}: "
        seen += f"{plural(len(source.snapshot.endpoints), 'model')} checked{left_out}"
    return f"{checked.folder}: {held}\n{seen}\n{found or 'no problems found'}"


def as_json_object(found: Checked) -> dict[str, Any]:
    """The same for machines."""
    book, source = found.book, found.source
    count = Counter(each.severity for each in found.findings)
    return {
        "folder": str(found.folder),
        "book": book.revision,
        "rules": len(book.rules),
        "aliases": len(book.aliases),
        "catalog": None
        if source is None
        else {
            "source": source.name,
            "fetched_at": source.snapshot.fetched_at,
            "models_looked_at": len(source.snapshot.endpoints),
            "models_left_out": source.left_out,
        },
        "errors": count["error"],
        "warnings": count["warning"],
        "notes": count["note"],
        "findings": [asdict(each) for each in found.findings],
    }
