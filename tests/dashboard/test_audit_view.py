"""A model's audits on a page: the ratio with its interval against the margin, and the history."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from app.audit.results import Reference, Refused
from app.dashboard.audit_view import ModelAudits, model_audits
from app.ledger.audits import Audit, EndpointVerdict
from tests.audits import MODEL, compared, result

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
REFUSED = Refused(tag="x/fp8", provider="x", label="fp8", reason="no_temperature")
FOUND = result(
    compared("b/fp8", "same", ratio=1.0),
    compared("a/fp8", "different"),
    compared("c", "undecided", label=None),
    refused=(REFUSED,),
)


def audit(number: int = 1, **fields: object) -> Audit:
    named = {"id": f"aud_{number}", "model": MODEL, "started_at": AT, "plan": {}}
    return Audit(**{**named, "result": msgspec.to_builtins(FOUND), **fields})


def verdicts() -> list[EndpointVerdict]:
    return [
        EndpointVerdict(
            audit="aud_1",
            model=MODEL,
            tag=each.tag,
            at=AT,
            verdict=each.verdict,
            found=msgspec.to_builtins(each),
        )
        for each in FOUND.compared
    ]


def shown(
    audits: Sequence[Audit] | None = None, history: Sequence[EndpointVerdict] = ()
) -> ModelAudits:
    audits = [audit()] if audits is None else audits
    return model_audits(MODEL, audits, verdicts(), {"a/fp8": history})


def test_the_most_different_endpoint_comes_first_with_its_label_as_listed() -> None:
    rows = shown().rows
    assert [(row.tag, row.verdict, row.sign) for row in rows] == [
        ("a/fp8", "different", "broken"),
        ("c", "undecided", "unproven"),
        ("b/fp8", "same", "kept"),
    ]
    assert [row.label for row in rows] == [
        "listed as fp8",
        "listed without a quantization",
        "listed as fp8",
    ]


def test_what_is_said_never_claims_more_than_the_audit_saw() -> None:
    row = shown().rows[0]
    assert row.said.startswith(
        "At temperature 0, its answers to 50 prompts part from the reference"
    )
    assert "is not" not in row.said.replace("is not the likely cause", "")
    assert row.notes[-1].startswith("Differences of 0.20 and more")


def test_a_ratio_its_interval_and_the_margin_are_places_on_one_axis() -> None:
    found = shown()
    first = found.rows[0].ratio
    assert first is not None
    top = 1.11 * 1.02
    assert first.at == pytest.approx(100 * 0.54 / top)
    assert (first.start, first.end) == pytest.approx((100 * 0.44 / top, 100 * 0.64 / top))
    assert first.margin == pytest.approx(100 * 0.95 / top)
    assert first.told == "ratio 0.54, 95 % 0.44 to 0.64"
    assert found.one == pytest.approx(100 / top)
    assert [text for _, text in found.ticks] == ["0", "0.25", "0.5", "0.75", "1"]


def test_an_axis_ends_at_two_and_an_endpoint_without_a_ratio_has_no_plot() -> None:
    huge = compared("b/fp8", "same", ratio=9.0, ratio_low=None, ratio_high=None)
    none = compared("c", "undecided", ratio=None, ratio_low=None, ratio_high=None)
    rows = [
        msgspec.structs.replace(each, found=msgspec.to_builtins(found))
        for each, found in zip(
            verdicts(), (huge, compared("a/fp8", "different"), none), strict=True
        )
    ]
    found = model_audits(MODEL, [], rows, {})
    plots = {row.tag: row.ratio for row in found.rows}
    assert plots["c"] is None
    assert plots["b/fp8"] is not None
    assert plots["b/fp8"].at == plots["b/fp8"].end == 100.0
    assert found.reference == ""


def test_the_history_has_each_verdict_against_a_reference_the_oldest_first() -> None:
    newest, *_ = verdicts()
    older = msgspec.structs.replace(newest, at=AT - timedelta(days=1), verdict="different")
    own = msgspec.structs.replace(newest, against="aud_0")
    history = shown(history=[newest, own, older]).rows[0].history
    assert [(past.day, past.verdict) for past in history] == [
        ("2026-11-20", "different"),
        ("2026-11-21", "same"),
    ]


def test_audits_are_listed_with_what_they_cost_and_their_receipts_of_any_time() -> None:
    begun = audit(2, result=None, state="running")
    planned = {"plan": {"endpoints": [{}, {}], "prompts": 50, "answers": 2}}
    found = shown([begun, audit(plan=planned)])
    running, finished = found.runs
    assert (running.requests, running.spent, running.reference) == (None, None, "")
    assert (finished.requests, str(finished.spent), finished.refused) == (200, "0.031", 1)
    assert finished.counts == {"same": 1, "undecided": 1, "different": 1}
    assert finished.receipts == "/dashboard/receipts?audit=aud_1"
    assert found.refused == ("Not audited, without temperature among their parameters: x/fp8.",)
    assert found.reference.startswith("The reference is alibaba (listed as bf16)")


def test_of_a_closed_model_no_label_is_shown() -> None:
    closed = msgspec.to_builtins(msgspec.structs.replace(FOUND, closed=True))
    assert {row.label for row in shown([audit(result=closed)]).rows} == {""}


def test_what_another_version_kept_is_shown_by_its_verdict_alone() -> None:
    (first, *_) = verdicts()
    odd = msgspec.structs.replace(first, found={"rho": 1})
    (row,) = model_audits(MODEL, [], [odd], {}).rows
    assert (row.verdict, row.ratio, row.said, row.notes, row.label) == ("same", None, "", (), "")


def test_a_later_audit_that_gave_no_verdict_does_not_name_the_reference() -> None:
    other = msgspec.structs.replace(FOUND, reference=_reference("other/bf16"), refused=())
    stopped = audit(2, result=msgspec.to_builtins(other), state="stopped")
    found = shown([stopped, audit()])
    assert found.reference.startswith("The reference is alibaba")
    assert len(found.refused) == 1
    assert shown([stopped]).reference == ""


def test_an_endpoint_that_was_compared_with_another_reference_says_so() -> None:
    other = msgspec.structs.replace(FOUND, reference=_reference("other/bf16"))
    (first, *rest) = verdicts()
    older = msgspec.structs.replace(first, audit="aud_0")
    audits = [audit(), audit(0, result=msgspec.to_builtins(other))]
    rows = {row.tag: row for row in model_audits(MODEL, audits, [older, *rest], {}).rows}
    assert rows["b/fp8"].notes[0] == "Its reference was other/bf16."
    assert not any("Its reference" in note for note in rows["a/fp8"].notes)


def test_a_verdict_that_is_not_known_here_is_left_out() -> None:
    (first, *rest) = verdicts()
    odd: Any = "splendid"
    newer = msgspec.structs.replace(first, verdict=odd)
    found = model_audits(MODEL, [audit()], [newer, *rest], {"a/fp8": [newer, *rest]})
    assert [row.tag for row in found.rows] == ["a/fp8", "c"]
    assert len(found.rows[0].history) == 2


def _reference(tag: str) -> Reference:
    return Reference(tag=tag, provider="Other", label="bf16", chosen="named")
