"""The audits that count are read from the ledger, with what may be said of each."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from app.errors import LedgerError
from app.known_audits import AuditReader, read_once
from app.ledger.audits import Audit, EndpointVerdict
from app.ledger.store import Store
from tests.audits import MODEL, compared, kept, result

DAY = date(2026, 11, 24)
AT = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with_audits = Store.open(f"sqlite:///{tmp_path}/ledger.db")
    yield with_audits
    with_audits.close()


def test_each_endpoints_last_audit_is_read_with_its_date_and_what_may_be_said(store: Store) -> None:
    found = result(compared("novita/fp8", "different"), compared("Groq", "same"))
    kept(store, found, at=AT)
    audits = AuditReader().read(store, DAY).of(MODEL)
    different, same, reference = (audits.of(tag) for tag in ("novita/fp8", "groq", "alibaba"))
    assert different is not None
    assert same is not None
    assert reference is not None
    assert (different.verdict, different.date, different.age, different.against) == (
        ("different", "2026-11-21", 3, "alibaba")
    )
    assert different.found == "ratio .54, 95 % .44 to .64"
    assert "part from the reference's sooner" in different.said
    assert (same.verdict, reference.verdict) == ("same", "reference")
    assert reference.id == same.id == "aud_1"


def test_a_later_audit_replaces_the_verdict_and_a_day_makes_it_older(store: Store) -> None:
    reader = AuditReader()
    kept(store, result(compared("groq", "same")), at=AT)
    first = reader.read(store, DAY)
    assert first == reader.read(store, DAY)
    assert first != reader.read(store, date(2026, 11, 25))
    later = datetime(2026, 11, 22, tzinfo=UTC)
    kept(store, result(compared("groq", "different")), "aud_2", later)
    found = reader.read(store, DAY).of(MODEL).of("groq")
    assert found is not None
    assert (found.verdict, found.id) == ("different", "aud_2")
    early = reader.read(store, date(2026, 11, 1)).of(MODEL).of("groq")
    assert early is not None
    assert early.age == 0  # by a clock that was put back


def test_what_another_version_kept_is_read_as_far_as_it_can_be(store: Store) -> None:
    odd = Audit(id="aud_1", model=MODEL, started_at=AT, plan={}, result={"other": 1})
    row = EndpointVerdict(
        audit="aud_1", model=MODEL, tag="groq", at=AT, verdict="different", found={"rho": 1}
    )
    store.keep_audit(odd, [row])
    (found,) = AuditReader().read(store, DAY).of(MODEL).audits
    assert (found.verdict, found.ratio, found.against, found.said) == ("different", None, "", "")


def test_of_a_closed_model_nothing_is_said_of_quantization(store: Store) -> None:
    kept(store, result(compared("groq", "different"), closed=True))
    found = AuditReader().read(store, DAY).of(MODEL).of("groq")
    assert found is not None
    assert "listed" not in found.said


def test_only_so_many_references_are_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.known_audits._MOST_KEPT", 1)
    for number, tag in enumerate(("groq", "novita/fp8")):
        kept(store, result(compared(tag, "same")), f"aud_{number}")
    assert len(AuditReader().read(store, DAY).of(MODEL).audits) == 3


def test_a_ledger_that_can_not_be_read_is_the_reason_why_there_are_none() -> None:
    class Away:
        def verdicts(self, _model: str | None = None, /) -> list[EndpointVerdict]:
            raise LedgerError("can't read the ledger: it is away")

        def audit(self, _name: str, /) -> None:
            raise AssertionError

    assert read_once(Away(), DAY).of(MODEL).why_none == "can't read the ledger: it is away"
