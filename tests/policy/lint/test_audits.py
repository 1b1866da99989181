"""Rules whose audits are missing, and endpoints that an audit found different, are found."""

from typing import Any

import pytest

from app.catalog.audits import Audit, Audits
from app.catalog.catalog import EMPTY, Catalog
from app.policy.lint.checks import lint
from tests.catalog.test_audits import AUDITED, SAID
from tests.policy.listings import MODEL, listed, row
from tests.policy.sending import book_of

SAME = {"verdict": "same"}
LISTED = listed([row("acme", "Acme"), row("otherhost", "Otherhost"), row("otherhost", "Otherhost")])
KNOWN = LISTED.with_facts_of(AUDITED)


def found(catalog: Catalog = KNOWN, models: str = MODEL, **rule: Any) -> dict[str, tuple[str, str]]:
    findings = lint(book_of({"models": [models], **rule}), catalog)
    ours = {"no-audits", "audited-different", "conflict"}
    return {each.code: (each.severity, each.message) for each in findings if each.code in ours}


def test_an_audit_that_can_be_used_is_no_finding() -> None:
    assert found(audited=SAME) == {}
    assert found(KNOWN.with_audits(None), audited=SAME) == {}


@pytest.mark.parametrize(
    ("unaudited", "effect"),
    [
        ("deny", f"requests for {MODEL} are refused (403)"),
        ("allow", "this clause excludes no endpoint of it"),
    ],
)
def test_a_clause_without_usable_audits_is_a_warning_and_no_error(
    unaudited: str, effect: str
) -> None:
    value = {**SAME, "max_age": "2d", "unaudited": unaudited}
    for catalog, why in [
        (LISTED, f"no endpoint of {MODEL} has been audited"),
        (LISTED.with_audits(Audits(why_none="x can't be read")), "x can't be read"),
        (KNOWN, f"the last audit of {MODEL} is 3 days old, over 2d"),
    ]:
        severity, message = found(catalog, audited=value)["no-audits"]
        assert severity == "warning"
        assert message == f"{why}, so {effect}; run `pointsman audit {MODEL}`"


def test_models_of_one_clause_are_one_finding_and_only_if_they_are_listed() -> None:
    other = EMPTY.with_listing("acme/sim-2", [row("acme", "Acme")], 0)
    both = LISTED.joined(other)
    message = found(both, "acme/*", audited=SAME)["no-audits"][1]
    assert message.endswith("`pointsman audit acme/sim-1`; the same for acme/sim-2")
    assert found(EMPTY, "acme/*", audited=SAME) == {}


def test_verdicts_that_no_endpoint_has_are_a_conflict() -> None:
    tiers = listed([row("acme", "Acme"), row("acme/fp8", "Acme"), row("otherhost", "Otherhost")])
    codes = found(tiers.with_facts_of(AUDITED), audited=SAME)
    assert codes.keys() == {"conflict"}
    assert "the last audits say different of otherhost" in codes["conflict"][1]


def test_an_endpoint_that_an_audit_found_different_is_told_by_what_the_audit_saw() -> None:
    severity, message = found(only=["acme", "otherhost"])["audited-different"]
    assert severity == "warning"
    assert message == (
        f"otherhost may serve {MODEL}, but was different in the audit of 2026-11-21 (aud_1): "
        f"{SAID} To exclude it, write `audited: {{verdict: not_different, unaudited: allow}}`"
    )
    assert "is not" not in message


def test_several_endpoints_that_differed_in_one_audit_are_one_finding() -> None:
    differs = Audit("acme", "different", "aud_1", "2026-11-21", said="acme: it differs.")
    audits = Audits({MODEL: (differs, differs._replace(tag="otherhost"))})
    findings = lint(book_of({"models": [MODEL], "sort": "price"}), LISTED.with_audits(audits))
    (message,) = [each.message for each in findings if each.code == "audited-different"]
    assert message == (
        f"2 endpoints may serve {MODEL}, but were different in the audit of 2026-11-21 (aud_1): "
        "acme, otherhost; the dashboard's Audit page says how. To exclude them, write "
        "`audited: {verdict: not_different, unaudited: allow}`"
    )


def test_endpoints_that_the_policy_shuts_out_are_no_finding() -> None:
    assert found(only=["acme"]) == {}
    assert found(audited={"verdict": "not_different", "unaudited": "allow"}) == {}
    assert found(KNOWN.with_audits(None), sort="price") == {}
    found_once = lint(book_of({"models": [MODEL], "sort": "price"}), KNOWN)
    assert [each.code for each in found_once].count("audited-different") == 1
