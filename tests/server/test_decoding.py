"""Compressed bodies are read as they were meant, and never grow past the limit."""

import gzip
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BodiesFull, BodyTooLarge, MalformedBody, UnsupportedContent
from app.server.decoding import ZSTD_WINDOW_LOG, decoded

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
    with pytest.raises(BodyTooLarge, match="after decompression"):
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


@pytest.mark.parametrize("encoding", WAYS)
@given(size=st.integers(0, 300_000))
def test_t30_slices_come_back_in_one_piece(encoding: str, size: int) -> None:
    """Also where a slice's output ends just where the next one begins."""
    body = b"\0" * size
    assert decoded(WAYS[encoding](body), encoding, 1_000_000) == body


@pytest.mark.parametrize("encoding", WAYS)
def test_t30_what_follows_the_end_is_not_left_out_in_silence(encoding: str) -> None:
    whole = WAYS[encoding](b'{"model": "a/b"}')
    for more in (b"\0", whole, b"x" * 200_000):
        with pytest.raises(MalformedBody, match="data follows its end"):
            decoded(whole + more, encoding, 1_000_000)


def test_t30_layers_have_a_bound() -> None:
    body = b"{}"
    for _ in range(3):
        body = gzip.compress(body)
    with pytest.raises(
        UnsupportedContent, match="compressed 3 times; send it compressed at most 2 times"
    ):
        decoded(body, "gzip, gzip, gzip", 1_000)
    assert decoded(gzip.decompress(body), "gzip, identity, gzip", 1_000) == b"{}"
    with pytest.raises(UnsupportedContent, match="compressed 5000 times; send"):
        decoded(body, "gzip," * 5000, 1_000)


def test_t30_every_layer_is_held_to_the_limit() -> None:
    bomb = gzip.compress(gzip.compress(b"\0" * 50_000_000) + b"\0" * 2_000_000)
    with pytest.raises(BodyTooLarge):
        decoded(bomb, "gzip, gzip", 1_000_000)


@pytest.mark.parametrize("encoding", WAYS)
def test_t30_the_time_grows_with_the_body_and_no_faster(encoding: str) -> None:
    """What can't be compressed: the rest of it used to be copied again for every 64 kB."""
    noise = random.Random(1).randbytes(4_000_000)

    def seconds(body: bytes) -> float:
        compressed = WAYS[encoding](body)
        took = []
        for _ in range(3):
            began = time.process_time()
            assert decoded(compressed, encoding, 100_000_000) == body
            took.append(time.process_time() - began)
        return min(took)

    one, eight = seconds(noise), seconds(noise * 8)
    assert eight < 8 * one * 3 + 0.05


@pytest.mark.parametrize("encoding", WAYS)
def test_t30_no_slice_is_copied_more_than_once(encoding: str) -> None:
    noise = WAYS[encoding](random.Random(1).randbytes(8_000_000))
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        decoded(noise, encoding, 500_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_t30_a_zstd_window_has_a_bound() -> None:
    """A frame of a few bytes may ask its reader for 128 MB (RFC 9659 allows 8)."""
    frames = {}
    for window in (ZSTD_WINDOW_LOG, ZSTD_WINDOW_LOG + 1, 27):
        compressor = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window})
        frames[window] = compressor.compress(b"{}") + compressor.flush()
    assert decoded(frames.pop(ZSTD_WINDOW_LOG), "zstd", 1_000) == b"{}"
    for frame in frames.values():
        with pytest.raises(MalformedBody, match="zstd"):
            decoded(frame, "zstd", 1_000)


def test_t30_what_is_decoded_is_told_piece_by_piece() -> None:
    taken: list[int] = []
    decoded(gzip.compress(b"\0" * 300_000), "gzip", 1_000_000, taken.append)
    assert sum(taken) == 300_000
    assert max(taken) <= 65_536

    def full(_: int) -> None:
        raise BodiesFull("no room")

    with pytest.raises(BodiesFull):
        decoded(gzip.compress(b"\0" * 300_000), "gzip", 1_000_000, full)
