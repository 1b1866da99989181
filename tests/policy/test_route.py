"""The route of one request, and of one that lists several models."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.route import MERGES, VIOLATIONS, Route
from app.policy.tags import with_tiers
from tests.policy.algebra import CATALOGS, OURS, Offer, admitted
from tests.policy.json_texts import BOUNDED
from tests.policy.sending import book_of, route

ALIASES = {
    "fast": {"model": "a/a", "preferences": {"sort": "throughput"}},
    "by-rule": {"model": "a/a", "rule": "extra"},
}


def test_without_a_rule_a_route_says_nothing() -> None:
    found = route(book_of({"models": ["x/*"]}), {"model": "A/a"})
    assert found == Route(model_asked="A/a", model_sent="A/a")
    assert not found.matched


def test_a_rule_with_nothing_to_say_still_speaks() -> None:
    assert route(book_of({"models": ["a/*"]}), {"model": "a/a"}).matched


def test_a_route_names_rules_and_what_they_want() -> None:
    book = book_of(
        {"name": "general", "merge": "fill", "strip": ["user"], "on_violation": "block"},
        {"name": "special", "models": ["a/*"], "refuse": ["preset"], "router_metadata": False,
         "set": {"seed": 1}},
    )  # fmt: skip
    found = route(book, {"model": "a/a"})
    assert found.rules == ("special", "general")
    assert (found.merge, found.on_violation, found.router_metadata) == ("fill", "block", False)
    assert {*found.strip, *found.refuse} == {"user", "preset"}
    assert found.set["seed"].value == 1
    assert {key: clause.rule for key, (clause,) in found.origins.items()} == {
        "merge": "general",
        "on_violation": "general",
        "router_metadata": "special",
    }


# --- aliases ----------------------------------------------------------------------------------


def test_an_aliass_own_wishes_are_the_most_specific_layer() -> None:
    book = book_of({"models": ["a/a"], "sort": "price", "zdr": True}, aliases=ALIASES | {
        "by-rule": {"model": "a/a"}})  # fmt: skip
    found = route(book, {"model": "fast"})
    assert (found.alias, found.model_asked, found.model_sent) == ("fast", "fast", "a/a")
    assert found.preferences == {"sort": "throughput", "zdr": True}
    assert [str(clause) for clause in found.origins["sort"]] == ["alias fast (test.yaml:1)"]
    assert route(book, {"model": "a/a"}).preferences == {"sort": "price", "zdr": True}


def test_a_rule_that_only_aliases_name_needs_no_models() -> None:
    extra = {"name": "extra", "models": None, "sort": "latency", "only": ["x"]}
    book = book_of({"models": ["a/a"], "sort": "price", "zdr": True}, extra, aliases=ALIASES)
    found = route(book, {"model": "by-rule"})
    assert found.rules == ("extra", "rule-0")
    assert found.preferences == {"only": ["x"], "sort": "latency", "zdr": True}
    assert route(book, {"model": "a/a"}).rules == ("rule-0",)


def test_an_alias_speaks_for_a_request_even_without_a_rule() -> None:
    found = route(book_of(aliases={"mine": {"model": "a/a"}}), {"model": "Mine"})
    assert found.matched
    assert (found.rules, found.alias, found.model_sent) == ((), "mine", "a/a")


# --- several models ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "ranked"), [("merge", MERGES), ("on_violation", VIOLATIONS)], ids=["merge", "violation"]
)
def test_t37_of_several_models_the_strictest_setting_holds(
    key: str, ranked: tuple[str, ...]
) -> None:
    for one, other in itertools.product(ranked, repeat=2):
        book = book_of({"models": ["a/*"], key: one}, {"models": ["b/*"], key: other})
        found = route(book, {"model": "a/a", "models": ["b/b"]})
        assert getattr(found, key) == min(one, other, key=ranked.index)


def test_t37_of_several_models_all_rules_speak_and_the_firsts_settings_go_first() -> None:
    book = book_of(
        {"models": ["a/*"], "set": {"user": "a"}, "strip": ["route"], "router_metadata": False},
        {"models": ["b/*"], "set": {"user": "b", "seed": 1}, "refuse": ["preset"]},
    )
    found = route(book, {"model": "a/a", "models": ["b/b", "c/c"]})
    assert found.rules == ("rule-0", "rule-1")
    assert {key: clause.value for key, clause in found.set.items()} == {"user": "a", "seed": 1}
    assert {*found.strip, *found.refuse} == {"route", "preset"}
    assert found.router_metadata


def test_names_are_kept_for_all_models_that_are_sent_under_another() -> None:
    book = book_of({"name": "extra", "strip": ["preset", "plugins"]}, aliases=ALIASES)
    found = route(book, {"model": "b/b:online", "models": ["fast", "c/c@preset/x", "d/d"]})
    assert found.sent_as == {"b/b:online": "b/b", "fast": "a/a", "c/c@preset/x": "c/c"}
    assert found.aliases == {"fast"}
    assert found.alias is None


@BOUNDED
@given(OURS, OURS, CATALOGS, st.booleans())
def test_t37_no_listed_model_widens_what_another_may_use(
    one: dict[str, Any],
    other: dict[str, Any],
    catalog: list[Offer],
    swapped: bool,  # noqa: FBT001
) -> None:
    without = {"order", "allow_fallbacks", "only", "options"}  # so that no rule contradicts itself
    rules = [{key: said[key] for key in said if key not in without} for said in (one, other)]
    book = book_of({**rules[0], "models": ["a/*"]}, {**rules[1], "models": ["b/*"]})
    names = ["b/b", "a/a"] if swapped else ["a/a", "b/b"]
    found = route(book, {"models": names})
    allowed = set(catalog)
    for each in rules:
        meant = {**each, "ignore": with_tiers(each["ignore"])} if "ignore" in each else each
        allowed &= admitted(meant, catalog)
    if found.conflict:
        assert not allowed
    else:
        assert admitted(found.preferences, catalog) == allowed


def test_headers_to_remove_add_up_over_rules_and_models() -> None:
    book = book_of(
        {"models": ["*"], "strip_headers": ["User-Agent"]},
        {"models": ["a/*"], "strip_headers": ["x-title", "user-agent"]},
        {"models": ["b/*"], "strip_headers": ["x-stainless-*"]},
    )
    found = route(book, {"model": "a/a", "models": ["b/b"]}).strip_headers
    assert {name: clause.rule for name, clause in found.items()} == {
        "user-agent": "rule-1",
        "x-title": "rule-1",
        "x-stainless-*": "rule-2",
    }
    assert not route(book_of({"strip": ["user"]}), {"model": "a/a"}).strip_headers
