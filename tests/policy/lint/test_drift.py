"""Drift as findings: where the policy speaks of it, as severe as it is."""

from app.catalog.catalog import EMPTY, Catalog
from app.policy.file.parse import read_book
from app.policy.lint.drift import lint_drift
from tests.policy.forecast.test_drift import listed, row

BOOK = read_book(
    {"p.yaml": "version: 1\nrules:\n  - {name: r, models: ['acme/*'], quantization_floor: fp8}\n"}
)


def found(before: Catalog, after: Catalog) -> list[str]:
    return [str(finding) for finding in lint_drift(BOOK, before, after)]


def test_a_host_that_falls_is_a_warning_at_the_rules_line() -> None:
    before = listed(row("novita"), row("groq"))
    (told,) = found(before, listed(row("novita", "fp4"), row("groq")))
    assert told.startswith(
        "p.yaml:3: warning: r: acme/sim-1: 1 endpoint left; gone novita (quantizations by "
        'rule "r" (p.yaml:3)) [drift]'
    )
    assert told.endswith("[drift]")


def test_the_last_host_that_falls_is_an_error() -> None:
    (told,) = found(listed(row("novita")), listed(row("novita", "fp4")))
    assert told.startswith("p.yaml:3: error: ")


def test_what_only_one_of_them_lists_is_passed_over() -> None:
    assert found(EMPTY, listed(row("novita"))) == []
    assert found(listed(row("novita")), EMPTY) == []
