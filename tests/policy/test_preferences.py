"""The `provider` object of one request: ways to merge, the bytes sent, what a conflict says."""

import json
from typing import Any

import pytest

from app.errors import PolicyConflict
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
        f"{RULE} allows {field} {allowed} and the request's provider object asks for {asked}: "
        f"nothing is in both; ask for some of the former, or leave provider.{field} out"
    )


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
        '["a/fp8"] and ignore ["a"], so nobody is left to serve; '
        "ask for a provider that the policy doesn't shut out"
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
    with pytest.raises(PolicyConflict, match="leaves nobody to serve, whatever the policy says"):
        send(book_of(ours), {"model": "q/q", "provider": theirs})
