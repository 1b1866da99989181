"""Findings as SARIF 2.1.0, which code review shows at the line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..policy.lint.checks import CHECKS
from ..policy.lint.finding import Finding

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_of(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return one run of one tool; files under the working directory have relative names."""
    titles = {check.code: check.title for check in CHECKS}
    found = list(findings)
    titles |= {
        each.code: "A policy file can't be used" for each in found if each.code not in titles
    }
    rules = [{"id": code, "shortDescription": {"text": title}} for code, title in titles.items()]
    driver = {"name": "pointsman", "version": __version__, "rules": rules}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(each) for each in found]}],
    }


def _result(finding: Finding) -> dict[str, Any]:
    where = f"{finding.where}: " if finding.where else ""
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": f"{where}{finding.message}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(Path(finding.file))},
                    **({"region": {"startLine": finding.line}} if finding.line else {}),
                }
            }
        ],
    }


def _uri(file: Path) -> str:
    """A reference relative to the working directory, otherwise a file URL."""
    here, whole = Path.cwd(), file.absolute()
    return (
        quote(whole.relative_to(here).as_posix()) if whole.is_relative_to(here) else whole.as_uri()
    )
