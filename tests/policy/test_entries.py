"""Single tools and plugins: refused, or stripped with every other byte left as it was."""

from typing import Any

import msgspec
import pytest

from app.errors import PolicyRefused
from app.policy.entries import used, without
from tests.policy.sending import book_of, send, sent

ADVISOR = {"type": "openrouter:advisor"}
NESTED = {"type": "openrouter:subagent", "parameters": {"tools": [{"parameters": 5}, ADVISOR]}}
FUNCTION = {"type": "function", "function": {"name": "advisor"}}
FUSION = {"id": "fusion", "models": []}


@pytest.mark.parametrize(
    ("refused", "fields", "by"),
    [
        ("tools.openrouter:advisor", {"tools": [FUNCTION, ADVISOR]}, "`tools.openrouter:advisor`"),
        ("tools.openrouter:*", {"tools": [NESTED]}, "`tools.openrouter:subagent`"),
        ("tools.openrouter:advisor", {"tools": [NESTED]}, "`tools.openrouter:advisor`"),
        ("plugins.fusion", {"plugins": [{"id": "web"}, FUSION]}, "`plugins.fusion`"),
        ("tools.web_search*", {"tools": [{"type": "web_search_20250305"}]}, "web_search_20250305"),
    ],
)
def test_a_single_tool_or_plugin_is_refused(refused: str, fields: dict[str, Any], by: str) -> None:
    with pytest.raises(PolicyRefused, match=r"refuses requests with") as refusal:
        send(book_of({"refuse": [refused]}), {"model": "a/b", **fields})
    assert by in str(refusal.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [FUNCTION]},
        {"tools": [5, "openrouter:advisor", {"type": 5}]},
        {"tools": "openrouter:advisor"},
        {"plugins": [{"id": "web"}]},
        {},
    ],
)
def test_others_pass(fields: dict[str, Any]) -> None:
    body = {"model": "a/b", **fields}
    book = book_of({"refuse": ["tools.openrouter:advisor", "plugins.fusion"]})
    assert sent(book, body) == body


def test_what_the_policy_sets_itself_is_no_use() -> None:
    rule = {"refuse": ["plugins.fusion"], "set": {"plugins": [FUSION]}}
    assert sent(book_of(rule), {"model": "a/b", "plugins": [FUSION]})["plugins"] == [FUSION]


def test_a_stripped_entry_leaves_the_others_byte_for_byte() -> None:
    body = (
        b'{"model":"a/b","tools":[ {"type" : "function","n":1.0}, {"type":"openrouter:advisor"}]}'
    )
    arrived = send(book_of({"strip": ["tools.openrouter:*"]}), body).body
    assert arrived == b'{"model":"a/b","tools":[{"type" : "function","n":1.0}]}'


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"tools": [ADVISOR]}, {}),
        ({"tools": [NESTED, FUNCTION]}, {"tools": [FUNCTION]}),
        ({"tools": [FUNCTION]}, {"tools": [FUNCTION]}),
        ({"tools": [ADVISOR], "plugins": [FUSION]}, {"plugins": [FUSION]}),
        ({"tools": None}, {"tools": None}),
    ],
)
def test_a_list_that_loses_all_is_left_out(fields: dict[str, Any], left: Any) -> None:
    arrived = sent(book_of({"strip": ["tools.openrouter:advisor"]}), {"model": "a/b", **fields})
    assert arrived == {"model": "a/b", **left}


def test_beside_fields_that_are_stripped_whole() -> None:
    book = book_of({"strip": ["tools.openrouter:advisor", "user"]})
    arrived = sent(book, {"model": "a/b", "user": "me", "tools": [ADVISOR, FUNCTION]})
    assert arrived == {"model": "a/b", "tools": [FUNCTION]}


def test_a_list_that_can_not_be_read_is_left_out_whole() -> None:
    deep = msgspec.Raw(b"[" * 2000 + b"]" * 2000)
    assert without({"tools": deep}, ["tools.x"]) == {"tools": None}
    assert used({"tools": deep}, "tools.x") == "tools that can't be read"


@pytest.mark.parametrize("odd", [rb'"\ud83d"', b"1e999", b'"\xff"', b"1" * 5000])
def test_t57_one_odd_value_hides_no_entry(odd: bytes) -> None:
    """It let all of a list past `refuse`, and was a 500 under `strip`."""
    other = b'{"type":"function","x":' + odd + b"}"
    fields = {"tools": msgspec.Raw(b'[{"type":"openrouter:subagent"},' + other + b"]")}
    assert used(fields, "tools.openrouter:subagent") == "tools.openrouter:subagent"
    assert used(fields, "tools.openrouter:advisor") is None
    stripped = without(fields, ["tools.openrouter:subagent"])["tools"]
    assert stripped in {None, b"[" + other + b"]"}  # an entry's own bytes, or none at all


@pytest.mark.parametrize("odd", [b"1e999", b"[" * 2000 + b"]" * 2000])
def test_t57_an_entry_whose_name_can_not_be_read_may_be_the_one_that_is_named(odd: bytes) -> None:
    fields = {"tools": msgspec.Raw(b'[{"type":' + odd + b'},{"type":"function"}]')}
    assert used(fields, "tools.x") == "tools that can't be read"
    assert without(fields, ["tools.x"])["tools"] in {None, b'[{"type":"function"}]'}
