"""Keeps the record of every request: opens an exchange, answers its errors, files its receipt.

Filing is synchronous and never raises into the request: once a caller has left, an await would be
cancelled again, and a ledger in trouble is no reason to fail a request.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType

from starlette.types import Receive, Scope, Send

from app.errors import Drained, InternalError, RequestError, TooManyWrongKeys
from app.ledger.receipt import Receipt, new_receipt_id
from app.openrouter.catalog_feed import CatalogFeed
from app.record.catching_up import CatchingUp
from app.record.exchange import Exchange, text_of
from app.record.receipt_of import judged, receipt_of, trusted_from, unsettled
from app.record.request_log import RequestLog
from app.server.body import CallerLeft
from app.server.brake import Brake
from app.server.clock import steady
from app.server.plain import send_json
from app.server.replies import error_body
from app.server.traffic import Traffic
from app.telemetry.telemetry import Telemetry
from app.telemetry.trace_context import Trace
from app.wire.dialect import DIALECTS, Dialect
from app.wire.paths import canonical_path, error_shape

log = logging.getLogger("pointsman")

_SOON_SECONDS = 0.01
REFUSALS_FILED_A_MINUTE = 120  # of requests that did not get past the door
_PATIENCE_SECONDS = 0.5  # a finished request is in the ledger a second later, whatever happens


class Records:
    """One receipt for each request; `submit` hands it to the ledger without waiting."""

    def __init__(
        self,
        *,
        feed: CatalogFeed,
        submit: Callable[[Receipt], None],
        telemetry: Telemetry,
        traffic: Traffic,
    ) -> None:
        self._feed = feed
        self._traffic = traffic
        self._refused = Brake()
        self._submit = submit
        self._telemetry = telemetry
        self._under_way: dict[str, Exchange] = {}
        self._ended: list[Exchange] = []  # in this round of the loop, or not read to the end yet
        self._catching_up = CatchingUp()
        self._log = RequestLog()
        self._random = random.Random()  # noqa: S311 - an id is no secret, it has to be new

    def exchange(
        self, scope: Scope, send: Send, dialect: Dialect | None, *, filed: bool = True
    ) -> "_Kept":
        """An exchange for one request: what goes wrong inside is answered, the end is filed."""
        headers = dict(scope["headers"])
        exchange = Exchange(
            id=new_receipt_id(time.time(), self._random),
            path=scope["path"],
            dialect=dialect,
            caller=scope.get("caller"),
            user_agent=text_of(headers.get(b"user-agent")),
            asked_with=headers,
            session=text_of(headers.get(b"x-session-id")),
            filed=filed,
            trace=self._telemetry.begin(scope["headers"]) if filed else None,
            when_behind=self._catching_up.note,
        )
        return _Kept(self, exchange, send)

    @property
    def streams(self) -> int:
        """How many answers are being streamed."""
        return sum(1 for each in self._under_way.values() if each.streaming)

    async def refuse(
        self, scope: Scope, _receive: Receive, send: Send, error: RequestError
    ) -> None:
        """Answer a request that did not get past the door.

        Whoever may not come in could fill the ledger with receipts of that: beyond so many a
        minute they are only counted.
        """
        dialect = DIALECTS.get(canonical_path(scope["path"]))
        filed = dialect is not None and not isinstance(error, TooManyWrongKeys)
        if filed and self._refused.note("", a_minute=REFUSALS_FILED_A_MINUTE):
            filed = False
        if not filed:
            self._traffic.connections.turned_away[error.code] += 1
        async with self.exchange(scope, send, dialect, filed=filed):
            raise error

    def close(self) -> None:
        """File and log what waits for it."""
        ended, self._ended = self._ended, []
        for exchange in ended:
            self._file_when_known(exchange)
        self._log.flush()

    def begin(self, exchange: Exchange) -> None:
        """Count an exchange among those under way."""
        self._under_way[exchange.id] = exchange

    async def settle(self, exchange: Exchange, send: Send, error: BaseException) -> bool:
        """Answer for what went wrong; False where that is nobody's here to answer for."""
        if isinstance(error, RequestError):
            await self._answer(exchange, send, error)
        elif isinstance(error, CallerLeft):
            exchange.error = error
        elif isinstance(error, Exception):
            log.error("request %s failed inside Pointsman", exchange.id, exc_info=error)
            await self._answer(
                exchange,
                send,
                InternalError(f"internal error; the process log has details under {exchange.id}"),
            )
        else:
            if isinstance(error, asyncio.CancelledError) and self._traffic.draining:
                late = Drained(
                    "Pointsman was stopped before this answer was complete; "
                    "raise POINTSMAN_DRAIN_SECONDS to give answers more time"
                )
                await self._answer(exchange, send, late)
            return False
        return True

    def end(self, exchange: Exchange) -> None:
        """File an exchange that has ended, however it did."""
        exchange.ended = time.perf_counter()
        exchange.give_back()
        del self._under_way[exchange.id]
        if exchange.filed:  # in the loop's next round: in this one, the answer's end is sent
            self._ended.append(exchange)
            if len(self._ended) == 1:
                asyncio.get_running_loop().call_soon(self._file_ended)

    async def _answer(self, exchange: Exchange, send: Send, error: RequestError) -> None:
        exchange.error = error
        if exchange.head_sent:
            return  # the answer had begun: left incomplete, it shows the caller that it broke
        shape = error_shape(exchange.path, exchange.asked_with)
        exchange.status = error.status
        headers = [*exchange.headers(), *error.headers]
        body = error_body(error, shape, exchange.id if exchange.filed else None)
        exchange.bytes_out = await send_json(send, error.status, body, headers)

    def _file_ended(self) -> None:
        ended, self._ended = self._ended, []
        for exchange in ended:
            if exchange.behind:
                self._ended.append(exchange)
            else:
                self._file_when_known(exchange)
        if self._ended:
            asyncio.get_running_loop().call_later(_SOON_SECONDS, self._file_ended)

    def _file_when_known(self, exchange: Exchange) -> None:
        """File it now, or when the catalog knows the model: the first request often asks first."""
        file = partial(self._file, exchange)
        if exchange.observer is not None and exchange.models_sent:
            model = exchange.answering(self._feed.current)
            if exchange.terms_for is not None:
                self._feed.want(model)
            self._feed.once_known(model, file, patience=_PATIENCE_SECONDS)
        else:
            file()

    def _file(self, exchange: Exchange, *, again: bool = True) -> None:
        """File it; where it accuses a provider by an older listing, only after another look."""
        try:
            found = judged(exchange, self._feed.current, now=steady())
            rests = unsettled(found.verdict, exchange) if again else None
            if rests is not None:
                self._feed.renew(rests.model, since=trusted_from(exchange))
                file = partial(self._file, exchange, again=False)
                self._feed.once_known(rests.model, file, patience=_PATIENCE_SECONDS)
                return
            receipt = receipt_of(exchange, found)
            self._submit(receipt)
            self._log.note(receipt)
        except Exception:
            log.exception("no receipt could be created for request %s", exchange.id)
        else:
            self._tell(receipt, exchange.trace)

    def _tell(self, receipt: Receipt, trace: Trace | None) -> None:
        try:
            self._telemetry.filed(receipt, trace)
        except Exception:
            log.exception("request %s is missing from the metrics", receipt.id)


class _Kept:
    """The block in which an exchange runs; `contextlib` would cost three times as much."""

    __slots__ = ("_exchange", "_records", "_send")

    def __init__(self, records: Records, exchange: Exchange, send: Send) -> None:
        self._records = records
        self._exchange = exchange
        self._send = send

    async def __aenter__(self) -> Exchange:
        self._records.begin(self._exchange)
        return self._exchange

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        try:
            return error is None or await self._records.settle(self._exchange, self._send, error)
        finally:
            self._records.end(self._exchange)
