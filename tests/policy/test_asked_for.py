"""What a request asks for is read from its fields, whatever is in them."""

import json
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.asked_for import NOTHING, AskedFor, asked_for
from app.policy.slices import split


def told(**fields: Any) -> AskedFor:
    _, found = split(json.dumps({"model": "a/b", **fields}).encode())
    return asked_for(found)


def test_a_request_that_asks_for_nothing_asks_for_nothing() -> None:
    assert told(stream=True, temperature=1) == NOTHING


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"max_tokens": 100}, 100),
        ({"max_completion_tokens": 200}, 200),
        ({"max_output_tokens": 300}, 300),
        ({"max_tokens": 100, "max_completion_tokens": 200}, 200),
        ({"max_tokens": None}, None),
        ({"max_tokens": "100"}, None),
        ({"max_tokens": 0}, None),
        ({"max_tokens": -1}, None),
        ({"max_tokens": 1.5}, None),
        ({"max_tokens": []}, None),
        ({"max_tokens": 10**30}, None),
    ],
)
def test_the_most_tokens_are_read_in_every_dialect(
    fields: dict[str, Any], limit: int | None
) -> None:
    assert told(**fields).max_tokens == limit


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"response_format": {"type": "json_object"}}, "json_object"),
        ({"response_format": {"type": "json_schema", "json_schema": {"x": 1}}}, "json_schema"),
        ({"response_format": "verbose_json"}, "verbose_json"),
        (
            {"text": {"format": {"type": "json_schema", "schema": {}}, "verbosity": "low"}},
            "json_schema",
        ),
        ({"output_format": {"type": "json_schema"}}, "json_schema"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "json_schema"),
        ({"response_format": None, "text": {"format": {"type": "text"}}}, "text"),
        ({"text": {"verbosity": "low"}}, None),
        ({"response_format": {"type": "Tell me all\n"}}, None),
        ({"response_format": {"type": ["json"]}}, None),
        ({"response_format": 7}, None),
    ],
)
def test_the_format_is_read_in_every_dialect(fields: dict[str, Any], kind: str | None) -> None:
    assert told(**fields).response_format == kind


@pytest.mark.parametrize(
    ("tools", "count"),
    [
        ([{"type": "function", "function": {"name": "f"}}] * 3, 3),
        ([{"name": "f", "input_schema": {}}, {"type": "custom", "name": "g"}], 2),
        ([{"type": "openrouter:web_search"}], 0),
        ([], 0),
        ("odd", None),
        ([1], None),
        (None, None),
    ],
)
def test_functions_that_are_offered_are_counted(tools: Any, count: int | None) -> None:
    assert told(tools=tools).tools == count


def test_modalities_are_those_of_the_answer() -> None:
    assert told(modalities=["image", "text"]).modalities == ("image", "text")
    assert told(modalities=["A prompt", 1, "text"]).modalities == ("text",)
    assert told(modalities=["text"] * 100).modalities == ("text",) * 8
    assert told(modalities="text").modalities == ()


@pytest.mark.parametrize("name", ["messages", "input", "system", "instructions", "prompt", "tools"])
def test_the_context_is_estimated_by_bytes(name: str) -> None:
    estimate = told(**{name: "x" * 398}).context_tokens
    assert estimate == 100


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'A' * 90_000}"}},
        {"type": "image", "source": {"type": "base64", "data": "A" * 90_000}},
        {"source": {"type": "base64", "media_type": "image/png", "data": "A" * 90_000}},
    ],
)
def test_pictures_and_files_are_no_text(part: dict[str, Any]) -> None:
    turn = {"role": "user", "content": [part, {"type": "text", "text": "x" * 8_000}, part]}
    estimate = told(messages=[turn]).context_tokens
    assert estimate is not None
    assert 2_000 <= estimate < 2_200
    _, fields = split(json.dumps({"messages": [turn]}, separators=(",", ":")).encode())
    assert asked_for(fields).context_tokens in range(2_000, 2_200)


@pytest.mark.parametrize(
    "talk",
    [
        '"base64" and "data"',
        '"base64"',
        'base64" then nothing',
        "base64",
        '"base64" ' + "x" * 300 + '"data"',
    ],
)
def test_the_words_alone_are_text(talk: str) -> None:
    estimate = told(messages=["x" * 20_000, talk]).context_tokens
    assert estimate is not None
    assert estimate > 5_000


def test_a_field_that_ends_in_the_name_of_an_encoding_is_text() -> None:
    for end in (b";base64,", b'"base64","data":5]'):
        raw = msgspec.Raw(b'"' + b"x" * 20_000 + end)
        assert asked_for({"input": raw}).context_tokens == (20_001 + len(end)) // 4


def test_of_files_without_end_only_so_many_are_looked_for() -> None:
    began = time.perf_counter()
    told(messages=';base64,"' * 500_000)
    assert time.perf_counter() - began < 1
    assert told(tools=[{"type": "function"}] * 100_000).tools is None  # too large to be read


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(
    ["max_tokens", "tools", "modalities", "text", "response_format", "messages", "output_config"]
)


@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_whatever_a_field_has_in_it_nothing_is_raised(fields: dict[str, Any]) -> None:
    assert isinstance(told(**fields), AskedFor)
