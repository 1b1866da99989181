"""Sends one message to the webhook, and says what came back.

Rule 1  A try takes five seconds at most, whatever the receiver does. Redirects are not followed,
        and nothing of an answer's body is read.
Rule 2  A host that can't be looked up holds one thread of its own, and no other.
Rule 3  No text of an error comes from the client library or the receiver: it could hold the URL.

Loaded only if there is a webhook: httpx2 takes 40 ms and 10 MB.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import httpx2

from ..notices.again import Answer, wait_of
from ..notices.event import Event
from ..notices.shapes import body_of
from ..notices.signature import headers_of
from ..openrouter.client import proxy_for
from .lookup import Lookup, Resolve
from .webhook import Webhook

SECONDS = 5.0  # for one try
_PORTS = {"http": 80, "https": 443}


class Sender:
    """The way to one webhook."""

    def __init__(
        self,
        webhook: Webhook,
        *,
        seconds: float = SECONDS,
        resolve: Resolve = socket.getaddrinfo,
    ) -> None:
        """`seconds` is the time for one try."""
        self._webhook = webhook
        self._seconds = seconds
        self._resolve = resolve
        self._lookup: Lookup | None = None
        self._transport: httpx2.AsyncHTTPTransport | None = None

    async def send(self, event: Event, *, at: str, sent_at: str) -> Answer:
        """Send an event; never raises. `at` is when it was told first; both are ISO times."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(event, at, sent_at)
        except TimeoutError:
            return Answer(error=f"no answer within {self._seconds:g} s")
        except Exception as error:  # noqa: BLE001 - whatever a receiver makes the client raise
            return Answer(error=_in_words(error))

    async def aclose(self) -> None:
        """Close every connection."""
        if self._transport is not None:
            await self._transport.aclose()

    async def _post(self, event: Event, at: str, sent_at: str) -> Answer:
        hook = self._webhook
        body = body_of(hook.form, event, at=at, sent_at=sent_at, topic=hook.topic)
        headers = headers_of(event.id, body, hook.secret)
        proxy = proxy_for(hook.url)  # which looks up the receiver's host itself
        if self._lookup is None:
            parts = urlsplit(proxy or hook.url)
            port = parts.port or _PORTS.get(parts.scheme, 0)
            self._lookup = Lookup(parts.hostname or "", port, self._resolve)
        await self._lookup.done()
        if self._transport is None:  # reading the system's certificates takes 20 ms
            make = partial(httpx2.AsyncHTTPTransport, proxy=proxy)
            self._transport = await asyncio.to_thread(make)
        request = httpx2.Request("POST", hook.url, headers=headers, content=body)
        response = await self._transport.handle_async_request(request)
        try:
            return Answer(response.status_code, wait=wait_of(response.headers.get("retry-after")))
        finally:
            await response.aclose()


# The first that fits an error, or one of its causes; of the others, the system's own word is told.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "the receiver's certificate is not trusted"),
    (ssl.SSLError, "no encrypted connection could be made"),
    (socket.gaierror, "the host name was not found"),
    (httpx2.TimeoutException, "timed out"),
    (httpx2.RemoteProtocolError, "the connection was closed without an answer"),
)


def _in_words(error: BaseException) -> str:
    """What went wrong, in words of Pointsman's own or the system's."""
    causes = tuple(_causes(error))
    for kind, words in _WORDS:
        if any(isinstance(cause, kind) for cause in causes):
            return words
    numbers = (cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno)
    number = next(numbers, None)
    return "the connection failed" if number is None else os.strerror(number).lower()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that caused it."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
