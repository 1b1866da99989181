"""What a browser needs to hear before it lets a page of another origin read an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.cors import is_preflight, preflight_answer, readable
from app.wire.headers import Header

PAGE = b"https://app.example"
ASKS = (b"access-control-request-method", b"POST")


def asking(*names: bytes) -> list[Header]:
    return [ASKS, *((b"access-control-request-headers", each) for each in names)]


@pytest.mark.parametrize(
    ("method", "headers", "is_one"),
    [
        ("OPTIONS", [ASKS], True),
        ("OPTIONS", [(b"accept", b"*/*")], False),
        ("POST", [ASKS], False),
    ],
)
def test_a_preflight_is_known_by_its_method_and_what_it_asks(
    method: str, headers: list[Header], *, is_one: bool
) -> None:
    assert is_preflight(method, headers) is is_one


def test_t55_a_page_may_send_what_it_asks_for() -> None:
    answer = dict(preflight_answer(asking(b"Authorization,content-type", b"x-stainless-os"), PAGE))
    assert answer == {
        b"access-control-allow-origin": PAGE,
        b"access-control-allow-methods": b"GET, HEAD, POST, PUT, PATCH, DELETE",
        b"access-control-allow-headers": b"Authorization, content-type, x-stainless-os",
        b"access-control-max-age": b"7200",
        b"vary": b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }


def test_t55_a_page_of_the_internet_may_ask_for_this_machine() -> None:
    asked = [ASKS, (b"access-control-request-private-network", b"true")]
    assert (b"access-control-allow-private-network", b"true") in preflight_answer(asked, PAGE)


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_nothing_but_names_of_headers_is_repeated_and_not_without_end(asked: list[bytes]) -> None:
    answer = dict(preflight_answer(asking(*asked, b"x-one" + b",a" * 500), PAGE))
    repeated = answer[b"access-control-allow-headers"].split(b", ")
    assert len(repeated) <= 100
    for name in repeated:
        assert 1 <= len(name) <= 100
        assert name in b",".join(asked) + b",x-one,a"
        assert not set(name) & set(b' \t\r\n:,;"()[]{}<>@/?=\\\x00')


def test_what_is_no_name_of_a_header_is_left_out() -> None:
    answer = dict(preflight_answer(asking(b"ok, bad name,\x0a,x:y,, also-ok"), PAGE))
    assert answer[b"access-control-allow-headers"] == b"ok, also-ok"
    assert b"access-control-allow-headers" not in dict(preflight_answer(asking(b"a b"), PAGE))


@pytest.mark.parametrize(
    ("sent", "vary"),
    [
        ([], b"Origin"),
        ([b"Accept-Encoding"], b"Accept-Encoding, Origin"),
        ([b"Accept", b"Cookie"], b"Accept, Cookie, Origin"),
        ([b"accept, ORIGIN"], b"accept, ORIGIN"),
        ([b"*"], b"*"),
    ],
)
def test_t55_an_answer_may_be_read_and_no_cache_confuses_two_pages(
    sent: list[bytes], vary: bytes
) -> None:
    upstreams: list[Header] = [(b"x-generation-id", b"gen-1"), (b"retry-after", b"1")]
    answer = readable([*((b"vary", each) for each in sent), *upstreams], PAGE)
    assert answer == [
        *upstreams,
        (b"vary", vary),
        (b"access-control-allow-origin", PAGE),
        (b"access-control-expose-headers", b"x-generation-id, retry-after"),
    ]


def test_every_header_of_an_answer_may_be_read_by_its_name_and_is_named_once() -> None:
    answer = dict(readable([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")], PAGE))
    assert answer[b"access-control-expose-headers"] == b"a, b"
    assert b"access-control-allow-credentials" not in answer
