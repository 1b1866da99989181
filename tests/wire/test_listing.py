"""A listing is read within bounds, or is none."""

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.frame import read_json
from app.wire.listing import LARGEST, MOST_VALUES, NotAListing, rows_of, slices_of


def test_both_shapes_of_a_listing_give_its_rows_in_their_own_bytes() -> None:
    for body in (b'{"x":1e999,"data":[{"a": 1.50},2]}', b'{"data":{"endpoints":[{"a": 1.50},2]}}'):
        assert list(map(bytes, slices_of(body, most=2))) == [b'{"a": 1.50}', b"2"]


def test_an_odd_row_costs_itself_alone() -> None:
    deep, long = b"[" * 2000 + b"]" * 2000, b'"' + b"x" * 70_000 + b'"'
    body = b'{"data":[{"a":1e999,"b":%b},"\\ud800",{"c":"\xff"},%b,7]}'
    assert [*rows_of(body % (b"9" * 5000, long), most=9)] == [
        *({"a": None, "b": None}, "\ufffd", {"c": "\ufffd"}),
        *(None, 7),
    ]
    with pytest.raises(NotAListing, match="not JSON of the expected form"):
        rows_of(body % (b"1", deep), most=9)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON of the expected form"),
        (b"  <!doctype html>", "a web page"),
        (b"[]", "not JSON of the expected form"),
        (b'{"data":7}', "not JSON of the expected form"),
        (b'{"data":{}}', "not JSON of the expected form"),
        (b'{"data":{"endpoints":{}}}', "not JSON of the expected form"),
        (b'{"data":[1,2,3]}', "over 2 rows"),
        (b'{"data":[' + b" " * LARGEST + b"]}", "over 16 MB"),
        (b'{"data":[' + b"1," * MOST_VALUES + b"1]}", "over 1,000,000 values"),
        (b'{"data":["' + b"\\ud800" * 20_001 + b'"]}', "not JSON of the expected form"),
    ],
    ids=range(10),
)
def test_what_is_beyond_a_bound_is_no_listing(body: bytes, why: str) -> None:
    with pytest.raises(NotAListing, match=why):
        slices_of(body, most=2)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["data", "endpoints"]), inner)
        ),
    )
    .map(json.dumps)
    .map(str.encode)
)
def test_any_bytes_are_a_listing_or_none(body: bytes) -> None:
    read_json(body)
    try:
        rows = [*rows_of(body, most=3)]
    except NotAListing:
        return
    assert len(rows) <= 3


WORST = {
    "rows": b'{"data":[' + b"{}," * 332_000 + b"{}]}",
    "numbers": b'{"data":[' + b"1," * 999_000 + b"1]}",
    "lists": b'{"data":[[' + b"[]," * 480_000 + b"[]]]}",
    "text": b'{"data":["' + b"x" * 15_999_000 + b'"]}',
    "surrogates": b'{"data":["' + b"\\ud83d\\ude00" * 1_300_000 + b'"]}',
    "page": b"<" * LARGEST,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORST)
def test_sixteen_megabytes_of_anything_take_neither_long_nor_much(kind: str) -> None:
    """A tenth of a second at most; the bound here allows a slow machine."""
    began = time.process_time()
    _try(WORST[kind])
    assert time.process_time() - began < 0.5
    tracemalloc.start()
    _try(WORST[kind])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 120_000_000


def _try(body: bytes) -> None:
    try:
        for _ in rows_of(body, most=20_000):
            pass
    except NotAListing:
        pass


def test_what_is_read_whole_has_fewer_than_a_million_values() -> None:
    assert read_json(b'{"a":[1.5,null]}') is not None
    assert read_json(b"[" + b"1," * 1_000_001 + b"1]") is None
    assert read_json(b"<html>") is None
