"""An address of its own in front of a running Pointsman, for one run of a tool.

Rule 1  Requests and answers pass as they are: the path, headers and bytes. What belongs to one
        connection does not pass, as everywhere.
Rule 2  An answer names its receipt in a header. What passes here is this run's, so these receipts
        are the run's, and no others are, whatever else asks the same Pointsman.
Rule 3  A tool that leaves before its answer has begun leaves no receipt that is known here. Such
        requests are counted.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from ..errors import UpstreamCut, UpstreamError
from ..openrouter.client import OpenRouter, Upstream
from ..server.body import CallerLeft
from ..server.disconnect import while_caller_stays
from ..server.plain import send_json
from ..server.replies import openai_error
from ..settings import is_loopback
from ..wire.headers import RawHeaders

MOST_RECEIPTS = 20_000

_RECEIPT = b"x-pointsman-receipt"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})  # they leave no receipt
_NOT_PASSED = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"expect"),
    }
)
_WRITTEN_ANEW = _NOT_PASSED | {b"host", b"content-length"}


class Tap:
    """The ASGI app: passes each request on, and keeps the ids of receipts."""

    def __init__(self, pointsman: Callable[[], OpenRouter], *, largest: int) -> None:
        """`pointsman` connects to the one that runs; bodies have at most `largest` bytes."""
        self.receipts: list[str] = []
        self.uncounted = 0  # receipts beyond `MOST_RECEIPTS`
        self.unanswered = 0
        self._connect = pointsman
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or serve the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif not _is_for_us(scope):
            # The one that runs checks the host too, but sees ours there (T-41).
            await _refuse(send, 403, "this address is for programs on this machine")
        else:
            await self._pass_on(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pointsman = self._connect()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pointsman.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = begun = False
        try:
            body = await self._body(receive)
            if body is None:
                await _refuse(send, 413, "the body is larger than POINTSMAN_MAX_BODY_MB")
                return
            headers = [each for each in scope["headers"] if each[0] not in _WRITTEN_ANEW]
            path = scope["raw_path"].decode("latin-1").partition("?")[0]
            query = scope["query_string"]
            asked = scope["method"] not in _READING
            with while_caller_stays(scope, receive):
                upstream = await self._pointsman.open(scope["method"], path, query, headers, body)
                begun = True
                self._note(upstream.headers)
                await _answer(upstream, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (CallerLeft, UpstreamCut):
            return  # without its last piece, the server cuts the answer, too
        except asyncio.CancelledError:
            if not begun:  # the run has ended; the server logs what is left without an answer
                await _refuse(send, 503, "the run has ended")
        except UpstreamError as error:
            await _refuse(send, error.status, f"Pointsman is gone: {error}")
        finally:  # also if the run has ended, which cancels what is under way
            self.unanswered += asked and not begun

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body; None if it is too large. Raises `CallerLeft`."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise CallerLeft
            body += message.get("body", b"")
            if len(body) > self._largest:
                return None
            if not message.get("more_body"):
                return bytes(body)

    def _note(self, headers: RawHeaders) -> None:
        named = next((value for name, value in headers if name.lower() == _RECEIPT), None)
        if named is None:
            return
        if len(self.receipts) < MOST_RECEIPTS:
            self.receipts.append(named.decode("latin-1"))
        else:
            self.uncounted += 1


async def _answer(upstream: Upstream, send: Send) -> None:
    """Pass on an answer but for its last, empty piece."""
    try:
        head = [each for each in upstream.headers if each[0].lower() not in _NOT_PASSED]
        await send({"type": "http.response.start", "status": upstream.status, "headers": head})
        async for chunk in upstream.chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        await upstream.aclose()


def _is_for_us(scope: Scope) -> bool:
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    try:
        return len(hosts) == 1 and is_loopback(urlsplit(f"//{hosts[0]}").hostname or "")
    except ValueError:
        return False


async def _refuse(send: Send, status: int, message: str) -> None:
    await send_json(send, status, openai_error(message, code="launch"))
