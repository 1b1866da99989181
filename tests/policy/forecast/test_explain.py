"""What `explain` says is what is sent, and each part of it names its line."""

import json
from typing import Any

from app.catalog.catalog import EMPTY
from app.catalog.preset import Unusable, read_preset
from app.policy.affinity import Host, Memory, Turn
from app.policy.apply import apply
from app.policy.book import Book
from app.policy.cap import market_of
from app.policy.file.parse import read_book
from app.policy.forecast.explain import Explanation, as_json_object, explain
from app.policy.presets import NO_PRESETS, Presets
from app.policy.request import Request, read_request
from app.policy.routed import Routed, routed
from app.policy.slices import split
from tests.policy.listings import MODEL, NOW, listed, row
from tests.policy.sending import book_of

BOOK = read_book(
    {
        "p.yaml": """\
version: 1
rules:
  - name: precise
    models: ["acme/*"]
    quantization_floor: fp8
    ignore: [cheapo]
    set: {session_id: mine}
    strip: [plugins]
    refuse: [preset]
  - name: exact
    models: [acme/pinned]
    pin: [novita]
aliases:
  quick: {model: acme/sim-1, preferences: {sort: throughput}}
"""
    }
)


def explained(**body: Any) -> Explanation:
    request = read_request(json.dumps(body).encode())
    return explain(by(BOOK, request))


def by(book: Book, request: Request, presets: Presets = NO_PRESETS) -> Routed:
    return routed(book, request, caller=None, user_agent="", catalog=EMPTY, presets=presets)


def places(explanation: Explanation) -> dict[str, list[int | str]]:
    """The lines behind each field; `-` is the request itself."""
    return {
        field.field: [
            *(clause.line for clause in field.behind.clauses),
            *["-"] * field.behind.request,
        ]
        for field in explanation.fields
    }


def test_each_field_names_the_lines_it_comes_from() -> None:
    explanation = explained(model="quick", plugins=[{"id": "web"}], provider={"zdr": True})
    assert places(explanation) == {
        "model": [14],
        "plugins": [8],
        "session_id": [7],
        "provider.quantizations": [5],
        "provider.ignore": [6],
        "provider.sort": [14],
        "provider.zdr": ["-"],
    }


def test_what_it_says_is_what_is_sent() -> None:
    body = {"model": "acme/pinned", "plugins": [1], "provider": {"ignore": ["x"], "sort": "price"}}
    request = read_request(json.dumps(body).encode())
    found = by(BOOK, request)
    explanation, outgoing = explain(found), apply(request, found.route)
    _, sent = split(outgoing.body)
    assert explanation.provider == json.loads(bytes(sent["provider"]))
    for field in explanation.fields:
        name, _, part = field.field.partition(".")
        value = json.loads(bytes(sent.get(name, b"{}")))
        assert field.sent == (value.get(part) if part else value or None)
    assert explanation.overruled == outgoing.overruled != ()


def test_a_refusal_is_explained_and_nothing_else() -> None:
    explanation = explained(model="acme/sim-1", preset="mine")
    assert explanation.refusal is not None
    assert explanation.refusal.code == "policy_refused"
    shown = as_json_object(explanation, "rev")
    assert (shown["model_sent"], shown["fields"], shown["provider"]) == (None, [], None)
    assert "p.yaml:9" in shown["refused"]["message"]


def test_where_no_rule_speaks_nothing_is_changed() -> None:
    explanation = explained(model="other/model")
    assert (explanation.fields, explanation.provider) == ((), None)
    explanation = explained(model="other/model", provider={"only": ["novita"]})
    assert places(explanation) == {"provider.only": ["-"]}


def test_machines_get_all_of_it_as_json() -> None:
    explanation = explained(model="quick", provider={"quantizations": ["fp4", "fp8"], "zdr": True})
    shown = json.loads(json.dumps(as_json_object(explanation, "rev")))
    assert (shown["model_asked"], shown["alias"]) == ("quick", "quick")
    assert (shown["book"], shown["rules"]) == ("rev", ["precise"])
    assert shown["overruled"] == [
        {
            "field": "provider.quantizations",
            "asked": ["fp4", "fp8"],
            "sent": ["fp8"],
            "rule": "precise",
            "why": "only labels in both lists may serve",
        }
    ]
    floor = {"rule": "precise", "file": "p.yaml", "line": 5, "key": "quantization_floor"}
    (quantizations,) = (
        each for each in shown["fields"] if each["field"] == "provider.quantizations"
    )
    assert quantizations["from"] == [{**floor, "value": "fp8"}]
    assert quantizations["from_request"] is True
    (zdr,) = (each for each in shown["fields"] if each["field"] == "provider.zdr")
    assert (zdr["from"], zdr["from_request"]) == ([], True)


def test_a_field_that_only_upstream_can_read_is_shown_as_its_text() -> None:
    request = read_request(b'{"model":"acme/sim-1","plugins":"\\ud83d"}')
    found = explain(by(BOOK, request)).fields
    (plugins,) = (each for each in found if each.field == "plugins")
    assert plugins.asked == '"\\ud83d"'


MORE = """\
version: 1
rules:
  - name: capped
    models: ["acme/*"]
    max_price: {prompt: 1, completion: 2}
    order: [novita]
  - name: ours
    models: ["ours/*"]
    merge: replace
    zdr: true
  - name: plain
    models: ["plain/*"]
    strip: [preset, plugins, service_tier, models]
aliases:
  quick: {model: acme/sim-1}
"""


def more(**body: Any) -> dict[str, list[int | str]]:
    book, request = read_book({"p.yaml": MORE}), read_request(json.dumps(body).encode())
    return places(explain(by(book, request)))


def test_t52_each_price_and_each_list_is_whoevers_value_is_sent() -> None:
    """Three of four are the request's own, though a rule speaks of two of them."""
    asked = {"max_price": {"prompt": 0.5, "completion": 3}, "only": ["novita"], "sort": "price"}
    assert more(model="acme/sim-1", provider=asked) == {
        "provider.max_price": [5, "-"],
        "provider.order": [6],
        "provider.only": ["-"],
        "provider.sort": [6],  # silenced by the order
    }
    assert more(model="acme/sim-1", provider={"max_price": {"prompt": 0, "completion": 0}}) == {
        "provider.max_price": ["-"],
        "provider.order": [6],
    }


def test_t52_what_a_policy_replaces_is_left_out_by_that_clause() -> None:
    asked = {"only": ["novita"], "zdr": True, "ignore": None}
    assert more(model="ours/sim-1", provider=asked) == {
        "provider.only": [9],
        "provider.zdr": [10],
        "provider.ignore": [9],
    }


def test_t52_a_model_by_another_name_and_a_field_by_another_name_have_their_clauses() -> None:
    assert more(model="other/model", models=["quick"]) == {
        "provider.max_price": [5, 5],
        "provider.order": [6],
        "models": [15],
    }
    assert more(model="plain/x:online@preset/mine", speed="fast") == {
        "model": [13, 13],
        "speed": [13],
    }
    assert more(models=["plain/x", "plain/y"]) == {"models": [13], "model": [13]}


def test_presets_inner_models_and_what_is_not_provable_are_shown() -> None:
    tools = [{"type": "openrouter:subagent", "parameters": {"model": "acme/mini"}}]
    body = {"model": "@preset/mine", "preset": "other", "tools": tools, "brand_new": 1}
    request = read_request(json.dumps(body).encode())
    mine = {"designated_version": {"version": 3, "config": {"provider": {"zdr": True}}}}
    presets: Presets = {
        "mine": read_preset("mine", json.dumps({"data": mine}).encode()),
        "other": Unusable("other", "it can't be read"),
    }
    shown = as_json_object(explain(by(BOOK, request, presets)), "r")
    assert shown["presets"] == [
        {"preset": "mine", "version": 3, "provider": {"zdr": True}},
        {"preset": "other", "unusable": "it can't be read"},
    ]
    assert shown["inner_models"] == [
        {"carrier": "tools.openrouter:subagent", "model": "acme/mini", "inherits": False}
    ]
    assert shown["not_provable"].startswith("not provable: preset other: it can't be read, and 1")


def test_a_pin_and_the_sent_session_name_the_line_of_their_affinity() -> None:
    book = read_book(
        {"p.yaml": "version: 1\nrules:\n  - {name: kept, models: ['*'], affinity: pin}\n"}
    )
    turn = Turn("5e55", Memory(pin=Host("novita"), issuer=Host("novita")))
    explanation = explain(by(book, read_request(b'{"model":"acme/sim-1"}')), None, turn)
    assert places(explanation) == {"session_id": [3], "provider.order": [3]}
    told = as_json_object(explanation, book.revision)
    assert (told["affinity"], told["pinned_to"], told["pin_reason"]) == (
        "pin",
        "novita",
        "last_turn",
    )


def test_a_cap_is_shown_with_its_figures_where_prices_are_known() -> None:
    row_ = {**row("novita", "Novita"), "supported_parameters": ["max_tokens"]}
    known = listed([{**row_, "context_length": 90_000, "max_completion_tokens": 50_000}])
    book = book_of({"max_request_usd": {"usd": 0.01, "clamp": True}})
    request = read_request(json.dumps({"model": MODEL, "messages": []}).encode())
    routed_by = routed(book, request, caller=None, user_agent="", catalog=known)
    unknown = as_json_object(explain(routed_by), book.revision)["max_request"]
    assert (unknown["usd"], unknown["at_most"], unknown["from"]["line"]) == (0.01, None, 1)
    explained = explain(routed_by, market=market_of([MODEL], known, now=NOW))
    told = as_json_object(explained, book.revision)
    within = told["max_request"]
    assert within["limit"] == within["at_most"]["output_tokens"]
    assert within["at_most"]["usd"] <= 0.01
    assert (within["at_most"]["endpoint"], within["at_most"]["model"]) == ("novita", MODEL)
    (field,) = told["fields"]
    assert (field["field"], field["from"][0]["key"]) == ("max_tokens", "max_request_usd")
    (lost,) = told["overruled"]
    assert (lost["field"], lost["sent"]) == ("max_tokens", within["limit"])
    refused = explain(routed_by, market=market_of([MODEL], known, now=NOW + 10**9))
    assert refused.refusal is not None
    assert refused.refusal.code == "request_cost_unknown"
