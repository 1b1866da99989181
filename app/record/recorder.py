"""Keeps the record of every request: opens an exchange, answers its errors, files its receipt.

Filing is a separate task, started in the event loop's next round after a request has ended, so that
no failure there can affect the request: an await of the request itself would be cancelled again
once its client has left, and a failing ledger must not fail a request.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from types import TracebackType

from starlette.types import Receive, Scope, Send

from ..budget.accounts import Accounts
from ..errors import DeadlineMissed, Drained, InternalError, RequestError, TooManyWrongKeys
from ..ledger.listed import Listed
from ..ledger.receipt import Receipt, new_receipt_id
from ..openrouter.catalog_feed import CatalogFeed
from ..policy.slices import Fields
from ..server.body import CallerLeft
from ..server.brake import Brake
from ..server.clock import steady
from ..server.plain import send_json
from ..server.process import Traffic
from ..server.replies import error_body
from ..telemetry.telemetry import Telemetry
from ..wire.dialect import DIALECTS, Dialect
from ..wire.paths import canonical_path, error_shape
from .catching_up import CatchingUp
from .conversations import Conversations
from .defects import Defects
from .exchange import Arrival, Exchange, Guess, text_of
from .late_costs import LateCosts, awaits_cost
from .receipt_of import judged, receipt_of, trusted_from, unsettled
from .request_log import log_request

log = logging.getLogger("pointsman")

_LOOK_AGAIN_SECONDS = 0.01
REFUSALS_FILED_A_MINUTE = 120  # of requests that did not get past the door
_PATIENCE_SECONDS = 0.5  # a finished request is in the ledger a second later, whatever happens


class Recorder:
    """One receipt for each request; `submit` hands it to the ledger without waiting.

    The listing that it was judged by goes with it.
    """

    def __init__(
        self,
        *,
        feed: CatalogFeed,
        submit: Callable[[Receipt, Listed | None], None],
        telemetry: Telemetry,
        traffic: Traffic,
        conversations: Conversations,
        accounts: Accounts,
        guess: Guess | None = None,
        defects: Defects | None = None,
        late_costs: LateCosts | None = None,
        audit: str | None = None,
    ) -> None:
        """`guess` finds a session for requests that name none; None: they have none.

        `defects` looks for those of answers; None: they are not looked for. `late_costs` waits for
        costs that answers did not name; None: they are not known. `audit` is the one that
        sends all of these requests: a server has none, and no request can name one.
        """
        self._feed = feed
        self._conversations = conversations
        self._accounts = accounts
        self._traffic = traffic
        self._guess = guess
        self._defects = defects
        self._late_costs = late_costs
        self._audit = audit
        self._refused = Brake()
        self._submit = submit
        self._telemetry = telemetry
        self._under_way: dict[str, Exchange] = {}
        self._filing: set[asyncio.Task[None]] = set()  # ended, and not filed yet
        self._closing = False
        self._catching_up = CatchingUp()
        self._random = random.Random()  # noqa: S311 - an id is no secret, it has to be new

    def exchange(
        self, scope: Scope, send: Send, dialect: Dialect | None, *, filed: bool = True
    ) -> "_Kept":
        """An exchange for one request: errors inside it are answered, its end is filed."""
        headers = dict(scope["headers"])
        trace = self._telemetry.begin(scope["headers"]) if filed else None
        arrival = Arrival(
            id=new_receipt_id(time.time(), self._random),
            path=scope["path"],
            dialect=dialect,
            caller=scope.get("caller"),
            user_agent=text_of(headers.get(b"user-agent")),
            trace=trace,
            filed=filed,
            audit=self._audit,
        )
        return _Kept(self, Exchange(arrival, headers, self._catching_up.note, self._guess), send)

    @property
    def streams(self) -> int:
        """How many answers are being streamed."""
        return sum(1 for each in self._under_way.values() if each.streaming)

    async def refuse(
        self, scope: Scope, _receive: Receive, send: Send, error: RequestError
    ) -> None:
        """Answer a request that the door refused.

        Refused clients could fill the ledger with receipts, so beyond
        `REFUSALS_FILED_A_MINUTE` they are only counted.
        """
        dialect = DIALECTS.get(canonical_path(scope["path"]))
        filed = dialect is not None and not isinstance(error, TooManyWrongKeys)
        if filed and self._refused.note("", a_minute=REFUSALS_FILED_A_MINUTE):
            filed = False
        if not filed:
            self._traffic.connections.turned_away[error.code] += 1
        async with self.exchange(scope, send, dialect, filed=filed):
            raise error

    async def close(self) -> None:
        """File every receipt that is still waiting."""
        self._closing = True
        if self._filing:
            await asyncio.wait(self._filing)

    def note_offer(self, exchange: Exchange, fields: Fields) -> None:
        """Note what a request offers, so that defects of its answer can be found."""
        if self._defects is not None:
            self._defects.note(exchange, fields)

    def begin(self, exchange: Exchange) -> None:
        """Count an exchange as in progress."""
        self._under_way[exchange.arrival.id] = exchange

    async def settle(self, exchange: Exchange, send: Send, error: BaseException) -> bool:
        """Answer an error; False if the error is not one to be handled here."""
        receipt_id = exchange.arrival.id
        if isinstance(error, RequestError):
            await self._answer(exchange, send, error)
        elif isinstance(error, CallerLeft):
            exchange.error = error
        elif isinstance(error, Exception):
            log.error("request %s failed inside Pointsman", receipt_id, exc_info=error)
            told = f"internal error; the process log has details under {receipt_id}"
            await self._answer(exchange, send, InternalError(told))
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
        """File an exchange, however it ended."""
        exchange.ended = time.perf_counter()
        exchange.note_session()
        exchange.give_back()
        del self._under_way[exchange.arrival.id]
        if exchange.arrival.filed:  # in the loop's next round: in this one, the end is sent
            filing = asyncio.get_running_loop().create_task(self._file(exchange))
            self._filing.add(filing)
            filing.add_done_callback(self._filing.discard)

    async def _answer(self, exchange: Exchange, send: Send, error: RequestError) -> None:
        exchange.error = error
        arrival = exchange.arrival
        if exchange.head_sent:  # the answer had begun: left incomplete, it shows that it broke
            if isinstance(error, DeadlineMissed) and error.last_words:
                exchange.bytes_out += len(error.last_words)
                piece = {"type": "http.response.body", "body": error.last_words}
                await send({**piece, "more_body": True})
            return
        shape = error_shape(arrival.path, exchange.asked_with)
        exchange.status = error.status
        headers = [*exchange.headers(), *error.headers]
        body = error_body(error, shape, arrival.id if arrival.filed else None)
        exchange.bytes_out = await send_json(send, error.status, body, headers)

    async def _file(self, exchange: Exchange) -> None:
        """Wait for the evidence, then judge, submit, note, log and count. Never raises.

        The evidence is the answer, read to its end, and the listing of its model, which the first
        request for a model often causes to be fetched. An older listing is fetched again before it
        counts as evidence of a violation.
        """
        answer, feed = exchange.answer, self._feed
        try:
            while answer.behind and not self._closing:  # noqa: ASYNC110 - rare, and bounded
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            if answer.observer is not None and exchange.asked.models_sent:
                model = exchange.answering(feed.current)
                if exchange.asked.terms_for is not None:
                    feed.want(model)
                await feed.known(model, patience=_PATIENCE_SECONDS)
            found = judged(exchange, feed.current, now=steady())
            rests = unsettled(found.verdict, exchange)
            if rests is not None:
                feed.renew(rests.model, since=trusted_from(exchange))
                await feed.known(rests.model, patience=_PATIENCE_SECONDS)
                found = judged(exchange, feed.current, now=steady())
            defects = await self._defects.of(exchange, found.seen) if self._defects else ()
            receipt = receipt_of(exchange, found, defects)
            self._submit(receipt, found.listed)
            self._account_for(receipt, exchange)
            if receipt.session is not None:
                self._conversations.note(receipt, own=True)
            log_request(receipt)
        except Exception:
            self._accounts.let_go(exchange.admitted)
            log.exception("no receipt could be created for request %s", exchange.arrival.id)
            return
        finally:
            if self._defects is not None:
                self._defects.let_go(exchange)
        try:
            self._telemetry.filed(receipt, exchange.arrival.trace)
        except Exception:
            log.exception("request %s is missing from the metrics", receipt.id)

    def _account_for(self, receipt: Receipt, exchange: Exchange) -> None:
        """Count what a request cost, or have its cost waited for if the answer did not name it."""
        admitted, exchange.admitted = exchange.admitted, ()
        if self._late_costs is not None and awaits_cost(receipt, exchange.answer.status):
            self._late_costs.wait_for(receipt, exchange.credentials, admitted)
            admitted = ()
        if admitted or self._accounts.in_force:
            self._accounts.filed(receipt, admitted)


class _Kept:
    """The block in which an exchange runs; `contextlib` would cost three times as much."""

    __slots__ = ("_exchange", "_recorder", "_send")

    def __init__(self, recorder: Recorder, exchange: Exchange, send: Send) -> None:
        self._recorder = recorder
        self._exchange = exchange
        self._send = send

    async def __aenter__(self) -> Exchange:
        self._recorder.begin(self._exchange)
        return self._exchange

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        try:
            return error is None or await self._recorder.settle(self._exchange, self._send, error)
        finally:
            self._recorder.end(self._exchange)
