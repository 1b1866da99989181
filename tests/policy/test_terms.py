"""Inside or outside the preferences: one endpoint, or a provider known by its slug alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.tags import with_tiers
from app.policy.terms import terms_of
from tests.policy.listings import endpoint

DEFAULT = endpoint("deepinfra", "DeepInfra", "bf16")
TURBO = endpoint("deepinfra/turbo", "DeepInfra", "fp4")
FLEX = endpoint("google-vertex/flex", "Google", "unknown")
UNLABELLED = endpoint("mistral", "Mistral", None)


@pytest.mark.parametrize(
    ("preferences", "one", "expected"),
    [
        ({}, DEFAULT, True),
        ({"only": ["deepinfra"]}, TURBO, True),  # a base slug covers all of a provider's rows
        ({"only": ["deepinfra/turbo"]}, TURBO, True),
        ({"only": ["deepinfra/turbo"]}, DEFAULT, False),
        ({"only": ["deep"]}, DEFAULT, False),
        ({"only": ["novita", "DeepInfra/Turbo"]}, TURBO, True),
        ({"only": ["google-vertex"]}, FLEX, False),  # ... but those of a tier (openrouter.md §1.3)
        ({"only": ["google-vertex/flex"]}, FLEX, True),
        ({"ignore": ["deepinfra"]}, TURBO, False),
        ({"ignore": ["deepinfra/turbo"]}, TURBO, False),
        ({"ignore": ["deepinfra/turbo"]}, DEFAULT, True),
        ({"only": ["deepinfra"], "ignore": ["deepinfra/turbo"]}, TURBO, False),
        ({"quantizations": ["bf16", "fp16"]}, DEFAULT, True),
        ({"quantizations": ["bf16", "fp16"]}, TURBO, False),
        ({"quantizations": ["unknown"]}, FLEX, True),
        ({"quantizations": ["fp8"]}, FLEX, False),
        ({"quantizations": ["unknown"]}, UNLABELLED, False),  # null: openrouter.md §1.5
        ({"quantizations": []}, UNLABELLED, True),  # filters nothing (openrouter.md §1.1)
        ({"only": [], "ignore": []}, DEFAULT, True),
        ({"only": None, "ignore": None, "quantizations": None}, DEFAULT, True),
        ({"only": ["Moonshot AI"]}, endpoint("moonshotai", "Moonshot AI"), True),
        ({"ignore": ["Moonshot AI"]}, endpoint("moonshotai", "Moonshot AI"), False),
        ({"sort": "price", "order": ["novita"]}, DEFAULT, True),  # wishes exclude nobody
    ],
)
def test_an_endpoint_is_inside_or_it_is_not(
    preferences: dict[str, Any], one: Any, *, expected: bool
) -> None:
    assert terms_of(preferences).allows(one) is expected


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({}, True),
        ({"only": ["deepinfra"]}, True),
        ({"only": ["novita"]}, False),
        ({"only": ["deepinfra/fp8"]}, None),
        ({"only": ["deepinfra/fp8", "deepinfra"]}, True),
        ({"only": ["deepinfra-2"]}, False),
        ({"ignore": ["deepinfra"]}, None),  # its tiers may serve
        ({"ignore": with_tiers(["deepinfra"])}, False),
        ({"ignore": ["deepinfra"], "only": ["deepinfra/flex", "novita"]}, None),
        ({"ignore": ["deepinfra"], "only": ["deepinfra/turbo"]}, None),  # perhaps a tier's
        ({"ignore": ["deepinfra", "deepinfra/turbo"], "only": ["deepinfra/turbo"]}, False),
        ({"ignore": ["deepinfra/turbo"]}, None),
        ({"ignore": ["deepinfra-2/turbo"]}, True),
        ({"only": ["deepinfra"], "ignore": ["deepinfra"]}, False),
        ({"quantizations": ["fp8"]}, None),
        ({"quantizations": ["fp8"], "only": ["novita"]}, False),
        ({"quantizations": ["fp8"], "ignore": with_tiers(["deepinfra"])}, False),
        ({"quantizations": []}, True),
    ],
)
def test_a_provider_of_whom_no_more_is_known(
    preferences: dict[str, Any], *, expected: bool | None
) -> None:
    assert terms_of(preferences).allows_provider("deepinfra") is expected


ALL_OF_IT = with_tiers(["deepinfra"])


@pytest.mark.parametrize(
    ("preferences", "allowed", "in_order"),
    [
        ({}, True, True),
        ({"only": ["deepinfra"]}, None, True),  # its slug covers no tier
        ({"only": ALL_OF_IT}, True, True),
        ({"only": ["novita"]}, False, True),
        ({"order": ["deepinfra"], "allow_fallbacks": False}, True, None),
        ({"order": ALL_OF_IT, "allow_fallbacks": False}, True, True),
        ({"order": ["novita"], "allow_fallbacks": False}, True, False),
    ],
)
def test_of_a_provider_that_may_have_served_by_a_tier_its_slug_tells_nothing(
    preferences: dict[str, Any], *, allowed: bool | None, in_order: bool | None
) -> None:
    terms = terms_of(preferences).with_tiers()
    assert terms.allows_provider("deepinfra") is allowed
    assert terms.provider_in_order("deepinfra") is in_order


TAGS = ["deepinfra", "deepinfra/fp8", "deepinfra/turbo", "novita", "novita/fp8"]
SOME = st.lists(st.sampled_from(TAGS), max_size=3)
LABELS = st.lists(st.sampled_from(["fp4", "fp8", "bf16"]), max_size=2)
PREFERENCES = st.fixed_dictionaries({}, optional={"only": SOME, "ignore": SOME}).flatmap(
    lambda named: LABELS.map(lambda labels: {**named, "quantizations": labels})
)


@given(PREFERENCES, st.sampled_from(TAGS), st.sampled_from(["fp4", "fp8", "bf16", None]))
def test_what_is_said_of_a_provider_holds_for_each_of_its_endpoints(
    preferences: dict[str, Any], tag: str, label: str | None
) -> None:
    said = terms_of(preferences).allows_provider(tag.partition("/")[0])
    assert said in {None, terms_of(preferences).allows(endpoint(tag, "Whoever", label))}


@pytest.mark.parametrize("value", [5, "deepinfra", {"a": 1}, True, [5, None, {}], "x", -1.5])
@pytest.mark.parametrize("name", ["only", "ignore", "quantizations"])
def test_a_list_that_is_none_filters_nothing(name: str, value: object) -> None:
    """Where no rule matched the preferences are the caller's own, and nobody has checked them."""
    assert terms_of({name: value}).allows(DEFAULT) is True
    assert terms_of({name: value}).allows_provider("deepinfra") is True


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        ({}, ()),
        ({"zdr": True, "data_collection": "deny"}, ("data_collection", "zdr")),
        ({"enforce_distillable_text": True}, ("enforce_distillable_text",)),
        ({"zdr": False, "data_collection": "allow", "enforce_distillable_text": None}, ()),
        ({"max_price": {"prompt": 1, "completion": 2}}, ()),
        ({"max_price": {"prompt": 1, "image": 2}}, ("max_price.image",)),
    ],
)
def test_the_clauses_that_no_answer_shows_are_named(
    preferences: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert terms_of(preferences).unchecked == expected


@pytest.mark.parametrize("value", [None, 5, "cheap", [1], True])
def test_a_price_cap_that_is_no_object_caps_nothing(value: object) -> None:
    assert terms_of({"max_price": value}).caps == {}


def test_a_strict_order_is_read_and_a_wish_is_not() -> None:
    assert terms_of({"order": ["a"], "allow_fallbacks": False}).order == ("a",)
    wishes: tuple[dict[str, Any], ...] = (
        {"order": ["a"]},
        {"order": ["a"], "allow_fallbacks": True},
        {"order": []},
    )
    for wish in wishes:
        assert terms_of(wish).order == ()
    assert terms_of({"order": ["a"], "allow_fallbacks": False}).judged
    assert not terms_of({"order": ["a"]}).judged


@pytest.mark.parametrize(
    ("preferences", "unchecked"),
    [
        ({"zdr": True, "data_collection": "deny"}, ("data_collection", "zdr")),
        ({"zdr": False, "data_collection": "allow", "allow_fallbacks": True}, ()),
        ({"allow_fallbacks": False}, ("allow_fallbacks",)),
        ({"allow_fallbacks": False, "order": ["a"]}, ()),
        ({"require_parameters": True}, ("require_parameters",)),
        ({"max_price": {"prompt": 1, "image": 1}}, ("max_price.image",)),
    ],
)
def test_filters_that_no_answer_shows_are_told(preferences: Any, unchecked: Any) -> None:
    assert terms_of(preferences).unchecked == unchecked


@pytest.mark.parametrize(
    ("asked", "label", "inside"),
    [
        ("fp8", "mxfp8", None),
        ("fp4", "nvfp4", None),
        ("mxfp8", "fp8", False),
        ("fp16", "bf16", False),
    ],
)
def test_a_broader_label_may_stand_for_its_family(asked: str, label: str, inside: Any) -> None:
    """The guide says that fp8 includes mxfp8, and no traffic shows it (openrouter.md §1.5)."""
    assert terms_of({"quantizations": [asked]}).allows(endpoint("a", "A", label)) is inside


def test_a_display_name_that_only_the_listing_has_means_its_provider() -> None:
    row = endpoint("new-host/fp8", "New Host Inc.")
    assert terms_of({"only": ["New Host Inc."]}).allows(row)
    assert terms_of({"ignore": ["new host inc."]}).allows(row) is False


@pytest.mark.parametrize(
    ("order", "provider", "inside"),
    [(["a"], "a", True), (["a/fp8"], "a", None), (["a"], "b", False), ([], "b", True)],
)
def test_a_provider_of_which_no_more_is_known_is_in_an_order_or_not(
    order: list[str], provider: str, inside: Any
) -> None:
    terms = terms_of({"order": order, "allow_fallbacks": False, "zdr": True})
    assert terms.provider_in_order(provider) is inside
