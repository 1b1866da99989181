"""What a rule refuses is turned away, whichever way the request does it."""

from typing import Any

import pytest

from app.errors import PolicyRefused
from tests.policy.sending import book_of, send

ALIASES = {"mine": {"model": "qwen/qwen3:online"}}


@pytest.mark.parametrize(
    ("field", "body", "used"),
    [
        ("preset", {"preset": "x"}, "`preset`"),
        ("preset", {"preset": ""}, "`preset`"),
        ("preset", {"model": "@preset/x"}, "the model @preset/x"),
        ("preset", {"model": "q/q@preset/x"}, "the model q/q@preset/x"),
        ("preset", {"model": " Q/q @PRESET/x"}, "the model  Q/q @PRESET/x"),
        ("preset", {"models": ["q/q", "q/q@preset/x"]}, "the model q/q@preset/x"),
        ("preset", {"fallbacks": [{"model": "@preset/x"}]}, "the model @preset/x"),
        ("plugins", {"plugins": [{"id": "web"}]}, "`plugins`"),
        ("plugins", {"model": "q/q:online"}, "the model q/q:online"),
        ("plugins", {"model": "q/q:free:ONLINE @preset/x"}, "the model q/q:free:ONLINE @preset/x"),
        ("models", {"models": ["c/d"]}, "`models`"),
        ("models", {"fallbacks": [{"model": "c/d"}]}, "`fallbacks`"),
        ("service_tier", {"service_tier": "flex"}, "`service_tier`"),
        ("service_tier", {"speed": "fast"}, "`speed`"),
        ("tools", {"tools": [{"type": "openrouter:web_search"}]}, "`tools`"),
        ("route", {"route": "fallback"}, "`route`"),
        ("transforms", {"transforms": ["middle-out"]}, "`transforms`"),
        ("provider", {"provider": {"zdr": True}}, "`provider`"),
        ("model", {}, "`model`"),
        ("model", {"model": "", "models": ["c/d"]}, "`model`"),
    ],
)
def test_a_refused_use_is_refused_naming_rule_and_way_out(
    field: str, body: dict[str, Any], used: str
) -> None:
    book = book_of({"refuse": [field]})
    with pytest.raises(PolicyRefused) as refused:
        send(book, {"model": "q/q", **body})
    assert str(refused.value) == (
        f'rule "rule-0" (test.yaml:1) refuses requests with {field}, and this one has {used}; '
        "leave it out"
    )


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("preset", {"model": "q/q"}),
        ("preset", {"preset": None}),
        ("plugins", {"plugins": []}),
        ("plugins", {"model": "q/q:nitro"}),
        ("models", {"models": [], "fallbacks": None}),
        ("service_tier", {"service_tier": None}),
    ],
)
def test_what_says_nothing_is_not_refused(field: str, body: dict[str, Any]) -> None:
    send(book_of({"refuse": [field]}), {"model": "q/q", **body})


def test_t37_a_rule_of_a_fallback_model_refuses_too() -> None:
    book = book_of({"models": ["c/*"], "refuse": ["plugins"]})
    body = {"model": "q/q", "plugins": [{"id": "web"}]}
    send(book, body)
    with pytest.raises(PolicyRefused):
        send(book, {**body, "models": ["c/d"]})


def test_a_value_that_the_policy_itself_sets_is_no_use() -> None:
    general = {"models": ["*"], "refuse": ["service_tier"]}
    book = book_of(general, {"models": ["q/*"], "set": {"service_tier": "flex"}})
    assert b'"service_tier":"flex"' in send(book, b'{"model":"q/q"}').body
    send(book, b'{"model":"q/q","service_tier":"flex"}')
    with pytest.raises(PolicyRefused):
        send(book, b'{"model":"q/q","service_tier":"priority"}')


def test_what_an_alias_stands_for_is_the_policys_own() -> None:
    book = book_of({"refuse": ["plugins"]}, aliases=ALIASES)
    assert send(book, {"model": "mine"}).model_sent == "qwen/qwen3:online"
    with pytest.raises(PolicyRefused):
        send(book, {"model": "qwen/qwen3:online"})


def test_models_refused_outright_may_still_be_reached_by_their_alias_in_a_list() -> None:
    book = book_of({"models": ["qwen/*"], "refuse": ["model"]}, aliases=ALIASES)
    with pytest.raises(PolicyRefused, match="this one has the model qwen/qwen3"):
        send(book, {"models": ["mine", "qwen/qwen3"]})
    assert send(book, {"models": ["mine"]}).model_sent == "qwen/qwen3:online"


@pytest.mark.parametrize(
    "body", [{"model": "@preset/x"}, {"model": "q/q", "models": ["@Preset/x"]}], ids=str
)
def test_a_model_that_is_nothing_but_a_stripped_preset_is_refused(body: dict[str, Any]) -> None:
    book = book_of({"models": ["*"], "strip": ["preset"]})
    with pytest.raises(PolicyRefused, match=r"strips presets, and @[Pp]reset/x is nothing else"):
        send(book, body)
