"""A preset that a request names: its provider object joins the policy and may only narrow."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from app.catalog.catalog import EMPTY
from app.catalog.preset import Preset, Unusable, is_slug, read_preset
from app.errors import MalformedBody, PolicyConflict, PolicyRefused
from app.policy.apply import Outgoing, apply
from app.policy.merge import Conflict, tighten
from app.policy.presets import Presets, presets_named
from app.policy.request import read_request
from app.policy.routed import Routed, routed
from tests.policy.algebra import CATALOGS, OURS, Offer, admitted
from tests.policy.json_texts import BOUNDED
from tests.policy.sending import book_of

ADDITIONS = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"
MESSAGES = {"messages": [{"role": "user", "content": "hi"}]}


def fixture(name: str) -> bytes:
    return (ADDITIONS / name).read_bytes()


def preset(slug: str = "mine", **config: Any) -> Preset:
    body = {"data": {"status": "active", "designated_version": {"version": 3, "config": config}}}
    read = read_preset(slug, json.dumps(body).encode())
    assert isinstance(read, Preset)
    return read


def found(rules: list[dict[str, Any]], body: dict[str, Any], *presets: Preset | Unusable) -> Routed:
    request = read_request(json.dumps({**MESSAGES, **body}).encode())
    known: Presets = {each.slug: each for each in presets}
    return routed(
        book_of(*rules), request, caller=None, user_agent="", catalog=EMPTY, presets=known
    )


def send(rule: dict[str, Any], body: dict[str, Any], *presets: Preset | Unusable) -> Outgoing:
    by = found([rule], body, *presets)
    return apply(by.request, by.route, by.presets)


def provider(outgoing: Outgoing) -> Any:
    return json.loads(outgoing.body).get("provider")


# --- reading ----------------------------------------------------------------------------------


def test_a_preset_is_read_as_openrouter_tells_of_it() -> None:
    read = read_preset("eu-coder", fixture("preset_get_with_provider.COMPOSED.json"))
    assert isinstance(read, Preset)
    assert (read.version, read.models) == (3, ("acme/sim-1", "acme/sim-1", "acme/sim-1-mini"))
    assert read.provider is not None
    assert read.provider["only"] == ["deepinfra/fp8", "baseten"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (fixture("preset_get.json").replace(b'"active"', b'"disabled"'), "status is disabled"),
        (b'{"data": {"status": "active", "designated_version": null}}', "no designated version"),
        (b'{"data": null}', "can't be read"),
        (b"<html>", "can't be read"),
        (b'{"data": {"designated_version": {"config": {"provider": []}}}}', "can't be read"),
        (b'{"data": {"designated_version": {"config": {"model": "@preset/b"}}}}', "another preset"),
        (b'{"data": "' + b"x" * 300_000 + b'"}', "over 256 kB"),
        (b"[" * 100_000, "can't be read"),
    ],
)
def test_a_preset_that_can_not_be_used_says_why(body: bytes, why: str) -> None:
    read = read_preset("x", body)
    assert isinstance(read, Unusable)
    assert why in read.why


@pytest.mark.parametrize(
    ("slug", "fits"),
    [("eu-coder", True), ("a.b_c", True), ("../../x", False), ("", False), ("a/b", False)],
)
def test_a_presets_name_is_no_path(slug: str, *, fits: bool) -> None:
    assert is_slug(slug) is fits


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"model": "@preset/mine"}, ("mine",)),
        ({"model": " @PRESET/mine "}, ("mine",)),
        ({"model": "a/b@preset/mine"}, ("mine",)),
        ({"model": "a/b", "preset": "mine"}, ("mine",)),
        ({"model": "a/b", "preset": "@preset/mine"}, ("mine",)),
        ({"model": "a/b", "models": ["@preset/x", "c/d@preset/y"]}, ("x", "y")),
        ({"model": "@preset/../../x"}, ("../../x",)),
        ({"model": "a/b", "preset": None}, ()),
        ({"model": "a/b", "plugins": [{"id": "fusion", "preset": "general-high"}]}, ()),
        ({"model": "a/b"}, ()),
    ],
)
def test_t56_a_preset_is_found_in_each_of_its_forms(body: dict[str, Any], named: Any) -> None:
    assert presets_named(read_request(json.dumps(body).encode())) == named


def test_a_preset_that_is_no_text_is_the_callers_mistake() -> None:
    for raw in (b"5", b'["x"]', b'"\\ud800"'):
        with pytest.raises(MalformedBody, match="`preset` must be a string"):
            presets_named(read_request(b'{"model":"a/b","preset":' + raw + b"}"))


# --- joining ----------------------------------------------------------------------------------

STRICT = preset(provider={"only": ["deepinfra", "novita"], "data_collection": "deny"})


@pytest.mark.parametrize(
    ("rule", "body", "sent"),
    [
        ({"zdr": True}, {"model": "@preset/mine"},
         {"zdr": True, "only": ["deepinfra", "novita"], "data_collection": "deny"}),
        ({"only": ["novita", "groq"]}, {"model": "a/b", "preset": "mine"},
         {"only": ["novita"], "data_collection": "deny"}),
        ({"zdr": True}, {"model": "a/b@preset/mine", "provider": {"only": ["deepinfra/fp8"]}},
         {"zdr": True, "only": ["deepinfra/fp8"], "data_collection": "deny"}),
        # nobody else says anything: the preset's own object stands, and nothing is sent
        ({"set": {"user": "me"}}, {"model": "@preset/mine"}, None),
        # the policy's object alone
        ({"only": ["groq"], "merge": "replace"}, {"model": "@preset/mine"}, {"only": ["groq"]}),
    ],
)  # fmt: skip
def test_t56_its_provider_object_joins_and_may_only_narrow(
    rule: dict[str, Any], body: dict[str, Any], sent: Any
) -> None:
    assert provider(send(rule, body, STRICT)) == sent


def test_what_fell_of_a_preset_is_told() -> None:
    outgoing = send({"only": ["novita"]}, {"model": "@preset/mine"}, STRICT)
    assert [(each.field, each.asked) for each in outgoing.overruled] == [
        ("only", ["deepinfra", "novita"])
    ]


def test_a_preset_and_a_rule_that_shut_each_other_out_are_a_conflict() -> None:
    with pytest.raises(PolicyConflict, match="the preset mine have no provider in common"):
        send({"only": ["groq"]}, {"model": "@preset/mine"}, STRICT)


@pytest.mark.parametrize("rule", [{"zdr": True}, {"order": ["a"], "allow_fallbacks": False}])
def test_t56_beside_a_filter_an_unreadable_preset_is_refused(rule: dict[str, Any]) -> None:
    gone = Unusable("mine", "the API key has no preset of that name")
    with pytest.raises(
        PolicyRefused, match=r"can't be enforced with the preset mine: the API key has no preset"
    ):
        send(rule, {"model": "@preset/mine"}, gone)
    assert provider(send({**rule, "presets": "pass"}, {"model": "@preset/mine"}, gone)) == rule


def test_an_unreadable_preset_passes_beside_a_wish_and_nothing_is_kept_then() -> None:
    gone = Unusable("mine", "it can't be read")
    assert provider(send({"sort": "price"}, {"model": "@preset/mine"}, gone)) == {"sort": "price"}
    by = found([{"sort": "price"}], {"model": "@preset/mine"}, gone)
    assert by.unprovable == "not provable: preset mine: it can't be read"


def test_presets_can_be_refused_altogether_and_stripped() -> None:
    with pytest.raises(
        PolicyRefused, match=r"presets are refused by .*, and this request names mine"
    ):
        send({"presets": "refuse"}, {"model": "a/b", "preset": "mine"}, STRICT)
    stripped = send({"zdr": True, "strip": ["preset"]}, {"model": "a/b@preset/mine"}, STRICT)
    assert json.loads(stripped.body) == {"model": "a/b", **MESSAGES, "provider": {"zdr": True}}


@pytest.mark.parametrize("how", ["strip", "refuse"])
def test_a_preset_may_not_bring_what_a_rule_keeps_out(how: str) -> None:
    brings = preset(plugins=[{"id": "web"}], fallbacks=[{"model": "c/d"}])
    for field, used in (("plugins", "plugins"), ("models", "fallbacks")):
        with pytest.raises(
            PolicyRefused, match=f"the preset mine sets {used}, which rule .* removes or refuses"
        ):
            send({how: [field]}, {"model": "a/b", "preset": "mine"}, brings)
    # left out of the request, the preset's own would stand
    own = {"model": "a/b", "preset": "mine", "plugins": [{"id": "web"}]}
    with pytest.raises(PolicyRefused):
        send({how: ["plugins"]}, own, brings)
    with pytest.raises(PolicyRefused, match=r"the preset mine sets plugins\.web, which rule"):
        send({how: ["plugins.web"]}, {"model": "a/b", "preset": "mine"}, brings)


def test_where_no_rule_speaks_a_preset_is_left_alone() -> None:
    body = {"model": "@preset/mine"}
    outgoing = send({"models": ["x/*"], "zdr": True}, body, STRICT)
    assert json.loads(outgoing.body) == {**MESSAGES, **body}


# --- matching ---------------------------------------------------------------------------------


def test_t56_its_models_tools_and_plugins_take_part_in_matching() -> None:
    rules: list[dict[str, Any]] = [
        {"models": ["c/big"], "only": ["x", "y"]},
        {"models": ["c/mini"], "ignore": ["y"]},
        {"models": ["*"], "zdr": True},
    ]
    tools = [{"type": "openrouter:subagent", "parameters": {"model": "c/mini"}}]
    brings = preset(model="c/big", tools=tools, plugins=[{"id": "web"}])
    by = found(rules, {"model": "@preset/mine"}, brings)
    assert by.route.preferences["only"] == ["x"]
    assert by.inner == ("c/mini",)
    assert by.server_tools
    # beside fallbacks alone, too
    by = found(rules, {"models": ["a/b"], "preset": "mine"}, brings)
    assert by.route.preferences["only"] == ["x"]
    # its model counts only where the request has none of its own
    by = found(rules, {"model": "a/b", "preset": "mine"}, brings)
    assert "only" not in by.route.preferences
    assert "ignore" in by.route.preferences


def test_what_a_preset_brings_is_part_of_what_is_sent() -> None:
    brings = preset(service_tier="priority", temperature=0.2)
    by = found([{"zdr": True}], {"model": "a/b", "preset": "mine", "temperature": 1}, brings)
    fields = {name: msgspec.json.decode(raw) for name, raw in by.sent.fields.items()}
    assert (fields["service_tier"], fields["temperature"]) == ("priority", 1)


@BOUNDED
@given(OURS, OURS, CATALOGS)
def test_t56_no_preset_widens_a_policy_and_no_policy_widens_a_preset(
    ours: dict[str, Any], theirs: dict[str, Any], catalog: list[Offer]
) -> None:
    ours, theirs = ({k: v for k, v in said.items() if k != "options"} for said in (ours, theirs))
    if isinstance(tighten(ours, {}), Conflict):
        return
    try:
        outgoing = send(ours, {"model": "@preset/mine"}, preset(provider=theirs))
    except PolicyConflict:
        return
    effective = provider(outgoing) or theirs
    assert admitted(effective, catalog) <= admitted(ours, catalog) & admitted(theirs, catalog)
