"""What an entry covers, checked against which endpoints a router would take it for."""

import pytest
from hypothesis import given

from app.catalog.endpoint import read_endpoint
from app.policy.tags import (
    covered,
    covers,
    lowered,
    means,
    meet,
    of_provider,
    with_tiers,
    without_tiers,
)
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
        ("openai", "openai/fast", False),  # OpenAI's priority tier under another word
        ("baseten", "baseten/fast", True),  # an ordinary endpoint
        ("priority", "priority", True),
        ("openai/priority", "openai/priority", True),
    ],
)
def test_an_entry_covers(entry: str, other: str, expected: bool) -> None:  # noqa: FBT001
    assert covers(entry, other) is expected
    assert covered(other, lowered(["provider not named", entry])) is expected


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


LEARNED = frozenset({"a/turbo", "b/quick"})  # tiers that only a listing tells of


def test_t58_a_tier_that_only_a_listing_tells_of_is_another_offer() -> None:
    assert covers("a", "a/turbo")
    assert not covers("a", "a/turbo", LEARNED)
    assert covers("a/turbo", "a/turbo", LEARNED)
    assert meet(["a", "c"], ["a/turbo", "a/us", "c"], LEARNED) == ["a/us", "c"]


def test_t58_whoever_ignores_a_provider_ignores_its_tiers() -> None:
    assert with_tiers(["a"], LEARNED) == ["a", "a/flex", "a/priority", "a/ultrafast", "a/turbo"]
    assert with_tiers(["openai"])[1:] == [
        *("openai/flex", "openai/priority", "openai/ultrafast", "openai/fast"),
    ]
    assert with_tiers(["a/fp8", "a/flex"]) == ["a/fp8", "a/flex"]  # a tag means itself
    assert with_tiers(["a/flex", "a"])[:2] == ["a/flex", "a"]


@BOUNDED
@given(ENTRIES)
def test_t58_no_tier_of_an_ignored_provider_is_left(ignored: list[str]) -> None:
    sent = with_tiers(ignored)
    for offer in every_offer():
        provider, *rest = offer.tag.split("/")
        if provider in ignored and len(rest) < 2:
            assert offer.is_in(sent)
    assert with_tiers(sent) == sent
    assert set(without_tiers(sent)) <= set(ignored)


@pytest.mark.parametrize(
    ("entry", "tag", "expected"),
    [
        ("deepinfra", "deepinfra", True),
        ("deepinfra", "deepinfra/fp8", True),
        ("deepinfra", "deepinfra/turbo", True),
        ("deepinfra/fp8", "deepinfra/fp8", True),
        ("deepinfra/FP8", "DeepInfra/fp8", None),  # another case may be read as the slug
        ("DeepInfra", "deepinfra/fp8", None),
        ("Some Name", "deepinfra/fp8", None),
        ("deepinfra/fp8", "deepinfra", False),
        ("deepinfra/fp8", "deepinfra/fp8/us", False),
        ("deepinfra/fp8", "deepinfra/turbo", False),
        ("deep", "deepinfra", False),
        ("", "deepinfra", False),
        ("openai", "openai/priority", False),
        ("OpenAI", "openai/priority", False),
        ("some name", "openai/priority", False),
        ("openai/priority", "openai/priority", True),
        ("openai/priority", "openai", False),
        ("fireworks", "fireworks/us", True),
    ],
)
def test_which_endpoints_an_entry_means(entry: str, tag: str, *, expected: bool | None) -> None:
    """openrouter.md §1.3."""
    endpoint = read_endpoint({"tag": tag, "provider_name": "Some Name"})
    assert endpoint is not None
    assert means(entry, endpoint) is expected


def test_the_entries_of_a_provider_are_its_slug_and_its_tags() -> None:
    entries = ["deepinfra", "deepinfra/fp8", "deepinfra2", "deepinfra2/fp8"]
    assert of_provider(entries, "deepinfra") == entries[:2]
