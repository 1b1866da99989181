"""A request under a policy, to the byte."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.errors import MalformedBody, PolicyConflict, PolicyRefused
from app.policy.apply import apply
from app.policy.book import EMPTY_BOOK
from app.policy.request import read_request
from app.policy.slices import split
from tests.policy.json_texts import BOUNDED, OBJECTS, Pair, Text
from tests.policy.sending import book_of, route, send, sent

ALIASES = {"mine": {"model": "qwen/qwen3"}}
FLOOR = book_of({"only": ["a"]}, aliases=ALIASES)
NAMED = frozenset({"model", "models", "fallbacks", "provider", "user", "tools"})


def test_without_a_policy_the_callers_own_bytes_go_on() -> None:
    body = b'{ "model" : "a/b", "provider": {"zdr": 1.0}, "x":\t1.0 }'
    outgoing = send(EMPTY_BOOK, body)
    assert outgoing.body is body
    assert outgoing.preferences == {"zdr": 1.0}
    assert (outgoing.changed, outgoing.overruled, outgoing.model_sent) == ((), (), "a/b")


def test_where_no_rule_speaks_nothing_is_injected() -> None:
    book = book_of({"models": ["qwen/*"], "only": ["a"], "set": {"user": "me"}})
    body = b'{"model":"meta-llama/llama-4","provider":null}'
    assert send(book, body).body is body


@pytest.mark.parametrize(
    ("body", "arrived"),
    [
        (b'{"model":"q/q"}', b'{"model":"q/q","provider":{"only":["a"]}}'),
        (b'{"model":"q/q" }\n', b'{"model":"q/q" ,"provider":{"only":["a"]}}\n'),
        (b'{"model":"q/q","provider":null}', b'{"model":"q/q","provider":{"only":["a"]}}'),
        (b'{"model":"q/q","provider":{}}', b'{"model":"q/q","provider":{"only":["a"]}}'),
        (b'{"provider": { } , "model":"q/q"}', b'{"provider": {"only":["a"]} , "model":"q/q"}'),
        (b'{"model":"mine"}', b'{"model":"qwen/qwen3","provider":{"only":["a"]}}'),
        (b'{"models":["q/q","mine"]}',
         b'{"models":["q/q","qwen/qwen3"],"provider":{"only":["a"]}}'),
        (b'{"model":"q/q","fallbacks":[{ "model": "Mine" },5, {}]}',
         b'{"model":"q/q","fallbacks":[{ "model": "qwen/qwen3" },5,{}],"provider":{"only":["a"]}}'),
    ],
)  # fmt: skip
def test_the_policy_goes_in_and_the_rest_stays(body: bytes, arrived: bytes) -> None:
    assert send(FLOOR, body).body == arrived


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"q/q","provider":{"only":["a"]}}',
        b'{"model":"q/q","provider": { "only" : [ "a" ], "new": 1.0 } }',
        b'{"model":"q/q","provider":{"only":["a/fp8"],"max_price":{"prompt":"0.50"}}}',
    ],
)
def test_a_caller_who_asks_for_no_more_is_sent_on_untouched(body: bytes) -> None:
    outgoing = send(FLOOR, body)
    assert outgoing.body is body
    assert (outgoing.overruled, outgoing.changed) == ((), ())


def test_t34_within_provider_too_the_callers_spelling_stays() -> None:
    body = b'{"model":"q/q","provider":{"options":{"x":{"n":1.00, "big":' + b"9" * 40 + b"}}}}"
    arrived = send(FLOOR, body).body
    assert b'"options":{"x":{"n":1.00, "big":' + b"9" * 40 + b"}}" in arrived
    assert json.loads(arrived)["provider"]["only"] == ["a"]


def test_a_price_cap_keeps_its_spelling_beside_one_that_is_lowered() -> None:
    book = book_of({"max_price": {"prompt": 1}})
    body = b'{"model":"q/q","provider":{"max_price":{"prompt":5,"completion": 2.50}}}'
    assert send(book, body).body == (
        b'{"model":"q/q","provider":{"max_price":{"prompt":1,"completion":2.50}}}'
    )


# --- what a policy does not name --------------------------------------------------------------


@BOUNDED
@given(OBJECTS, st.sampled_from(["q/q", "mine"]))
def test_t34_foreign_fields_arrive_byte_for_byte_in_their_order(text: Text, model: str) -> None:
    body = bytes(text)
    kept, fields = split(body)
    assume(not NAMED & fields.keys())
    named = kept[: kept.index(b"{") + 1] + f'"model":"{model}"'.encode()
    body = named + (b"," if fields else b"") + kept[kept.index(b"{") + 1 :]
    outgoing = send(book_of({"only": ["a"], "set": {"user": "me"}}, aliases=ALIASES), body)
    _, arrived = split(outgoing.body)
    assert {name: bytes(arrived[name]) for name in fields} == {
        name: bytes(raw) for name, raw in fields.items()
    }
    assert [name for name in arrived if name in fields] == list(fields)
    assert arrived.keys() - fields.keys() == {"model", "provider", "user"}


@BOUNDED
@given(OBJECTS)
def test_sent_twice_is_sent_once(text: Text) -> None:
    rule = {"strip": ["x"], "set": {"user": {"a": 1.0}}, "max_price": {"prompt": 1}}
    book = book_of(rule, aliases=ALIASES)
    pairs = (*text.pairs, Pair('"model"', '"mine"', ("", "", "", "")))
    body = bytes(Text(pairs, text.before, text.after))
    try:
        found = route(book, body)
    except MalformedBody:  # another type than an object for `provider`
        return
    once = apply(read_request(body), found)
    twice = apply(read_request(once.body), found)
    assert twice.body == once.body
    assert twice.preferences == once.preferences


# --- set and strip ----------------------------------------------------------------------------


def test_a_field_is_set_whatever_the_caller_says() -> None:
    book = book_of({"set": {"user": "team", "metadata": {"a": [1.5, None]}}})
    wanted = {"user": "team", "metadata": {"a": [1.5, None]}}
    assert sent(book, {"model": "q/q", "user": "me"}) == {"model": "q/q", **wanted}
    assert send(book, {"model": "q/q", "user": "me"}).changed == ("user", "metadata")


@pytest.mark.parametrize("spelled", [b'"team"', b'"te\\u0061m"'])
def test_a_field_that_says_the_same_already_keeps_its_spelling(spelled: bytes) -> None:
    body = b'{"model":"q/q","user": ' + spelled + b"}"
    assert send(book_of({"set": {"user": "team"}}), body).body is body


@pytest.mark.parametrize("raw", [b'"\\ud800"', b'"\xff"', b"[" * 900 + b"]" * 900, b"null"])
def test_a_field_that_cannot_be_read_is_set_all_the_same(raw: bytes) -> None:
    body = b'{"model":"q/q","user":' + raw + b"}"
    assert send(book_of({"set": {"user": "team"}}), body).body == b'{"model":"q/q","user":"team"}'


def test_a_stripped_field_is_left_out() -> None:
    book = book_of({"strip": ["transforms", "route"]})
    body = b'{"transforms":["middle-out"], "model":"q/q", "route":"fallback"}'
    outgoing = send(book, body)
    assert outgoing.body == b'{"model":"q/q"}'
    assert outgoing.changed == ("transforms", "route")
    assert send(book, b'{"model":"q/q"}').changed == ()


@pytest.mark.parametrize("blank", [b'"model":null,', b'"model":"",', b'"model":" ",', b""])
def test_t37_a_stripped_list_of_models_leaves_the_model_that_was_judged(blank: bytes) -> None:
    """With no model named, upstream would take the account's own default."""
    book = book_of({"strip": ["models"]}, aliases=ALIASES)
    for asked, model in ((b"q/q", "q/q"), (b"mine", "qwen/qwen3")):
        body = b"{" + blank + b'"models":["' + asked + b'","c/d"],"fallbacks":[{"model":"e/f"}]}'
        assert sent(book, body) == {"model": model}


@pytest.mark.parametrize(
    ("strip", "model", "arrived"),
    [
        (["preset"], "q/q@preset/x", "q/q"),
        (["preset"], "Q/q:free@PRESET/x", "Q/q:free"),
        (["plugins"], "q/q:online", "q/q"),
        (["plugins"], "q/q:free:online@preset/x", "q/q:free@preset/x"),
        (["plugins", "preset"], "q/q:online@preset/x", "q/q"),
        (["plugins"], "q/q:nitro", "q/q:nitro"),
    ],
)
def test_what_is_stripped_is_stripped_from_a_name_too(
    strip: list[str], model: str, arrived: str
) -> None:
    book = book_of({"strip": strip})
    body = {"model": model, "models": [model, "c/d"], "preset": "y", "plugins": [{"id": "web"}]}
    kept = {key: body[key] for key in ("preset", "plugins") if key not in strip}
    outgoing = send(book, body)
    assert json.loads(outgoing.body) == {"model": arrived, "models": [arrived, "c/d"], **kept}
    assert outgoing.model_sent == arrived


# --- what the receipt learns ------------------------------------------------------------------


def test_the_outgoing_request_says_what_was_done_to_it() -> None:
    book = book_of({"only": ["a"], "router_metadata": False}, aliases=ALIASES)
    outgoing = send(book, {"model": "mine", "provider": {"only": ["a", "b"], "zdr": True}})
    assert outgoing.model_sent == "qwen/qwen3"
    assert outgoing.preferences == {"only": ["a"], "zdr": True}
    assert outgoing.changed == ("provider", "model")
    assert not outgoing.router_metadata
    (lost,) = outgoing.overruled
    assert (lost.field, lost.asked, lost.sent, lost.rule) == ("only", ["a", "b"], ["a"], "rule-0")


def test_rules_that_leave_nothing_refuse_the_request() -> None:
    book = book_of({"models": ["q/*"], "only": ["a"]}, {"models": ["c/*"], "only": ["b"]})
    with pytest.raises(PolicyConflict, match="the policy allows no endpoint for q/q"):
        send(book, {"model": "q/q", "models": ["c/d"]})


def test_a_refused_request_is_refused_before_it_is_merged() -> None:
    with pytest.raises(PolicyRefused):
        send(book_of({"only": ["a"], "refuse": ["plugins"]}),
             {"model": "q/q", "plugins": [{"id": "web"}], "provider": {"only": ["b"]}})  # fmt: skip


@pytest.mark.parametrize("merge", ["tighten", "replace", "fill"])
def test_neither_request_nor_route_is_changed(merge: str) -> None:
    book = book_of({"only": ["a", "b"], "max_price": {"prompt": 1}, "merge": merge})
    theirs: dict[str, Any] = {"only": ["b"], "max_price": {"prompt": 2}}
    request = read_request(json.dumps({"model": "q/q", "provider": theirs}).encode())
    found = route(book, request.body)
    apply(request, found)
    assert request.provider == theirs
    assert found.preferences == {"only": ["a", "b"], "max_price": {"prompt": 1}}
