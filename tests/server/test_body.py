"""A body is read within its bounds, and is JSON in UTF-8 or refused."""

import asyncio
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BodiesFull, BodyTooLarge, RequestTimeout, UnsupportedContent
from app.server.body import BROKEN, Bodies, CallerLeft, Held, must_be_json

if TYPE_CHECKING:
    from collections.abc import Mapping


class Asked:
    """A request whose body comes in these pieces."""

    def __init__(self, *pieces: bytes, ends: bool = True, **headers: str) -> None:
        self.asked_with: Mapping[bytes, bytes] = {
            name.replace("_", "-").encode(): value.encode() for name, value in headers.items()
        }
        self.held: Held | None = None
        self._messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
        ][::-1]
        if ends:
            self._messages.insert(0, {"type": "http.request"})

    async def receive(self) -> dict[str, Any]:
        return self._messages.pop() if self._messages else {"type": "http.disconnect"}


SCOPE: dict[str, Any] = {"type": "http"}


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_a_body_is_the_sum_of_its_pieces(pieces: list[bytes]) -> None:
    asked, bodies = Asked(*pieces), Bodies(each=1000, together=1000)
    whole = b"".join(pieces)
    assert asyncio.run(bodies.read(asked, SCOPE, asked.receive)) == whole
    assert bodies.held == len(whole)
    assert asked.held is not None
    asked.held.give_back()
    asked.held.give_back()  # twice is no harm
    assert bodies.held == 0


async def test_t31_t32_a_body_over_the_limit_is_refused_before_it_is_held() -> None:
    bodies = Bodies(each=10, together=100)
    for asked in (Asked(b"x" * 11), Asked(b"x" * 6, b"x" * 5), Asked(content_length="11")):
        with pytest.raises(BodyTooLarge, match="POINTSMAN_MAX_BODY_MB"):
            await bodies.read(asked, SCOPE, asked.receive)
    assert bodies.held <= 6


async def test_bodies_have_a_bound_together() -> None:
    bodies = Bodies(each=10, together=15)
    first, second = Asked(b"x" * 10), Asked(b"x" * 6)
    await bodies.read(first, SCOPE, first.receive)
    with pytest.raises(BodiesFull, match="POINTSMAN_MAX_BODIES_MB") as caught:
        await bodies.read(second, SCOPE, second.receive)
    assert dict(caught.value.headers) == {b"retry-after": b"1"}
    assert first.held is not None
    first.held.give_back()
    third = Asked(b"x" * 10)
    await bodies.read(third, SCOPE, third.receive)
    assert bodies.held == 10


def test_one_body_of_the_largest_size_can_always_be_held() -> None:
    assert Bodies(each=64, together=10).together == 64


async def test_many_small_pieces_take_no_more_than_their_sum() -> None:
    """A list of them would take thirty times as much."""
    bodies, count = Bodies(each=10**6, together=10**6), 100_000
    asked = Asked(*(b"%02d" % (number % 100) for number in range(count)))
    tracemalloc.start()
    await bodies.read(asked, SCOPE, asked.receive)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * count * 2


async def test_a_body_that_breaks_off_says_why_where_that_is_known() -> None:
    asked = Asked(b"x", ends=False)
    with pytest.raises(CallerLeft):
        await Bodies(each=9, together=9).read(asked, SCOPE, asked.receive)
    asked, late = Asked(b"x", ends=False), RequestTimeout("too late")
    with pytest.raises(RequestTimeout, match="too late"):
        await Bodies(each=9, together=9).read(
            asked, {**SCOPE, "extensions": {BROKEN: late}}, asked.receive
        )


@pytest.mark.parametrize(
    "told",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; charset=us-ascii",
        "application/vnd.x+json ; profile=a",
        "application/json;",
    ],
)
def test_json_in_utf_8_is_read(told: str) -> None:
    must_be_json({b"content-type": told.encode()})


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("application/json; charset=utf-16", "charset 'utf-16'; send the request as JSON in UTF-8"),
        ("application/json; charset=utf-8; charset=utf-16", "'utf-16'"),
        ("application/json; CHARSET = 'latin1'", "'latin1'"),
        ("application/json; charset=", "charset ''"),
        ("\ufeffapplication/json", "Content-Type: application/json"),
        ("text/plain", "is text/plain"),
        ("", "is (none)"),
        ("x" * 5000, "Content-Type: application/json"),
    ],
)
def test_t42_anything_else_is_refused_in_a_few_words(told: str, words: str) -> None:
    with pytest.raises(UnsupportedContent) as caught:
        must_be_json({b"content-type": told.encode()})
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250
