"""One message over a real socket, to receivers of every kind. None of them is waited for long."""

import hashlib
import hmac
import time

import pytest

from app.notices.again import Answer
from app.notices.events import trial
from app.notifying.sender import Sender
from app.notifying.webhook import Webhook
from tests.notifying.receiver import OK, receiving, status

AT = "2026-11-28T09:31:04.120Z"
EVENT = trial(now=AT)
HUGE = b"HTTP/1.1 200 OK\r\ncontent-length: 2000000000\r\n\r\n" + b"x" * 200_000


async def send(url: str, seconds: float = 5.0, secret: str | None = None) -> Answer:
    sender = Sender(Webhook(url, "json", secret=secret), seconds=seconds)
    try:
        return await sender.send(EVENT, at=AT, sent_at=AT)
    finally:
        await sender.aclose()


async def test_a_message_arrives_signed_over_its_very_bytes() -> None:
    with receiving() as receiver:
        assert await send(receiver.url, secret="s3cret") == Answer(200)
    (got,) = receiver.arrived
    assert got.head.startswith("POST /hook/canary-of-the-url HTTP/1.1")
    expected = hmac.new(b"s3cret", got.body, hashlib.sha256).hexdigest()
    assert got.headers["x-pointsman-signature"] == f"sha256={expected}"
    assert got.headers["x-pointsman-notice"] == EVENT.id == got.json()["id"]
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("piece", "answer"),
    [
        (status(500), Answer(500)),
        (status(429, "retry-after: 30"), Answer(429, wait=30)),
        (b"", Answer(error="the connection was closed without an answer")),
        (b"HTTP/1.1 200", Answer(error="the connection was closed without an answer")),
        (b"no http at all\r\n\r\n", Answer(error="the connection was closed without an answer")),
        (HUGE, Answer(200)),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 500_000, Answer(error="the connection was closed")),
    ],
    ids=["500", "429", "closed", "half a line", "rubbish", "a huge answer", "a huge head"],
)
async def test_whatever_a_receiver_answers_is_an_outcome(piece: bytes, answer: Answer) -> None:
    with receiving(piece) as receiver:
        found = await send(receiver.url)
    assert found._replace(error="") == answer._replace(error="")
    assert found.error.startswith(answer.error)


async def test_a_receiver_that_hangs_or_dribbles_is_not_waited_for() -> None:
    with receiving(3.0) as receiver:
        began = time.monotonic()
        assert await send(receiver.url, seconds=0.3) == Answer(error="no answer within 0.3 s")
        assert time.monotonic() - began < 2


async def test_a_redirect_is_not_followed() -> None:
    with receiving() as elsewhere, receiving(status(307, f"location: {elsewhere.url}")) as receiver:
        answer = await send(receiver.url)
        assert (answer.status, answer.is_final) == (307, True)
        assert elsewhere.arrived == []


async def test_no_cookie_is_kept_between_messages() -> None:
    kept = OK.replace(b"\r\n\r\n", b"\r\nset-cookie: a=b; path=/\r\nconnection: close\r\n\r\n")
    with receiving(kept) as receiver:
        sender = Sender(Webhook(receiver.url, "json"))
        for _ in range(2):
            assert await sender.send(EVENT, at=AT, sent_at=AT) == Answer(200)
        await sender.aclose()
    assert [each.headers.get("cookie") for each in receiver.arrived] == [None, None]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:1/canary", "connection refused"),
        ("https://canary.invalid/canary", "the host name was not found"),
        ("http://127.0.0.1:99999/canary", ""),
    ],
)
async def test_an_error_names_nothing_of_the_url(url: str, error: str) -> None:
    answer = await send(url)
    assert answer.status is None
    assert answer.error
    assert error in answer.error
    assert "canary" not in answer.error


async def test_a_receiver_without_tls_is_an_outcome() -> None:
    with receiving() as receiver:
        answer = await send(receiver.url.replace("http:", "https:"))
    assert answer == Answer(error="no encrypted connection could be made")
