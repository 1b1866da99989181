"""What an entry covers, checked against which endpoints a router would take it for."""

import pytest
from hypothesis import given

from app.policy.tags import covered, covers, meet
from tests.policy.algebra import ENTRIES, every_offer
from tests.policy.json_texts import BOUNDED


@pytest.mark.parametrize(
    ("entry", "other", "expected"),
    [
        ("deepinfra", "deepinfra", True),
        ("deepinfra", "deepinfra/fp8", True),
        ("deepinfra", "deepinfra/us/fp8", True),
        ("deepinfra/fp8", "deepinfra", False),
        ("deepinfra/fp8", "deepinfra/fp8", True),
        ("deepinfra", "deepinfra2", False),
        ("deepinfra", "deepinfra2/fp8", False),
        ("DeepInfra", "deepinfra/FP8", True),
        # a service tier is another offer at another price
        ("openai", "openai/priority", False),
        ("openai", "openai/flex", False),
        ("openai", "openai/ultrafast", False),
        ("google-vertex", "google-vertex/us-east5/priority", False),
        ("openai/priority", "openai/priority", True),
    ],
)
def test_an_entry_covers(entry: str, other: str, expected: bool) -> None:  # noqa: FBT001
    assert covers(entry, other) is expected
    assert covered(other, ["nobody", entry]) is expected


@BOUNDED
@given(ENTRIES, ENTRIES)
def test_two_lists_meet_in_what_both_stand_for(ours: list[str], theirs: list[str]) -> None:
    shared = meet(ours, theirs)
    for offer in every_offer():
        assert offer.is_in(shared) is (offer.is_in(ours) and offer.is_in(theirs))


@BOUNDED
@given(ENTRIES, ENTRIES)
def test_a_meeting_repeats_nothing_and_repeated_changes_nothing(
    ours: list[str], theirs: list[str]
) -> None:
    shared = meet(ours, theirs)
    assert len(set(shared)) == len(shared)
    assert meet(ours, shared) == shared
    assert meet(ours, ours) == ours


def test_a_meeting_keeps_the_order_of_the_first_list() -> None:
    assert meet(["c", "a", "b/fp8"], ["b", "a/fp8", "a/us", "c"]) == ["c", "a/fp8", "a/us", "b/fp8"]
