"""Slices of a body: what is split and edited is, byte for byte, what was written."""

import json
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.errors import MalformedBody
from app.policy.slices import edit, split
from tests.policy.json_texts import BOUNDED, KEYS, OBJECTS, VALUES, Text


def slices(body: bytes) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in split(body)[1].items()}


def _no_constant(name: str) -> None:
    raise ValueError(name)


def pairs(body: bytes) -> list[tuple[str, Any]]:
    """The slow way: the pairs of an object, numbers as they were spelled."""

    def hook(found: list[tuple[str, Any]]) -> tuple[str, Any]:
        return ("object", found)

    kind, found = json.loads(
        body.decode(),
        object_pairs_hook=hook,
        parse_int=str,
        parse_float=str,
        parse_constant=_no_constant,
    )
    assert kind == "object"
    return list(found)


def value(raw: bytes) -> Any:
    return dict(pairs(b'{"value":' + raw + b"}"))["value"]


def is_utf8(body: bytes) -> bool:
    return "\ufffd" not in body.decode(errors="replace")


@BOUNDED
@given(OBJECTS)
def test_every_value_is_the_very_bytes_that_were_written(text: Text) -> None:
    assert slices(bytes(text)) == text.values


@BOUNDED
@given(OBJECTS)
def test_a_body_whose_keys_come_once_is_the_very_object_given(text: Text) -> None:
    body = bytes(text)
    assume(len(text.values) == len(text.pairs))
    assert split(body)[0] is body


@BOUNDED
@given(OBJECTS)
def test_a_key_given_twice_is_kept_once_the_last(text: Text) -> None:
    body, fields = split(bytes(text))
    assert [name for name, _ in pairs(body)] == list(text.values)
    assert {name: bytes(raw) for name, raw in fields.items()} == slices(body) == text.values


@BOUNDED
@given(OBJECTS, st.dictionaries(KEYS.map(json.loads), st.none() | VALUES.map(str.encode)))
def test_an_edit_changes_what_it_names_and_nothing_else(
    text: Text, drawn: dict[str, bytes | None]
) -> None:
    changes = {name: new for name, new in drawn.items() if _encodes(name)}
    body, fields = split(bytes(text))
    edited = edit(body, fields, changes)
    expected = {**{name: bytes(raw) for name, raw in fields.items()}, **changes}
    kept = {name: raw for name, raw in expected.items() if raw is not None}
    assert slices(edited) == kept
    assert list(slices(edited)) == list(kept)
    assert pairs(edited) == [(name, value(raw)) for name, raw in kept.items()]


def _encodes(name: str) -> bool:
    """Half a surrogate pair can be a caller's key, never one that a policy adds."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


@BOUNDED
@given(OBJECTS)
def test_an_edit_of_nothing_is_the_very_body(text: Text) -> None:
    body, fields = split(bytes(text))
    assert edit(body, fields, {}) == body


@BOUNDED
@given(OBJECTS)
def test_setting_every_field_to_itself_changes_no_byte(text: Text) -> None:
    body, fields = split(bytes(text))
    assert edit(body, fields, {name: bytes(raw) for name, raw in fields.items()}) == body


@BOUNDED
@given(OBJECTS, st.data())
def test_only_what_is_json_is_taken_for_json(text: Text, data: st.DataObject) -> None:
    """One byte replaced, dropped or put in: we say yes exactly where Python's reader does."""
    body = bytes(text)
    at = data.draw(st.integers(0, len(body)))
    width = data.draw(st.integers(0, 1))
    new = data.draw(st.sampled_from([b"", *(bytes([each]) for each in b'{}[],:"\\1e.-\x01 n')]))
    changed = body[:at] + new + body[at + width :]
    assume(is_utf8(changed))
    try:
        expected: list[tuple[str, Any]] | None = pairs(changed)
    except (ValueError, TypeError, AssertionError):
        expected = None
    if expected is None:
        with pytest.raises(MalformedBody):
            split(changed)
    else:
        assert slices(changed).keys() == dict(expected).keys()


@BOUNDED
@given(st.binary(max_size=40))
def test_garbage_is_malformed_and_nothing_worse(body: bytes) -> None:
    try:
        split(body)
    except MalformedBody:
        return
    assert body.strip(b" \t\n\r").startswith(b"{")


SURROGATE = b'"s":"\\ud800"'  # sends a body down the slow way


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"[]", b'"a"', b"1", b"null", b'{"a":1}x', b'{"a":1}{"a":2}', b'{"a":1,}'),
        *(b'{"a":NaN}', b"{'a':1}", b'{"a":01}', b'{"a"}', b"{a:1}", b'{"a":"\x01"}', b"}"),
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"{" + SURROGATE + b',"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"{" + SURROGATE + b' {"a":1}',
        b"," + SURROGATE + b"}",
        b"{" + SURROGATE + b',"a":NaN}',
        b"{" + SURROGATE + b',"a":-Infinity}',
        b"{" + SURROGATE + b',"a\x01":1}',
        b"{" + SURROGATE + b',"a\\x":1}',
        b"{" + SURROGATE + b',"\xff":1}',
        b"{" + SURROGATE,
        b"[" + SURROGATE + b"]",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_one_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        split(body)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_named(encoding: str) -> None:
    with pytest.raises(MalformedBody, match="byte order mark"):
        split('{"model": "a/b"}'.encode(encoding))


def test_nesting_without_end_is_said_to_be_too_deep() -> None:
    with pytest.raises(MalformedBody, match="nested too deep"):
        split(b'{"a":' + b"[" * 100_000)


@pytest.mark.parametrize("body", [b"{}", b" {\n} ", b"{ }"])
def test_an_empty_object_is_an_object(body: bytes) -> None:
    assert split(body) == (body, {})
    assert json.loads(edit(body, {}, {"a": b"1", "b": b"2"})) == {"a": 1, "b": 2}
    assert edit(body, {}, {"a": None}) == body


def test_t34_a_number_of_any_length_survives_on_the_slow_way_too() -> None:
    digits = b"1" * 5000
    assert slices(b"{" + SURROGATE + b',"n":' + digits + b"}")["n"] == digits


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a/b","model":"c/d"}',
        b'{"model":"a/b","x":1,"mod\\u0065l":"c/d"}',
        b'{"mod\\u0065l":"a/b", "model" : "c/d"}',
        b'{"model":"c/","model":"c/d"}',
        b'{"model":1,"model":"c/d"}',
        b'{"s":"\\udfff","\\u006dodel":"a/b","model":"c/d"}',
    ],
)
def test_a_key_smuggled_in_twice_is_sent_once_as_the_last(body: bytes) -> None:
    rebuilt, fields = split(body)
    assert bytes(fields["model"]) == b'"c/d"'
    assert [name for name, _ in pairs(rebuilt)].count("model") == 1
    assert json.loads(rebuilt)["model"] == "c/d"


def test_bytes_that_are_not_utf8_go_on_in_a_value_and_not_in_a_key() -> None:
    """Upstream replaces or refuses them; in a key they could become some other key."""
    assert slices(b'{"a":"\xff"}') == {"a": b'"\xff"'}
    with pytest.raises(MalformedBody):
        split(b'{"a\xff":1}')


def test_a_walk_by_the_wrong_values_length_is_noticed() -> None:
    """Made so that the last `a`, laid over the first, ends where another `b` seems to begin."""
    body = b'{"a":1,"b":11,"a":{"z":1,      "b":1}}'
    assert pairs(split(body)[0]) == pairs(b'{"a":{"z":1,"b":1},"b":11}')


def test_a_number_that_begins_like_the_last_one_is_not_mistaken_for_it() -> None:
    assert json.loads(split(b'{"a":12,"a":1}')[0]) == {"a": 1}
    assert json.loads(split(b'{"a" :12,"a" :1, "b": 2}')[0]) == {"a": 1, "b": 2}


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":"), (" ,", " :"), (", ", ":")])
def test_a_key_given_twice_is_found_however_the_body_is_spaced(separators: tuple[str, str]) -> None:
    """Also where both values are as long, and where the first one's text looks like the rest."""
    between, colon = separators
    for first, last in (("1", "2"), ('"a"', '"b"'), (f'"x{between}"', '"y"')):
        pairs = [f'"model"{colon}{first}', f'"n"{colon}3', f'"model"{colon}{last}']
        body, fields = split(("{" + between.join(pairs) + "}").encode())
        assert bytes(fields["model"]).decode() == last
        assert body.count(b'"model"') == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2,"' + b"k" * 3_000_000 + b'":1}',
        b'{"' + b"\\n" * 1_500_000 + b'":1}',
        b'{"m":"\\ud83d","' + b"k" * 3_000_000 + b'":1}',
    ],
    ids=["twice", "escapes", "half a pair"],
)
def test_a_key_as_long_as_a_body_takes_no_more_than_a_few_bodies(body: bytes) -> None:
    """Each of its characters used to be remembered with some hundred bytes."""
    tracemalloc.start()
    began = time.process_time()
    split(body)
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * len(body)
    assert took < 2
