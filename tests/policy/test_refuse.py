"""What a rule refuses is turned away, whichever way the request does it."""

from typing import Any

import pytest

from app.errors import PolicyConflict, PolicyRefused
from app.simulator.ask import read_ask
from app.simulator.catalog import Catalog
from app.simulator.routing import admitted_tiers
from app.simulator.switches import Switches
from tests.policy.sending import book_of, send, sent
from tests.simulator.simulated import HELLO, endpoint, model

TIERED = "whose variant allows endpoints of a service tier"
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
        ("service_tier", {"model": "q/q:nitro"}, f"the model q/q:nitro, {TIERED}"),
        ("service_tier", {"model": "Q/q:free: FLOOR"}, f"the model Q/q:free: FLOOR, {TIERED}"),
        ("service_tier", {"models": ["q/q", "q/q:floor"]}, f"the model q/q:floor, {TIERED}"),
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
        "remove it"
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
        ("service_tier", {"model": "q/q:exacto"}),
        ("service_tier", {"model": "q/q:nitro", "provider": {"order": ["a"]}}),
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
    with pytest.raises(
        PolicyRefused, match=r"removes presets, but @[Pp]reset/x names only a preset"
    ):
        send(book, body)


# --- the tiers that variants admit ------------------------------------------------------------

NO_TIERS = {"name": "no-tiers", "models": ["*"], "refuse": ["service_tier"]}
RULES: list[dict[str, Any]] = [
    {},
    {"order": ["a"]},
    {"order": ["a"], "ignore": ["a"]},
    {"order": ["a", "b"], "merge": "fill"},
    {"pin": ["a"]},
    {"set": {"service_tier": "default"}},
    {"set": {"service_tier": "flex"}},
    {"set": {"service_tier": "ultrafast"}},
    {"sort": "price", "merge": "replace"},
]
PROVIDERS: list[dict[str, Any] | None] = [
    None,
    {"order": ["b"]},
    {"order": ["b"], "ignore": ["b"]},
    {"ignore": ["a"]},
    {"ignore": ["a", "b"], "sort": "price"},
    {"sort": "price"},
]


@pytest.mark.parametrize("variant", ["nitro", "floor", "exacto"])
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
def test_no_tier_comes_in_by_a_variant_that_the_policy_has_not_set_itself(
    variant: str, rule: dict[str, Any], provider: dict[str, Any] | None
) -> None:
    """By the router's own account of what is sent; and where none comes in, none is refused."""
    book = book_of(NO_TIERS, {"name": "more", "models": ["acme/*"], "zdr": True, **rule})
    lenient = book_of({"name": "more", "models": ["acme/*"], "zdr": True, **rule})
    body = {"model": f"acme/sim-1:{variant}", "messages": HELLO, "provider": provider}
    try:
        admitted = tiers(sent(lenient, body))
    except PolicyConflict:
        return
    admitted -= tiers(sent(lenient, {**body, "model": "acme/sim-1"}))
    if admitted:
        with pytest.raises(PolicyRefused):
            send(book, body)
    else:
        send(book, body)


def tiers(arrived: dict[str, Any]) -> set[str]:
    offered = Catalog([model(endpoint("a", "fp8"))])
    asked = read_ask(arrived, "chat", {}, offered, Switches())
    return {*admitted_tiers(asked, asked.candidates[0])}


def test_what_an_alias_stands_for_may_have_a_variant_that_is_refused_otherwise() -> None:
    book = book_of(NO_TIERS, aliases={"fast": {"model": "q/q:nitro"}})
    assert send(book, {"model": "fast"}).model_sent == "q/q:nitro"
    with pytest.raises(PolicyRefused):
        send(book, {"model": "q/q:nitro"})


def test_to_strip_the_tier_leaves_the_variant_which_sorts_as_well() -> None:
    book = book_of({"strip": ["service_tier"]})
    body = {"model": "q/q:nitro", "service_tier": "flex"}
    assert sent(book, body) == {"model": "q/q:nitro"}
