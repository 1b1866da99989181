"""Benchmark scores are read from whatever columns the export has, and belong to one version."""

import hashlib
import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.catalog import EMPTY
from app.catalog.scores import (
    MOST_ROWS,
    NotAnExport,
    Row,
    Scored,
    Scores,
    benchmark_key,
    read_export,
)

ADDITIONS = Path(__file__).parent.parent / "fixtures" / "openrouter" / "additions"
EXPORT = (ADDITIONS / "benchmark_leaderboard_export.COMPOSED.json").read_bytes()
CHECKSUM = hashlib.sha256(EXPORT).hexdigest()
ROW = {"benchmark": "gpqa-diamond", "model": "a/b", "provider": "Acme", "accuracy": 0.5}


def export_of(*rows: Any, columns: Any = None, **head: Any) -> bytes:
    listed = [*ROW] if columns is None else columns
    told = {"snapshot_date": "2026-11-21", "columns": listed, "rows": [*rows], **head}
    return json.dumps(told).encode()


def test_an_export_has_its_date_its_licence_and_a_score_for_each_host() -> None:
    found = read_export(EXPORT, CHECKSUM)
    assert (found.date, found.licence) == ("2026-11-21", "CC BY 4.0")
    assert found.attribution.startswith("Source: OpenRouter (openrouter.ai)")
    assert found.rows == (
        Row("gpqa_diamond", "acme/sim-1-20261101", "Acme", Decimal("0.712"), Decimal("0.011"), 4),
        Row("gpqa_diamond", "acme/sim-1-20261101", "Otherhost", Decimal("0.655"), None, 1),
    )
    assert found.benchmarks == ("gpqa_diamond",)
    assert found.models == ("acme/sim-1-20261101",)


@pytest.mark.parametrize(
    "body",
    [
        export_of(ROW),
        export_of([*ROW.values()]),  # arrays in the columns' order
        export_of(ROW, columns=[{"name": name} for name in ROW]),
        export_of(ROW, columns=[]),
        export_of(rows=[], data=[ROW]),
        export_of(
            {
                "benchmark_type": "GPQA Diamond",
                "model_name": "B by A",
                "model_permaslug": "A/B",
                "provider": "Acme Cloud",
                "provider_slug": "Acme",
                "accuracy": 0.5,
            },
            columns=[],
        ),
        export_of(
            {"benchmark": "gpqa_diamond", "permaslug": "a/b", "provider": "Acme", "accuracy": 0.5},
            columns=[],
        ),
    ],
)
def test_columns_and_rows_are_found_under_any_plausible_name(body: bytes) -> None:
    assert read_export(body, "").rows == (Row("gpqa_diamond", "a/b", "Acme", Decimal("0.5")),)


def test_runs_are_counted_under_any_plausible_name() -> None:
    for name in ("runs", "run_count"):
        (row,) = read_export(export_of({**ROW, name: 3}, columns=[]), "").rows
        assert row.runs == 3
    timed = {**ROW, "last_run": "yesterday", "runs": 2}
    assert read_export(export_of(timed, columns=[]), "").rows[0].runs == 2


def test_a_row_that_can_not_be_read_is_left_out() -> None:
    bad = [7, [], {**ROW, "accuracy": "0.5"}, {**ROW, "accuracy": 1.5}, {**ROW, "accuracy": None}]
    bad += [{**ROW, name: None} for name in ("benchmark", "model", "provider")]
    assert len(read_export(export_of(*bad, ROW), "").rows) == 1


def test_the_lowest_of_several_scores_counts() -> None:
    rows = [{**ROW, "accuracy": accuracy} for accuracy in (0.5, 0.4, 0.6)]
    assert [row.accuracy for row in read_export(export_of(*rows), "").rows] == [Decimal("0.4")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[]", "it is not a JSON object"),
        (b"{}", "it has no snapshot_date"),
        (export_of(ROW, snapshot_date="today"), "it has no snapshot_date"),
        (export_of(), "none of its rows"),
        (export_of({**ROW, "accuracy": 2}), "none of its rows"),
        (export_of(*[[*ROW.values()]] * (MOST_ROWS + 1)), "it has over"),
    ],
)
def test_what_is_no_export_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(NotAnExport, match=why):
        read_export(body, "")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from([*ROW, "x"]), inner, max_size=4)
        ),
    )
)
def test_garbage_is_read_or_refused_and_never_fails(value: Any) -> None:
    body = json.dumps({"snapshot_date": "2026-11-21", "columns": value, "rows": value}).encode()
    with suppress(NotAnExport):
        assert read_export(body, "").rows


def test_a_licence_may_be_a_text() -> None:
    assert read_export(export_of(ROW, license="CC BY 4.0"), "").licence == "CC BY 4.0"
    assert read_export(export_of(ROW, license=4), "").licence == ""


def test_benchmarks_are_named_as_policies_write_them() -> None:
    assert benchmark_key("tau2-bench-airline") == "tau2_bench_airline"
    assert benchmark_key(" GPQA Diamond ") == "gpqa_diamond"


# --- the scores of a model --------------------------------------------------------------------

KEPT = Scores(read_export(EXPORT, CHECKSUM), age=3)


def providers_of(scored: Scored | None) -> list[str]:
    assert scored is not None
    return [row.provider for row in scored.rows]


def test_a_model_has_the_scores_of_its_version_under_each_of_its_names() -> None:
    catalog = EMPTY.with_models([{"id": "acme/sim-1", "canonical_slug": "acme/sim-1-20261101"}])
    for known in (catalog.with_scores(KEPT), EMPTY.with_scores(KEPT)):
        for name in ("acme/sim-1", "acme/sim-1-20261101", "acme/sim-1:nitro"):
            assert providers_of(known.scored(name)) == ["acme", "otherhost"], name
        assert providers_of(known.scored("acme/sim-2")) == []


def test_a_score_of_another_version_is_no_score_of_this_one() -> None:
    newer = {"id": "acme/sim-1", "canonical_slug": "acme/sim-1-20261201"}
    assert providers_of(EMPTY.with_models([newer]).with_scores(KEPT).scored("acme/sim-1")) == []
    undated = {"id": "acme/sim-1", "canonical_slug": "acme/sim-1"}
    catalog = EMPTY.with_models([undated]).with_scores(KEPT)
    assert providers_of(catalog.scored("acme/sim-1")) == ["acme", "otherhost"]


def test_a_variant_with_endpoints_of_its_own_has_only_scores_of_its_own() -> None:
    assert providers_of(EMPTY.with_scores(KEPT).scored("acme/sim-1:free")) == []
    free = read_export(export_of({**ROW, "model": "a/b-20260101:free"}), "")
    catalog = EMPTY.with_models([{"id": "a/b", "canonical_slug": "a/b-20260101"}])
    catalog = catalog.with_scores(Scores(free))
    assert providers_of(catalog.scored("a/b:free")) == ["acme"]
    assert providers_of(catalog.scored("a/b")) == []


def test_a_host_is_known_by_its_slug_whether_the_export_names_it_so_or_not() -> None:
    names = ("Google AI Studio", "deepinfra", "deepinfra/fp8", "Odd Host", "Listed Name")
    rows = [{**ROW, "provider": name} for name in names]
    listed = [{"tag": "other-slug/fp8", "provider_name": "Listed Name"}]
    catalog = EMPTY.with_listing("a/b", listed, 0).with_scores(
        Scores(read_export(export_of(*rows), ""))
    )
    assert providers_of(catalog.scored("a/b")) == [
        *("google-ai-studio", "deepinfra", "deepinfra/fp8", "odd-host", "other-slug")
    ]


def test_scores_say_which_they_are_and_why_there_are_none() -> None:
    scored = EMPTY.with_scores(KEPT).scored("acme/sim-1")
    assert scored is not None
    assert scored.age == 3
    assert str(scored) == f"the benchmark scores of 2026-11-21 (sha256 {CHECKSUM[:12]})"
    assert str(EMPTY.scored("acme/sim-1")) == "no benchmark scores are kept"
    assert EMPTY.with_scores(None).scored("acme/sim-1") is None
