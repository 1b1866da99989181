"""YAML, JSON and JSON with comments, as trees whose values know their lines."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.errors import ForeignFileError
from app.importing.source import at, entries, items, misread, plain, read_source, text_at

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "//", "/*", "<<", "é", "no"]), JSON, max_size=3)


def read(text: str) -> Any:
    return plain(read_source("theirs", text)[0])


@given(OBJECTS, st.sampled_from([None, 1, "\t"]), st.booleans())
@example({"a": '// no comment, /* nor this */, \\" \\'}, None, True)
@example({"a": "\U0001f600\x7f\x85\u2028\ufeff\x00"}, None, True)
@settings(max_examples=60, deadline=None)
def test_whatever_json_says_is_read(value: Any, indent: Any, ascii_only: bool) -> None:  # noqa: FBT001
    assert read(json.dumps(value, indent=indent, ensure_ascii=ascii_only)) == value


@given(OBJECTS)
@settings(max_examples=30, deadline=None)
def test_comments_and_trailing_commas_change_nothing(value: Any) -> None:
    lines = json.dumps({"x": value, "y": 1}, indent=1).splitlines()
    noted = [f'{line} // "not", [this' for line in lines]
    text = "/* { \n */ // {\n" + "\n".join(noted).replace('"y": 1', '"y": 1, /* " */')
    assert read(text) == {"x": value, "y": 1}


def test_values_stand_at_the_lines_where_they_were_written() -> None:
    root, _ = read_source("theirs", '{\n  /* two\n  lines */ "a": 1, // one\n\t"b":[true,\n null]}')
    lines = {name: spot.line for name, spot in entries(root).items()}
    assert lines == {"a": 3, "b": 4}
    assert [spot.line for spot in items(at(root, "b"))] == [4, 5]


def test_half_a_surrogate_pair_is_no_obstacle() -> None:
    assert read('{"a": "\\ud83d", "b": "\\ud83d\\ude00"}') == {"a": "\ufffd", "b": "\U0001f600"}


def test_flow_yaml_with_an_address_is_not_taken_for_json() -> None:
    assert read("{proxy: https://x.test/y}") == {"proxy": "https://x.test/y"}


def test_a_byte_order_mark_is_skipped() -> None:
    assert read("\ufeffa: 1") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "theirs: the file is empty"),
        (" \n", "theirs: the file is empty"),
        ("# nothing\n  # at all", "theirs: the file is empty$"),
        ("a: [1", "theirs:2: not valid YAML"),
        ('{"a": "b', "not valid YAML"),
        ('{"a": "b\tc\x01"}', "is not allowed in YAML"),
        ("a: &x [*x]", "an anchor contains itself"),
        ("[" * 60 + "]" * 60, "nested more than"),
    ],
)
def test_what_is_neither_yaml_nor_json_is_an_error(text: str, complaint: str) -> None:
    with pytest.raises(ForeignFileError, match=complaint):
        read_source("theirs", text)


def test_a_key_that_is_given_twice_is_said_once() -> None:
    root, problems = read_source("theirs", "a: 1\nb: {c: 1, c: 2}\n")
    assert plain(root) == plain(root) == {"a": 1, "b": {"c": 1}}
    assert [str(left) for left in misread(problems)] == [
        "theirs:2: b.c: a key: c is given twice; remove one of them"
    ]


def test_what_is_not_there_is_nothing() -> None:
    root, _ = read_source("theirs", "a: {b: [1]}\nc: 5\nd: ' x '\n")
    assert at(root, "a", "x", "y") is None
    assert at(root, "c", "x") is None
    assert entries(at(root, "c")) == {}
    assert items(at(root, "a")) == items(None) == []
    assert (text_at(root, "c"), text_at(root, "d"), text_at(root, "e")) == ("", "x", "")


@pytest.mark.parametrize("opening", ["/*", '"', "// \n", "/* */ ", "//"])
def test_no_text_takes_long_to_look_at(opening: str) -> None:
    started = time.perf_counter()
    for text in (opening * 50_000, "{" + opening * 50_000, '{"a": ' + opening * 50_000):
        with suppress(ForeignFileError):
            read_source("theirs", text)
    assert time.perf_counter() - started < 5
