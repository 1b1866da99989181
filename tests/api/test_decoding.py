"""Compressed bodies are read as they were meant, and never grow past the limit."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from app.api.decoding import decoded
from app.errors import BodyTooLarge, MalformedBody, UnsupportedContent

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("encoding", WAYS)
@given(body=st.binary(max_size=200_000))
def test_t30_what_was_compressed_comes_back(encoding: str, body: bytes) -> None:
    assert decoded(WAYS[encoding](body), encoding, 1_000_000) == body


def test_t30_encodings_are_undone_in_the_order_they_were_applied() -> None:
    body = zstd.compress(gzip.compress(b"{}"))
    assert decoded(body, "GZIP, identity, zstd", 100) == b"{}"


def test_t30_no_encoding_is_no_change() -> None:
    body = b"{}"
    assert decoded(body, "identity", 1) is body
    assert decoded(body, "", 1) is body


@pytest.mark.parametrize("encoding", WAYS)
def test_t30_a_bomb_is_stopped_at_the_limit(encoding: str) -> None:
    bomb = WAYS[encoding](b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(BodyTooLarge, match="once decompressed"):
        decoded(bomb, encoding, 1_000_000)


@pytest.mark.parametrize("encoding", WAYS)
@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_t30_what_is_cut_or_something_else_is_malformed(encoding: str, cut: int) -> None:
    body = WAYS[encoding](b'{"model": "a/b"}' * 100)[:cut]
    with pytest.raises(MalformedBody, match=encoding):
        decoded(body, encoding, 1_000_000)
    with pytest.raises(MalformedBody, match=encoding):
        decoded(b"not compressed at all", encoding, 1_000_000)


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, br", "x" * 500])
def test_t30_an_unknown_encoding_says_which_are_known(encoding: str) -> None:
    with pytest.raises(UnsupportedContent, match="gzip, deflate, zstd") as error:
        decoded(b"", encoding, 1)
    assert len(str(error.value)) < 200
