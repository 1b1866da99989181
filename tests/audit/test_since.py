"""Whether an endpoint changed: one day is not enough."""

import msgspec
import pytest

from app.audit import words
from app.audit.results import Audit, Compared, Drawn, Verdict
from app.audit.since import audits_of, finding, unlike

DRAWN = Drawn(pool="a", seed=1, prompts=50, answers=2, tokens=16)


def found(verdict: Verdict) -> Compared:
    return Compared(
        tag="host/fp8",
        provider="Host",
        label="fp8",
        verdict=verdict,
        reason="parts_sooner",
        prompts=50,
    )


@pytest.mark.parametrize(
    ("audits", "expected"),
    [
        ([("11-02", "different")], ("undecided", "needs_another_day")),
        ([("11-02", "different"), ("11-02", "different")], ("undecided", "needs_another_day")),
        ([("11-01", "different"), ("11-02", "different")], ("undecided", "needs_another_day")),
        ([("11-02", "different"), ("11-03", "different")], ("changed", "two_days_differ")),
        ([("11-03", "different"), ("11-02", "different")], ("changed", "two_days_differ")),
        ([("11-02", "same"), ("11-03", "different")], ("undecided", "days_disagree")),
        ([("11-02", "undecided"), ("11-03", "different")], ("undecided", "days_disagree")),
        ([("11-02", "different"), ("11-03", "same")], ("unchanged", "same")),
        ([("11-02", "same")], ("unchanged", "same")),
        ([("11-02", "different"), ("11-03", "undecided")], ("undecided", "undecided")),
        (
            [("11-02", "same"), ("11-03", "different"), ("11-04", "different")],
            ("changed", "two_days_differ"),
        ),
        (
            [("11-02", "different"), ("11-02", "same"), ("11-03", "different")],
            ("undecided", "days_disagree"),
        ),
    ],
)
def test_two_days_must_agree(audits: list[tuple[str, Verdict]], expected: tuple[str, str]) -> None:
    dated = [(f"2026-{day}", found(verdict)) for day, verdict in audits]
    judged = finding("host/fp8", "2026-11-01", dated)
    assert (judged.verdict, judged.reason) == expected
    assert words.finding(judged).startswith(f"host/fp8, {expected[0]} since 2026-11-01 (2026-11-")


def test_without_an_audit_of_another_day_there_is_nothing_to_judge() -> None:
    for audits in ([], [("2026-11-01", found("different"))]):
        with pytest.raises(ValueError, match="no audit since 2026-11-01"):
            finding("host/fp8", "2026-11-01", audits)


def test_the_audits_of_an_endpoint_are_found() -> None:
    audit = Audit(
        model="a/b",
        day="2026-11-02",
        closed=False,
        drawn=DRAWN,
        reference=None,
        compared=(found("same"), msgspec.structs.replace(found("same"), tag="other")),
    )
    assert audits_of([audit], "host/fp8") == (("2026-11-02", found("same")),)
    assert msgspec.json.decode(msgspec.json.encode(audit), type=Audit) == audit


@pytest.mark.parametrize("field", ["pool", "seed", "prompts", "answers", "tokens"])
def test_audits_of_other_prompts_are_not_compared(field: str) -> None:
    other = msgspec.structs.replace(DRAWN, **{field: "b" if field == "pool" else 7})
    assert unlike(DRAWN, DRAWN, ("k", "k")) is None
    assert (unlike(DRAWN, other, ("k", "k")) or "").split()[0] in {field, "number", "limit"}
    both = unlike(DRAWN, other, ("k", "l")) or ""
    assert "key of the hashes" in both
    assert "," in both
