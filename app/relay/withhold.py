"""Which answers are withheld for a moment before any part of them is passed on.

Rule 1  Upstream's routing errors are read whole, and the policy's part in them is explained.
Rule 2  With `on_violation: block`, nothing reaches the client until the provider is known. A stream
        is withheld up to the first event that names it, anything else to its end. Streams on
        `/responses` name it in their last event, so they are withheld whole.
Rule 3  If only the bill shows whether the provider's endpoint is inside the policy, or whether an
        own key bypassed a strict order, a stream is withheld to its end, which has the bill.
Rule 4  `broken` is refused; `unproven` only under `block_unproven`.
Rule 5  Upstream's other errors pass, also inside a 200: they are not a provider's answer.
"""

from collections.abc import AsyncIterator

from ..errors import PolicyBroken, PolicyUnproven
from ..openrouter.catalog_feed import CatalogFeed
from ..policy.forecast.explained_error import explained, explanation
from ..policy.forecast.forecast import asked_by, forecasts, free_variant
from ..policy.forecast.routing_refusal import read_refusal
from ..policy.route import Route
from ..policy.verdict.judge import Verdict
from ..policy_folder import Policies
from ..record.catching_up import caught_up
from ..record.exchange import Answer, Exchange
from ..record.receipt_of import trusted_from, unsettled, verdict_of
from ..server.clock import steady
from ..wire.headers import RawHeaders
from ..wire.observer import Observer

_FIRST_ERROR_STATUS, _NOT_FOUND = 400, 404
_PATIENCE_SECONDS = 5.0  # for the model's listing, which is fetched alongside the request
_PATIENCE_TO_EXPLAIN_SECONDS = 1.0  # an error can wait for its explanation
LARGEST_EXPLAINED = 1_000_000  # bytes; such an error has some hundreds

Chunks = AsyncIterator[bytes]
Begun = tuple[RawHeaders, tuple[bytes, ...]]  # the head to send, and the pieces already read


class Withhold:
    """Reads the beginning of an answer if its route or its status requires it."""

    def __init__(
        self, policies: Policies, feed: CatalogFeed, *, explains: bool, limit: int
    ) -> None:
        """`explains` explains routing errors or passes them on; `limit`: bytes withheld."""
        self._policies = policies
        self._feed = feed
        self._explains = explains
        self._limit = limit

    async def begin(self, exchange: Exchange, head: RawHeaders, chunks: Chunks) -> Begun:
        """The head to send, and the pieces of the body that have been read to decide on it.

        Nearly always the head unchanged and no pieces. Raises `PolicyBroken`, and `PolicyUnproven`
        if the route requires proof.
        """
        route, answer = exchange.asked.route, exchange.answer
        if route is None:
            return head, ()
        if answer.status == _NOT_FOUND and self._explains and route.matched:
            return await self._explained(exchange, route, head, chunks)
        observer = answer.observer
        if observer is None or route.on_violation == "log" or answer.status >= _FIRST_ERROR_STATUS:
            return head, ()
        withheld = _Withheld(answer, observer, chunks, self._limit)
        await withheld.until_named()
        verdict = await self._judged(exchange, observer)
        if verdict.awaits_bill and not withheld.is_whole:
            await withheld.to_the_end()
            verdict = await self._judged(exchange, observer)
        if observer.so_far.failed and not withheld.is_whole:  # an answer may follow all the same
            await withheld.to_the_end()
            verdict = await self._judged(exchange, observer)
        if not observer.so_far.failed:
            _refuse(verdict, route)
        return head, tuple(withheld.pieces)

    async def _judged(self, exchange: Exchange, observer: Observer) -> Verdict:
        """The verdict on the answer so far; a violation is first checked by a new listing."""
        model = exchange.answering(self._feed.current)
        self._feed.want(model)
        await self._feed.known(model, patience=_PATIENCE_SECONDS)
        verdict = verdict_of(exchange, observer.so_far, self._feed.current, now=steady())
        rests = unsettled(verdict, exchange)
        if rests is None:
            return verdict
        self._feed.renew(rests.model, since=trusted_from(exchange))
        await self._feed.known(rests.model, patience=_PATIENCE_SECONDS)
        verdict = verdict_of(exchange, observer.so_far, self._feed.current, now=steady())
        return verdict.as_of(trusted_from(exchange))

    async def _explained(
        self, exchange: Exchange, route: Route, head: RawHeaders, chunks: Chunks
    ) -> Begun:
        """A routing error, unchanged or with a longer message."""
        request, sent = exchange.request, exchange.sent
        if request is None or sent is None or not _is_plain(head):
            return head, ()
        pieces: list[bytes] = []
        size = 0
        async for chunk in chunks:
            exchange.answer.saw(chunk)
            pieces.append(chunk)
            size += len(chunk)
            if size > LARGEST_EXPLAINED:
                return head, tuple(pieces)
        body = b"".join(pieces)
        refusal = read_refusal(body)
        preferences = sent.preferences
        if refusal is None or not preferences:
            return head, (body,)
        asked = asked_by(request, route, preferences)
        model, feed = exchange.asked.models_sent[0], self._feed
        await feed.known(model, patience=_PATIENCE_TO_EXPLAIN_SECONDS)
        free = free_variant(model, asked, feed.current)
        if free is not None:
            feed.want(free)
            await feed.known(free, patience=_PATIENCE_TO_EXPLAIN_SECONDS)
        ladder, emptied = self._policies.current.ladder, refusal.filters
        found = forecasts(request, route, preferences, feed.current, ladder=ladder, emptied=emptied)
        sentences = explanation(refusal, asked, tuple(found))
        exchange.explanation = {"step": refusal.step, "told": [*sentences]}
        told = explained(refusal, sentences)
        rest = [(name, value) for name, value in head if name != b"content-length"]
        return [*rest, (b"content-length", b"%d" % len(told))], (told,)


class _Withheld:
    """The beginning of an answer, withheld as it arrives."""

    def __init__(self, answer: Answer, observer: Observer, chunks: Chunks, limit: int) -> None:
        self.pieces: list[bytes] = []
        self.is_whole = False
        self._answer = answer
        self._observer = observer
        self._chunks = chunks
        self._limit = limit
        self._size = 0

    async def until_named(self) -> None:
        """Read until an event names the provider, or to the end."""
        async for chunk in self._chunks:
            self._keep(chunk)
            if not self._observer.provider_named:
                await caught_up(self._answer)
            if self._observer.provider_named:
                return
            self._be_bounded("the provider")
        await self._end()

    async def to_the_end(self) -> None:
        """Read all of it."""
        async for chunk in self._chunks:
            self._keep(chunk)
            self._be_bounded("the bill, which decides")
        await self._end()

    def _keep(self, chunk: bytes) -> None:
        self._answer.saw(chunk)
        self.pieces.append(chunk)
        self._size += len(chunk)

    def _be_bounded(self, awaited: str) -> None:
        if self._size > self._limit:
            raise PolicyUnproven(
                f"the answer is over {self._limit / 1e6:g} MB and does not yet name {awaited}; "
                "raise POINTSMAN_MAX_BODY_MB"
            )

    async def _end(self) -> None:
        self.is_whole = True
        await caught_up(self._answer)
        self._observer.close()


def _refuse(verdict: Verdict, route: Route) -> None:
    clauses = route.origins.get("on_violation", ())
    by = f"{clauses[0]} withholds" if clauses else "the policy withholds"
    if verdict.verdict == "broken":
        raise PolicyBroken(f"{by} this answer: {verdict.reason}")
    if verdict.verdict == "unproven" and route.on_violation == "block_unproven":
        raise PolicyUnproven(
            f"{by} this answer, since nothing proves which provider served: {verdict.reason}"
        )


def _is_plain(head: RawHeaders) -> bool:
    return dict(head).get(b"content-encoding", b"identity") == b"identity"
