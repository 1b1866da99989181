"""What calibrates the audit counts what it found."""

import pytest

from tests.audit.trials import null

bench = pytest.importorskip("bench.audit", reason="a source distribution has no bench/")


def test_shares_of_verdicts_are_told() -> None:
    found = null(2)
    ratio = sum(each.ratio or 0 for each in found) / 2
    assert bench.told("the reference", found) == (
        f"the reference  ratio {ratio:.2f}, p <= .05 in 0.0%; same (no_larger_difference) 100.0%"
    )
    assert bench.told("none", []).endswith("no audit")
