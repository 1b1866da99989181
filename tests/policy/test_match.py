"""Which rules speak for a request, and in which order."""

import itertools
import random
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.file.parse import read_book
from tests.policy.sending import Headers, book_of, route, text_of

ASKED = {"model": "qwen/qwen3-coder:nitro"}


def rules(
    *these: dict[str, Any], caller: str | None = None, agent: str = "", headers: Headers = ()
) -> tuple[str, ...]:
    book = book_of(*({"zdr": True, **rule} for rule in these))
    return route(book, ASKED, caller=caller, user_agent=agent, headers=headers).rules


SENT = [(b"x-openai-subagent", b"review"), (b"X-Claude-Code-Agent-Id", b"7f"), (b"x-a", b"1")]


MORE_SPECIFIC_FIRST = [
    ({"callers": ["me"], "models": ["*"]}, {"models": ["qwen/qwen3-coder:nitro"]}),
    ({"callers": ["me"], "models": ["*"]}, {"user_agents": ["cline*"], "models": ["qwen/*"]}),
    ({"user_agents": ["cline*"], "models": ["*"]}, {"models": ["qwen/qwen3-coder"]}),
    ({"callers": ["me"], "models": ["*"]}, {"headers": {"x-a": "1", "x-openai-subagent": "*"}}),
    ({"headers": {"x-a": "*"}, "models": ["*"]}, {"user_agents": ["cline*"], "models": ["qwen/*"]}),
    ({"headers": {"x-a": "*"}, "models": ["*"]}, {"models": ["qwen/qwen3-coder"]}),
    ({"headers": {"x-a": "*", "x-openai-subagent": "*"}}, {"headers": {"x-a": "1"}}),
    ({"headers": {"x-a": "?"}, "models": ["qwen/*"]}, {"headers": {"x-a": "1"}, "models": ["*"]}),
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
    for order, sent in itertools.product(
        itertools.permutations((more, less)), itertools.permutations(SENT)
    ):
        found = rules(*order, caller="me", agent="Cline/3.1 (linux)", headers=sent)
        assert found == ("more", "less")


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


@pytest.mark.parametrize(
    ("sent", "applies"),
    [
        ([(b"x-openai-subagent", b"review")], True),
        ([(b"X-OpenAI-Subagent", b"Review-2")], True),
        ([(b"x-openai-subagent", b"compact"), (b"x-openai-subagent", b"review")], True),
        ([(b"x-openai-subagent", b"review" + b"x" * 300)], True),
        ([(b"x-openai-subagent", b"x" * 300)], False),
        ([(b"x-openai-subagent", b"my review")], False),
        ([(b"x-openai-subagent", b"")], False),
        ([(b"x-openai-subagents", b"review")], False),
        ([(b"x-openai-subagent\xff", b"review")], False),
        ([], False),
    ],
)
def test_a_rule_for_a_header_is_for_requests_with_a_value_that_fits(
    sent: Headers,
    applies: bool,  # noqa: FBT001
) -> None:
    rule = {"headers": {"X-OpenAI-Subagent": "review*"}}
    assert rules(rule, headers=sent) == (("rule-0",) if applies else ())


def test_a_rule_for_several_headers_needs_all_of_them() -> None:
    rule = {"headers": {"x-a": "1", "x-b": "*"}}
    one, other = (b"x-a", b"1"), (b"x-b", b"")
    assert rules(rule, headers=[one]) == rules(rule, headers=[other]) == ()
    assert rules(rule, headers=[(b"x-a", b"2"), other]) == ()
    assert rules(rule, headers=[one, other]) == rules(rule, headers=[other, one]) == ("rule-0",)


def test_a_rule_for_a_header_and_a_tool_needs_both() -> None:
    rule = {"headers": {"x-a": "1"}, "user_agents": ["cline/*"]}
    sent = [(b"x-a", b"1")]
    assert rules(rule, headers=sent) == rules(rule, agent="cline/3") == ()
    assert rules(rule, headers=sent, agent="cline/3") == ("rule-0",)


NAMES = st.sampled_from([b"x-a", b"X-A", b"x-b", b"x-openai-subagent", b"", b"\xff"]) | st.binary()
GARBAGE = st.lists(st.tuples(NAMES, st.sampled_from([b"1", b"*", b""]) | st.binary()), max_size=8)
BY_HEADERS = book_of(
    {"name": "all", "sort": "price"},
    {"name": "a", "headers": {"x-a": "1"}, "zdr": True},
    {"name": "b", "headers": {"x-b": "*", "x-a": "?*"}, "quantizations": ["fp8"], "zdr": False},
    {"name": "sub", "headers": {"x-openai-subagent": "*e*"}, "data_collection": "deny"},
)


@given(sent=GARBAGE, order=st.randoms())
def test_headers_in_any_order_mean_the_same_and_garbage_never_raises(
    sent: list[tuple[bytes, bytes]], order: random.Random
) -> None:
    first = route(BY_HEADERS, ASKED, headers=sent)
    shuffled = sent.copy()
    order.shuffle(shuffled)
    other = route(BY_HEADERS, ASKED, headers=shuffled)
    assert (other.rules, other.preferences) == (first.rules, first.preferences)


@given(sent=GARBAGE)
def test_a_rule_with_headers_never_applies_without_them(sent: list[tuple[bytes, bytes]]) -> None:
    found = route(BY_HEADERS, ASKED, headers=sent).rules
    values = defaultdict(list)
    for name, value in sent:
        values[name.lower()].append(value)
    assert ("a" in found) == (b"1" in values[b"x-a"])
    assert ("b" in found) == (bool(values[b"x-b"]) and any(values[b"x-a"]))
    assert ("sub" in found) == any(b"e" in value.lower() for value in values[b"x-openai-subagent"])


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
