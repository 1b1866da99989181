"""Which rules speak for a request, and in which order."""

import itertools
from typing import Any

import pytest

from app.policy.file.parse import read_book
from tests.policy.sending import book_of, route, text_of

ASKED = {"model": "qwen/qwen3-coder:nitro"}


def rules(*these: dict[str, Any], caller: str | None = None, agent: str = "") -> tuple[str, ...]:
    book = book_of(*({"zdr": True, **rule} for rule in these))
    return route(book, ASKED, caller=caller, user_agent=agent).rules


MORE_SPECIFIC_FIRST = [
    ({"callers": ["me"], "models": ["*"]}, {"models": ["qwen/qwen3-coder:nitro"]}),
    ({"callers": ["me"], "models": ["*"]}, {"user_agents": ["cline*"], "models": ["qwen/*"]}),
    ({"user_agents": ["cline*"], "models": ["*"]}, {"models": ["qwen/qwen3-coder"]}),
    ({"models": ["qwen/qwen3-coder"]}, {"models": ["qwen/qwen3-code*:nitro"]}),
    ({"models": ["qwen/qwen3-coder:nitro"]}, {"models": ["qwen/qwen3-coder"]}),
    ({"models": ["qwen/qwen*"]}, {"models": ["qwen/*"]}),
    ({"models": ["*coder:nitro"]}, {"models": ["qwen/*"]}),
    ({"models": ["qwen/*"]}, {"models": ["*"]}),
    ({"models": ["*", "qwen/qwen3-coder"]}, {"models": ["qwen/qwen3-*"]}),
]


@pytest.mark.parametrize(("more", "less"), MORE_SPECIFIC_FIRST, ids=repr)
def test_the_more_specific_rule_goes_first_wherever_it_stands(
    more: dict[str, Any], less: dict[str, Any]
) -> None:
    more, less = {**more, "name": "more"}, {**less, "name": "less"}
    for order in itertools.permutations((more, less)):
        assert rules(*order, caller="me", agent="Cline/3.1 (linux)") == ("more", "less")


def test_among_equals_the_later_line_and_then_the_later_file_goes_first() -> None:
    one, other = {"name": "one", "models": ["qwen/*"]}, {"name": "other", "models": ["*qwen/*"]}
    assert rules(one, other) == ("other", "one")
    assert rules(other, one) == ("one", "other")
    files = {"b.yaml": text_of({"zdr": True, **one}), "a.yaml": text_of({"zdr": True, **other})}
    assert route(read_book(files), ASKED).rules == ("one", "other")


@pytest.mark.parametrize("caller", [None, "", "Me", "me ", "you"])
def test_a_rule_for_some_callers_is_for_nobody_else(caller: str | None) -> None:
    assert rules({"callers": ["me", "us"]}, caller=caller) == ()
    assert rules({"callers": ["me", "us"]}, caller="us") == ("rule-0",)


@pytest.mark.parametrize(
    ("agent", "spoken_for"),
    [("cline/3.1", True), ("CLINE/4", True), ("RooCode", False), ("", False), ("my cline", False)],
)
def test_a_rule_for_some_user_agents_is_for_nothing_else(agent: str, spoken_for: bool) -> None:  # noqa: FBT001
    rule = {"user_agents": ["cline/*", "zed/?"]}
    assert rules(rule, agent=agent) == (("rule-0",) if spoken_for else ())


def test_a_rule_for_callers_and_user_agents_needs_both() -> None:
    rule = {"user_agents": ["cline/*"], "callers": ["me"]}
    assert rules(rule, caller="me") == ()
    assert rules(rule, agent="cline/3") == ()
    assert rules(rule, caller="me", agent="cline/3") == ("rule-0",)


def test_a_rule_whose_patterns_overlap_speaks_once_by_its_best() -> None:
    several = {"name": "several", "models": ["*", "qwen/*", "qwen/qwen3-coder", "*coder"]}
    glob = {"name": "glob", "models": ["qwen/qwen3-code*"]}
    assert rules(glob, several) == rules(several, glob) == ("several", "glob")


@pytest.mark.parametrize(
    "odd",
    ["QWEN/qwen3-coder", " qwen/qwen3-coder ", "qwen/qwen3-coder :nitro", "Qwen/Qwen3-Coder:x"],
)
def test_an_odd_spelling_is_no_way_round_an_exact_rule(odd: str) -> None:
    assert route(book_of({"models": ["qwen/qwen3-coder"], "zdr": True}), {"model": odd}).matched


def test_a_rule_for_a_variant_is_for_that_variant() -> None:
    book = book_of({"models": ["qwen/qwen3:free"], "zdr": True})
    assert route(book, {"model": "qwen/qwen3:free"}).matched
    assert not route(book, {"model": "qwen/qwen3"}).matched
    assert not route(book, {"model": "qwen/qwen3:nitro"}).matched
