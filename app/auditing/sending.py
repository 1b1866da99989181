"""Sends an audit's own requests by the proxy's path, so that each has a receipt with evidence.

Rule 1  The path is made in the audit's own process, without a port and without policies: requests
        reach it by a call alone. No header, key or address marks a request as an audit's, so no
        client of a server can pass for one.
Rule 2  Nothing of a request is kept: its answer is handed back, and let go of.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.types import Message

from ..budget.accounts import Accounts
from ..budget.windows import Calendar
from ..ledger.lazy_store import LazyStore
from ..ledger.listed import Listed
from ..ledger.receipt import Receipt
from ..ledger.writer import Writer
from ..openrouter.beside import Beside
from ..openrouter.catalog_feed import CatalogFeed
from ..openrouter.client import connect
from ..openrouter.preset_feed import PresetFeed
from ..policy_folder import NoPolicies
from ..record.conversations import Conversations
from ..record.recorder import Recorder
from ..relay.inference import Inference
from ..relay.lookups import Lookups
from ..relay.withhold import Withhold
from ..server.body import Bodies
from ..server.clock import steady
from ..server.process import Traffic
from ..settings import Settings
from ..telemetry.tallies import Tallies
from ..telemetry.telemetry import Telemetry
from ..wire.dialect import DIALECTS
from ..wire.frame import read_json

SECONDS = 60.0  # for one request, with its whole answer
LARGEST = 1_000_000  # bytes of an answer; 16 tokens and their usage take a few thousand
_RECEIPT_SECONDS = 5.0
_CHAT = "/chat/completions"
_HEADERS = (
    (b"content-type", b"application/json"),
    (b"user-agent", b"Pointsman audit"),
    (b"x-openrouter-cache", b"false"),
    (b"x-openrouter-metadata", b"enabled"),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request. `retry_after`: seconds; None: not told.

    `text` is None if there is none to compare; `receipt` if none could be made.
    """

    status: int | None
    retry_after: float | None
    text: str | None
    receipt: Receipt | None


class Sending:
    """An open path to OpenRouter, for the requests of one audit."""

    def __init__(self, inference: Inference, awaited: dict[str, asyncio.Future[Receipt]]) -> None:
        self._inference = inference
        self._awaited = awaited

    async def ask(self, body: bytes) -> Reply:
        """Send one chat request; a failure of any kind is a reply, too."""
        answer = _Answer(body)
        try:
            async with asyncio.timeout(SECONDS):
                scope = {
                    "type": "http",
                    "method": "POST",
                    "path": f"/v1{_CHAT}",
                    "query_string": b"",
                    "headers": list(_HEADERS),
                }
                await self._inference(scope, answer.receive, answer.send, DIALECTS[_CHAT])
        except TimeoutError:
            return Reply(None, None, None, None)
        receipt = await self._receipt(answer.headers.get(b"x-pointsman-receipt", b"").decode())
        status, told = answer.status, answer.headers.get(b"retry-after", b"")
        return Reply(status, _seconds(told), _text(status, bytes(answer.body)), receipt)

    async def _receipt(self, name: str) -> Receipt | None:
        """Wait for a receipt, which is filed once the evidence is complete."""
        awaited = self._awaited.setdefault(name, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(_RECEIPT_SECONDS):
                return await awaited
        except TimeoutError:
            return None
        finally:
            del self._awaited[name]


class _Answer:
    """The two ends of a call: gives one body, and takes one answer."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._stays = asyncio.Event()  # never set: the audit waits for its answers
        self.status: int | None = None
        self.headers: dict[bytes, bytes] = {}
        self.body = bytearray()

    async def receive(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            await self._stays.wait()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        elif len(self.body) <= LARGEST:
            self.body += message.get("body", b"")


@asynccontextmanager
async def sending(settings: Settings, audit: str) -> AsyncIterator[Sending]:
    """Open the path for the audit of this id; its receipts are in the ledger once it is closed.

    The settings must have the operator's key.
    """
    key = settings.openrouter_api_key
    connecting = partial(
        connect,
        connect_timeout=settings.connect_timeout,
        read_timeout=min(settings.read_timeout, SECONDS),
        transport=settings.transport,
        key=key.get_secret_value() if key else None,
    )
    openrouter = connecting(settings.upstream_url)
    beside = Beside(settings.upstream_url, connecting)
    feed, presets = CatalogFeed(openrouter.read, clock=steady), PresetFeed(openrouter.read)
    writer = Writer(LazyStore(settings.ledger()).open)
    awaited: dict[str, asyncio.Future[Receipt]] = {}

    def submit(receipt: Receipt, listed: Listed | None) -> None:
        writer.submit(receipt, listed)
        waiting = awaited.setdefault(receipt.id, asyncio.get_running_loop().create_future())
        if not waiting.done():
            waiting.set_result(receipt)

    conversations = Conversations(idle=settings.pin_seconds)
    accounts = Accounts(Calendar(settings.zone), steady=steady)  # no policy, so no budget
    recorder = Recorder(
        feed=feed,
        submit=submit,
        telemetry=Telemetry(Tallies(lambda _: None)),
        traffic=Traffic(),
        conversations=conversations,
        accounts=accounts,
        audit=audit,
    )
    policies = NoPolicies()
    inference = Inference(
        policies=policies,
        openrouter=openrouter,
        beside=beside,
        feed=feed,
        lookups=Lookups(feed, presets, openrouter.key),
        recorder=recorder,
        conversations=conversations,
        accounts=accounts,
        withhold=Withhold(policies, feed, explains=False, limit=LARGEST),
        bodies=Bodies(each=LARGEST, together=LARGEST),
    )
    writer.start()
    try:
        yield Sending(inference, awaited)
    finally:
        await recorder.close()
        await feed.close()
        await presets.close()
        await openrouter.aclose()
        await beside.aclose()
        await asyncio.to_thread(writer.close)


def _text(status: int | None, body: bytes) -> str | None:
    """The text of a chat answer; None where it is none, or too large."""
    if status != 200 or len(body) > LARGEST:  # noqa: PLR2004 - the one that has an answer
        return None
    answer: Any = read_json(body)
    try:
        text = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return None
    if text is None:  # of an answer without any text
        return ""
    return text if isinstance(text, str) else None


def _seconds(told: bytes) -> float | None:
    """The seconds of a Retry-After; None where it is a date, or not there."""
    try:
        seconds = float(told)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
