"""The session of a request is what its tool sends, and never an id of a request or of a person."""

import json
import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import MalformedBody
from app.policy.request import read_request
from app.policy.session_ids import LONGEST, reader_of
from app.policy.sessions import PLACES, Place, Session, session_of
from app.policy.slices import Fields

SHAPES = sorted((Path(__file__).parent.parent / "fixtures" / "sessions").glob("*.json"))
CASES = [
    pytest.param(case, id=f"{file.stem}: {case['title']}")
    for file in SHAPES
    for case in json.loads(file.read_text(encoding="utf-8"))["requests"]
]
UUID = "3f0e7a52-0000-4000-8000-000000000001"
NAMING = [place for place in PLACES if place.role == "session"]


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def fields_of(body: Mapping[str, Any]) -> dict[str, msgspec.Raw]:
    return {name: raw(value) for name, value in body.items()}


def headers_of(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.lower().encode(): value.encode() for name, value in headers.items()}


def found(body: Mapping[str, Any], headers: Mapping[str, str]) -> Session | None:
    return session_of(fields_of(body), headers_of(headers))


def named_at(place: Place, value: str) -> tuple[dict[str, Any], dict[str, str]]:
    """A body and headers that name a session at one place alone."""
    where, name, *member = place.source.split(".")
    headers = {header: f"{start}/1.0" for header, start in place.only[:1]}
    if where == "header":
        return {}, {**headers, name: value}
    if not member:
        return {name: value}, headers
    inside = json.dumps({"session_id": value}) if member == ["user_id"] else value
    return {name: {member[0]: inside}}, headers


@pytest.mark.parametrize("case", CASES)
def test_a_tools_request_belongs_to_the_session_that_it_names(case: Mapping[str, Any]) -> None:
    session = found(case["body"], case["headers"])
    expected = case["expected"] and Session(**case["expected"])
    assert session == expected


def test_every_place_of_the_table_is_one_that_a_tools_request_uses() -> None:
    cases: list[Any] = [case.values[0] for case in CASES]
    sources = {case["expected"]["source"] for case in cases if case["expected"]}
    assert sources == {place.source for place in NAMING}


def test_at_least_fifteen_tools_are_recognised() -> None:
    assert len({tool for place in PLACES for tool in place.tools}) >= 15


@pytest.mark.parametrize(("first", "second"), list(combinations(NAMING, 2)))
def test_the_first_of_two_places_names_the_session(first: Place, second: Place) -> None:
    """The order is total: any two places at once give the answer of the first alone."""
    (body, headers), (more, others) = named_at(first, "one"), named_at(second, "two")
    members = {**more.get("metadata", {}), **body.get("metadata", {})}
    both = {**more, **body, **({"metadata": members} if members else {})}
    session = found(both, {**others, **headers})
    assert session is not None
    assert (session.key, session.source) == ("one", first.source)


def test_openrouters_own_order_is_kept() -> None:
    sources = [place.source for place in NAMING]
    own = ["body.session_id", "header.x-session-id", "body.prompt_cache_key"]
    assert [source for source in sources if source in own] == own
    assert sources[:2] == own[:2]


def test_an_unusable_value_leaves_the_next_place_its_turn() -> None:
    for value in ("", " ", "x" * (LONGEST + 1), 5, None, {"a": 1}):
        session = found({"session_id": value}, {"x-session-id": "mine"})
        assert session == Session("mine", "header.x-session-id")


def test_an_identifier_of_the_longest_length_is_whole() -> None:
    longest = "\N{SNOWMAN}" * LONGEST  # six bytes each, as JSON
    assert found({"session_id": longest}, {}) == Session(longest, "body.session_id")
    assert found({}, {"x-session-id": "x" * LONGEST}) == Session(
        "x" * LONGEST, "header.x-session-id"
    )


def test_half_a_surrogate_is_a_usable_character() -> None:
    half = msgspec.Raw(b'"\\ud800"')
    assert session_of({"session_id": half}, {}) == Session("\ud800", "body.session_id")


def test_large_metadata_is_not_read() -> None:
    small, large = ({"sessionId": UUID, "x": "y" * size} for size in (3000, 5000))
    assert found({"metadata": small}, {}) == Session(UUID, "body.metadata.sessionId")
    assert found({"metadata": large}, {}) is None


def test_an_agent_is_no_parent_and_no_subagent_of_itself() -> None:
    """Only a thread or session that differs from the one it belongs to is a subagent's."""
    assert found({}, {"session-id": "a", "thread-id": "a"}) == Session("a", "header.session-id")
    same = found({}, {"x-session-id": "a", "x-parent-session-id": "a"})
    assert same == Session("a", "header.x-session-id", None, "a")


def test_a_rule_that_sets_the_session_leaves_subagents_apart() -> None:
    set_by_rule = {"session_id": "my-laptop"}
    main = found(set_by_rule, {"session-id": "a", "thread-id": "a"})
    assert main == Session("my-laptop", "body.session_id")
    spawned = found(set_by_rule, {"session-id": "a", "thread-id": "b"})
    assert spawned == Session("my-laptop", "body.session_id", "b")
    child = found(set_by_rule, {"x-session-id": "b", "x-parent-session-id": "a"})
    assert child == Session("my-laptop", "body.session_id", "b", "a")


@pytest.mark.parametrize("depth", [100, *range(850, 1050, 10), 2000, 50_000])
@pytest.mark.parametrize("field", ["session_id", "metadata", "prompt_cache_key"])
def test_a_session_of_any_depth_is_no_session(field: str, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    body = b'{"model":"a/b","messages":[],"%b":%b}' % (field.encode(), deep)
    try:
        request = read_request(body)
    except MalformedBody:
        assert depth > 800  # no JSON reader goes so deep
    else:
        assert session_of(request.fields, {}) is None


_RELATED = {
    name.split(".")[1].encode()
    for place in PLACES
    for name in (place.source, f"header.{place.beside}", *(f"x.{only}" for only, _ in place.only))
}
_NAMES = st.sampled_from(sorted(_RELATED)) | st.binary(max_size=30)
_HEADERS = st.dictionaries(_NAMES, st.binary(max_size=300))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("user_id"), inner),
    max_leaves=8,
)
_RAWS = (_JSON.map(json.dumps).map(str.encode) | st.binary(max_size=60)).map(msgspec.Raw)
_FIELDS = st.dictionaries(
    st.sampled_from(["session_id", "metadata", "prompt_cache_key", "user", "model"]), _RAWS
)


@given(_FIELDS, _HEADERS)
def test_garbage_never_raises(fields: Fields, headers: dict[bytes, bytes]) -> None:
    session = session_of(fields, headers)
    if session is not None:
        ids = (session.key, session.subagent or "x", session.parent or "x")
        assert all(0 < len(each) <= LONGEST for each in ids)
        assert session.source in {place.source for place in NAMING}
        assert not session.guessed


@given(_FIELDS, _HEADERS, st.dictionaries(st.binary(max_size=30), st.binary(max_size=30)))
def test_unrelated_headers_never_change_the_answer(
    fields: Fields, headers: dict[bytes, bytes], more: dict[bytes, bytes]
) -> None:
    unrelated = {name: value for name, value in more.items() if name not in _RELATED}
    unrelated |= {b"x-client-request-id": b"1", b"x-request-id": b"2", b"x-amp-message-id": b"3"}
    assert session_of(fields, {**unrelated, **headers}) == session_of(fields, headers)


@given(st.text(max_size=300), st.sampled_from([place.source for place in NAMING]))
def test_a_reader_takes_any_text(text: str, source: str) -> None:
    value = text.encode("utf-8", "surrogatepass") if source.startswith("header") else raw(text)
    reader_of(source)(value)


def test_names_of_headers_are_in_lower_case_as_asgi_has_them() -> None:
    for place in PLACES:
        assert re.fullmatch(r"header\.[a-z0-9_-]+|body(\.[A-Za-z_]+){1,2}", place.source)
        assert place.beside == place.beside.lower()
