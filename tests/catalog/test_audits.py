"""The audits that count: one for each tag, and the references that others were compared with."""

from app.catalog.audits import Audit, Audits, newest, share
from app.catalog.catalog import EMPTY

A = Audit("one/fp8", "same", "a1", "2026-11-21", 3, "ref/bf16", 1.0, 0.97, 1.03)

SAID = "otherhost (listed as fp8): its answers part from the reference's sooner."
AUDITED = EMPTY.with_audits(
    Audits(
        newest(
            [
                (
                    "acme/sim-1",
                    Audit("otherhost", "different", "aud_1", "2026-11-21", 3, "acme", said=SAID),
                )
            ]
        )
    )
)


def test_the_newest_verdict_on_a_tag_counts_and_its_reference_with_it() -> None:
    older = A._replace(verdict="different", id="a0", date="2026-11-01", against="other")
    (found,) = newest([("A/B", A), ("a/b", older)]).values()
    assert [(each.tag, each.verdict, each.id) for each in found] == [
        ("one/fp8", "same", "a1"),
        ("other", "reference", "a0"),
        ("ref/bf16", "reference", "a1"),
    ]


def test_a_reference_that_was_audited_later_has_that_verdict() -> None:
    later = Audit("ref/bf16", "different", "a2", "2026-11-22", 2, "new/bf16")
    (found,) = newest([("a/b", later), ("a/b", A)]).values()
    assert {each.tag: each.verdict for each in found} == {
        "one/fp8": "same",
        "ref/bf16": "different",
        "new/bf16": "reference",
    }


def test_words_that_are_no_verdict_of_a_reference_are_left_out() -> None:
    assert newest([("a/b", A._replace(verdict="changed"))]) == {"a/b": ()}
    assert [each.tag for each in newest([("a/b", A._replace(against=""))])["a/b"]] == ["one/fp8"]


def test_a_verdict_is_shown_with_its_ratio_and_interval_as_far_as_they_are_known() -> None:
    assert A.found == "ratio 1.00, 95 % .97 to 1.03"
    assert A._replace(low=None).found == A._replace(high=None).found == "ratio 1.00"
    assert A._replace(ratio=None).found == ""
    assert (share(0.5), share(-0.04), share(0)) == (".50", "-0.04", ".00")


def test_a_models_audits_are_found_by_any_of_its_names_and_not_by_another_variants() -> None:
    row = {"id": "acme/sim-1", "canonical_slug": "acme/sim-1-20260101"}
    listed = [{"tag": "one/fp8", "provider_name": "One"}]
    known = EMPTY.with_models([row]).with_audits(Audits({"acme/sim-1": (A,)}))
    known = known.with_listing("acme/sim-1", listed, 0)
    for name in ("acme/sim-1", "Acme/Sim-1:nitro", "acme/sim-1-20260101"):
        found = known.audited(name)
        assert found is not None
        assert (found.model, found.audits, found.of("one/fp8")) == ("acme/sim-1", (A,), A)
        assert found.tags == {"one/fp8"}
        assert found.of("two") is None
    dated = known.with_audits(Audits({"acme/sim-1-20260101": (A,)})).audited("acme/sim-1")
    assert dated is not None
    assert (dated.model, dated.audits) == ("acme/sim-1", (A,))
    free = known.audited("acme/sim-1:free")
    assert free is not None
    assert free.audits == ()
    assert known.with_audits(None).audited("acme/sim-1") is None
