"""One message over a real socket, to receivers of every kind. None of them is waited for long."""

import asyncio
import hashlib
import hmac
import socket
import threading
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
        assert time.monotonic() - began < 2.9


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


# --- a host that can't be looked up -------------------------------------------------------------


async def test_a_lookup_that_hangs_holds_one_thread_and_none_that_others_use() -> None:
    goes_on, asked = threading.Event(), []

    def resolve(host: str, port: int) -> None:
        asked.append((host, port))
        goes_on.wait(10)

    with receiving() as receiver:
        sender = Sender(Webhook(receiver.url, "json"), seconds=0.05, resolve=resolve)
        for _ in range(5):
            assert str(await sender.send(EVENT, at=AT, sent_at=AT)) == "no answer within 0.05 s"
        assert asked == [("127.0.0.1", int(receiver.url.split(":")[2].split("/")[0]))]
        assert [each.name for each in threading.enumerate()].count("webhook-host") == 1
        shared = [asyncio.to_thread(time.monotonic) for _ in range(3)]
        assert await asyncio.wait_for(asyncio.gather(*shared), 1)
        goes_on.set()
        slow = Sender(Webhook(receiver.url, "json"), resolve=resolve)
        assert await slow.send(EVENT, at=AT, sent_at=AT) == Answer(200)
        await slow.aclose()
        await sender.aclose()


async def test_a_host_that_is_not_found_is_looked_up_again_at_the_next_try() -> None:
    answers: list[Exception | None] = [socket.gaierror(8, "canary-of-the-url"), None]

    def resolve(_host: str, _port: int) -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    with receiving() as receiver:
        sender = Sender(Webhook(receiver.url, "json"), resolve=resolve)
        assert str(await sender.send(EVENT, at=AT, sent_at=AT)) == "the host name was not found"
        assert await sender.send(EVENT, at=AT, sent_at=AT) == Answer(200)
        await sender.aclose()


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:port", "://", "127.0.0.1"])
async def test_a_proxy_that_is_no_address_is_an_outcome(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    answer = await send("https://hook.invalid/canary-of-the-url", seconds=0.5)
    assert answer.status is None
    assert "canary" not in str(answer)
