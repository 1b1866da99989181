"""docs/check.md: every finding has its section, with an example that is found."""

import json
import re
from textwrap import indent

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.cli.catalogs import simulated_snapshot
from app.policy.file.parse import read_book
from app.policy.lint.checks import CHECKS, lint
from tests.catalog.test_audits import AUDITED
from tests.catalog.test_scores import KEPT
from tests.policy.listings import listed, row
from tests.test_docs import DOCS

TEXT = (DOCS / "check.md").read_text(encoding="utf-8")
SECTIONS = re.findall(
    r"^### (\S+)\n\n(Error|Warning|Note)\b.*?^```yaml ?(\w*)\n(.*?)^```$",
    TEXT,
    re.MULTILINE | re.DOTALL,
)


def test_every_code_has_its_section_in_the_order_of_the_table() -> None:
    headings = re.findall(r"^### (\S+)$", TEXT, flags=re.MULTILINE)
    assert headings == [check.code for check in CHECKS]
    assert [section[0] for section in SECTIONS] == headings
    contents = TEXT.partition("\n## ")[0]
    assert re.findall(r"\[`(\S+)`\]\(#\1\)", contents) == headings


@pytest.mark.parametrize(
    ("code", "severity", "kind", "example"), SECTIONS, ids=lambda value: value.split("\n")[0]
)
def test_the_example_is_found_as_severe_as_it_says(
    code: str, severity: str, kind: str, example: str
) -> None:
    catalog: Catalog = EMPTY
    if kind == "simulated":
        catalog = simulated_snapshot().catalog(0.0)
    elif kind == "scores":
        catalog = EMPTY.with_scores(KEPT)
    elif kind == "audits":
        rows = [row("acme", "Acme"), row("otherhost", "Otherhost")]
        catalog = listed(rows).with_facts_of(AUDITED)
    elif kind == "listing":
        first, example = example.split("\n", maxsplit=1)
        catalog = listed([json.loads(first)])
    callers = {"callers": frozenset({"alice"}), "keyless": frozenset[str]()}.get(kind)
    text = example
    if text.startswith("- "):
        text = "version: 1\nrules:\n" + indent(text, "  ")
    found = lint(read_book({"mine.yaml": text}), catalog, callers)
    severities = {each.severity for each in found if each.code == code}
    allowed = {severity.lower()}
    if code == "unknown-provider":
        allowed = {"warning"}  # an error only with a list of providers
    assert severities == allowed, found
