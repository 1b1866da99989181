"""Score floors that can't be applied, or that no provider reaches, are found."""

from typing import Any

import pytest

from app.catalog.catalog import EMPTY, Catalog
from app.catalog.scores import Scores
from app.policy.lint.checks import lint
from tests.catalog.test_scores import KEPT
from tests.policy.sending import book_of

SCORED = EMPTY.with_scores(KEPT)  # three days old
MODEL = "acme/sim-1"


def found(
    floor: dict[str, Any], catalog: Catalog = SCORED, models: str = MODEL
) -> dict[str, tuple[str, str]]:
    findings = lint(book_of({"models": [models], "score_floor": floor}), catalog)
    return {each.code: (each.severity, each.message) for each in findings}


def test_a_floor_that_is_reached_is_no_finding() -> None:
    assert found({"gpqa_diamond": 0.6, "max_age": "3d"}) == {}
    assert found({"gpqa_diamond": 0.6}, EMPTY.with_scores(None)) == {}


@pytest.mark.parametrize(
    ("unscored", "effect"),
    [
        ("deny", "requests under this rule are refused"),
        ("allow", "this floor excludes no provider"),
    ],
)
def test_a_floor_without_usable_scores_is_a_warning_and_no_error(
    unscored: str, effect: str
) -> None:
    floor = {"gpqa_diamond": 0.6, "max_age": "2d", "unscored": unscored}
    for catalog, code, why in [
        (EMPTY, "no-scores", "no benchmark scores are kept, so"),
        (EMPTY.with_scores(Scores(why_none="x can't be read")), "no-scores", "x can't be read, so"),
        (SCORED, "stale-scores", "of 2026-11-21 are 3 days old, over max_age 2d, so"),
    ]:
        codes = found(floor, catalog)
        assert codes.keys() == {code}
        severity, message = codes[code]
        assert severity == "warning"
        assert f"{why} {effect}" in message
        assert message.endswith("run `pointsman scores fetch`")


def test_a_benchmark_that_the_scores_lack_is_suggested_or_listed() -> None:
    near = found({"gpqa_diamnd": 0.6, "unscored": "allow"})
    assert near["unknown-benchmark"][1].endswith("no provider; did you mean gpqa_diamond?")
    far = found({"zzz": 0.6, "unscored": "allow"})
    assert far["unknown-benchmark"][1].endswith("no provider; they have gpqa_diamond")


def test_a_floor_that_no_provider_reaches_is_an_error_for_a_model_named_in_full() -> None:
    codes = found({"gpqa_diamond": 0.9})
    assert codes.keys() == {"unreached-floor"}
    severity, message = codes["unreached-floor"]
    assert severity == "error"
    assert message.startswith(f"{MODEL} is always refused: none has a score of at least gpqa")


def test_for_models_of_a_pattern_it_is_one_warning_and_only_of_listed_models() -> None:
    assert found({"gpqa_diamond": 0.9}, SCORED, "acme/*") == {}
    rows = [{"tag": "acme", "provider_name": "Acme"}]
    catalog = SCORED.with_listing("acme/sim-1", rows, 0).with_listing("acme/sim-2", rows, 0)
    severity, message = found({"gpqa_diamond": 0.9}, catalog, "acme/*")["unreached-floor"]
    assert severity == "warning"
    assert message.startswith("acme/sim-1, acme/sim-2 are always refused: ")
