"""The `provider` object of one request: ways to merge, the bytes sent, what a conflict says."""

import json
from typing import Any

import pytest

from app.catalog.catalog import EMPTY
from app.errors import MalformedBody, PolicyConflict
from tests.policy.sending import book_of, send

Said = dict[str, Any]
OURS = {"only": ["a", "b"], "zdr": True, "max_price": {"prompt": 1, "completion": 2}}


@pytest.mark.parametrize(
    ("merge", "theirs", "sent"),
    [
        ("tighten", {"only": ["b", "c"], "zdr": False, "max_price": {"prompt": 5}},
         {"only": ["b"], "zdr": True, "max_price": {"prompt": 1, "completion": 2}}),
        ("replace", {"only": ["b", "c"], "sort": "price", "new": 1}, OURS),
        ("replace", {}, OURS),
        ("fill", {"only": ["c"], "zdr": False, "max_price": {"prompt": 5}},
         {"only": ["c"], "zdr": False, "max_price": {"prompt": 5, "completion": 2}}),
        ("tighten", None, OURS),
        ("replace", None, OURS),
        ("fill", None, OURS),
    ],
)  # fmt: skip
def test_a_merge_does_what_its_name_says(merge: str, theirs: Said | None, sent: Said) -> None:
    outgoing = send(book_of({**OURS, "merge": merge}), {"model": "q/q", "provider": theirs})
    assert outgoing.preferences == json.loads(outgoing.body)["provider"] == sent


def test_to_replace_by_nothing_leaves_the_callers_object_out() -> None:
    book = book_of({"merge": "replace"})
    outgoing = send(book, b'{"model":"q/q","provider":{"only":["a"]}}')
    assert (outgoing.body, outgoing.preferences) == (b'{"model":"q/q"}', None)


@pytest.mark.parametrize("theirs", ['{"only":null}', '{"only":[],"zdr":null}'])
def test_an_object_that_says_nothing_is_left_out_where_the_policy_says_nothing(theirs: str) -> None:
    book = book_of({"set": {"user": "me"}})
    outgoing = send(book, f'{{"model":"q/q","provider":{theirs}}}')
    assert outgoing.body == b'{"model":"q/q","user":"me"}'


@pytest.mark.parametrize(
    ("theirs", "sent"),
    [
        ('{"only":["x"],"only":["a"]}', {"only": ["a"]}),
        ('{"\\u006fnly":["x"],"only":["a"]}', {"only": ["a"]}),
        ('{"only":["a"],"max_price":{"prompt":9,"prompt":1}}',
         {"only": ["a"], "max_price": {"prompt": 1}}),
        ('{"only":["a"],"options":{"a":{"x":1,"x":2}}}',
         {"only": ["a"], "options": {"a": {"x": 2}}}),
    ],
)  # fmt: skip
def test_a_key_given_twice_inside_is_sent_once_the_last(theirs: str, sent: Said) -> None:
    """Whoever reads the first and whoever reads the last would read two things."""
    body = send(book_of({"only": ["a"]}), f'{{"model":"q/q","provider":{theirs}}}').body
    assert json.loads(body, object_pairs_hook=list) == [
        ("model", "q/q"),
        ("provider", json.loads(json.dumps(sent), object_pairs_hook=list)),
    ]


RULE = 'rule "rule-0" (test.yaml:1)'


@pytest.mark.parametrize(
    ("ours", "theirs", "field", "allowed", "asked"),
    [
        ({"only": ["a"]}, {"only": ["b"]}, "only", '["a"]', '["b"]'),
        ({"quantization_floor": "fp16"}, {"quantizations": ["fp8"]}, "quantizations",
         '["fp16","bf16","fp32"]', '["fp8"]'),
        ({"order": ["a"], "allow_fallbacks": False}, {"only": ["b"]}, "only", '["a"]', '["b"]'),
    ],
)  # fmt: skip
def test_a_conflict_names_rule_both_sides_and_the_way_out(
    ours: Said, theirs: Said, field: str, allowed: str, asked: str
) -> None:
    with pytest.raises(PolicyConflict) as conflict:
        send(book_of(ours), {"model": "q/q", "provider": theirs})
    assert str(conflict.value) == (
        f"{RULE} allows {field} {allowed} and the request's provider.{field} asks for {asked}, "
        "which have nothing in common; request values that the policy allows, or "
        f"remove provider.{field}"
    )


@pytest.mark.parametrize(
    ("theirs", "field", "asked"),
    [
        ({"order": ["b"], "allow_fallbacks": False}, "order", '["b"]'),
        ({"order": ["Novita", "b"], "allow_fallbacks": False}, "order", '["novita","b"]'),
        ({"only": ["a", "b"], "order": ["b"], "allow_fallbacks": False}, "order", '["b"]'),
        ({"only": ["b"], "order": ["b"], "allow_fallbacks": False}, "only", '["b"]'),
        ({"only": ["a/x", "b"], "order": ["a/y", "b"], "allow_fallbacks": False}, "only", '["b"]'),
    ],
)
def test_a_conflict_names_the_field_that_was_really_sent(
    theirs: Said, field: str, asked: str
) -> None:
    """An order without fallbacks binds like an `only`, and its sender never wrote `only`."""
    with pytest.raises(PolicyConflict) as conflict:
        send(book_of({"only": ["a"]}), {"model": "q/q", "provider": theirs})
    assert f"the request's provider.{field} asks for {asked}" in str(conflict.value)
    assert str(conflict.value).endswith(f"remove provider.{field}")


NEW_HOST = EMPTY.with_listing(
    "q/q", [{"tag": "new-host/fp8", "provider_name": "New Host Inc."}], 1.0
)


@pytest.mark.parametrize(
    ("theirs", "sent"),
    [
        ({"only": ["Amazon Bedrock"]}, {"only": ["amazon-bedrock"]}),
        ({"ignore": ["Z.AI", "DeepInfra"]}, {"ignore": ["z-ai", "deepinfra"]}),
        ({"order": ["Google", "google-vertex"]}, {"order": ["google-vertex"]}),
        ({"only": ["new host inc.", "novita/fp8"]}, {"only": ["new-host", "novita/fp8"]}),
        ({"only": ["Never Heard Of"]}, {"only": ["Never Heard Of"]}),
        ({"sort": "price"}, {"sort": "price"}),
    ],
)
def test_display_names_are_sent_as_slugs(theirs: Said, sent: Said) -> None:
    """Upstream may take "Amazon Bedrock" for nobody; its sender means a provider."""
    outgoing = send(book_of({"zdr": True}), {"model": "q/q", "provider": theirs}, catalog=NEW_HOST)
    assert json.loads(outgoing.body)["provider"] == {"zdr": True, **sent}
    assert outgoing.overruled == ()


def test_a_display_name_meets_a_slug_of_the_policy() -> None:
    outgoing = send(
        book_of({"only": ["novita", "amazon-bedrock"]}),
        {"model": "q/q", "provider": {"only": ["Amazon Bedrock", "Groq"]}},
    )
    assert outgoing.preferences == {"only": ["amazon-bedrock"]}


def test_what_is_no_list_of_names_is_complained_about_as_always() -> None:
    with pytest.raises(MalformedBody):
        send(book_of({"only": ["a"]}), {"model": "q/q", "provider": {"only": ["Groq", 5]}})


def test_where_no_rule_speaks_names_go_on_as_they_came() -> None:
    body = b'{"model": "q/q", "provider": {"only": ["Amazon Bedrock"]}}'
    assert send(book_of({"models": ["x/*"], "zdr": True}), body).body == body


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"ignore": ["a"]}, {"only": ["a/fp8"]}),
        ({"only": ["a/fp8"]}, {"ignore": ["a"]}),
        ({"pin": ["a/fp8"], "merge": "fill"}, {"ignore": ["a"]}),
    ],
)
def test_a_conflict_between_allowed_and_ignored_names_both(ours: Said, theirs: Said) -> None:
    with pytest.raises(PolicyConflict) as conflict:
        send(book_of(ours), {"model": "q/q", "provider": theirs})
    assert str(conflict.value) == (
        f"{RULE} and the request's provider object together allow only "
        '["a/fp8"] and ignore ["a"], so no provider is left; '
        "request a provider that the policy allows"
    )


@pytest.mark.parametrize(
    "theirs",
    [
        {"only": ["a"], "ignore": ["a"]},
        {"only": ["a"], "order": ["b"], "allow_fallbacks": False},
        {"order": ["b"], "ignore": ["b"], "allow_fallbacks": False},
    ],
)
@pytest.mark.parametrize("ours", [{"zdr": True}, {"only": ["a", "b"]}, {"order": ["a"]}])
def test_a_caller_who_shuts_out_everybody_is_told_so_and_no_rule_is_blamed(
    ours: Said, theirs: Said
) -> None:
    with pytest.raises(PolicyConflict, match="leaves no provider, whatever the policy"):
        send(book_of(ours), {"model": "q/q", "provider": theirs})
