"""`on_violation: block`: nothing reaches the caller until it is known who serves.

Rule 1  A stream is withheld up to the first event that names the provider, anything else to its
        end. Streams on `/responses` name it in their last event, so they are withheld whole.
Rule 2  Where only the bill can tell whether an endpoint of that provider is inside, or whether an
        own key served past a strict order, a stream is withheld to its end, which has the bill.
Rule 3  `broken` is refused; `unproven` only under `block_unproven`.
Rule 4  Upstream's own errors pass, also inside a 200: they are no answer of anybody's.
"""

from collections.abc import AsyncIterator

from app.errors import PolicyBroken, PolicyUnproven
from app.openrouter.catalog_feed import CatalogFeed
from app.policy.verdict.judge import Verdict
from app.record.catching_up import caught_up
from app.record.exchange import Exchange
from app.record.receipt_of import trusted_from, unsettled, verdict_of
from app.server.clock import steady
from app.wire.observer import Observer

_FIRST_ERROR_STATUS = 400
_PATIENCE_SECONDS = 5.0  # for the model's listing, which is being fetched beside the request


class Block:
    """Withholds the beginning of an answer where the route says so."""

    def __init__(self, feed: CatalogFeed, *, limit: int) -> None:
        self._feed = feed
        self._limit = limit  # bytes

    async def withhold(self, exchange: Exchange, chunks: AsyncIterator[bytes]) -> tuple[bytes, ...]:
        """The pieces that were read to find out who serves, now free to be passed on.

        Raises `PolicyBroken`, and `PolicyUnproven` where the route asks for proof.
        """
        route, observer = exchange.route, exchange.observer
        if route is None or observer is None or route.on_violation == "log":
            return ()
        if (exchange.upstream_status or 0) >= _FIRST_ERROR_STATUS:
            return ()
        withheld = _Withheld(exchange, observer, chunks, self._limit)
        await withheld.until_named()
        verdict = await self._judged(exchange, observer)
        if verdict.awaits_bill and not withheld.is_whole:
            await withheld.to_the_end()
            verdict = await self._judged(exchange, observer)
        if observer.so_far.failed and not withheld.is_whole:  # an answer may follow all the same
            await withheld.to_the_end()
            verdict = await self._judged(exchange, observer)
        if not observer.so_far.failed:
            _refuse(verdict, exchange, proof_wanted=route.on_violation == "block_unproven")
        return tuple(withheld.pieces)

    async def _judged(self, exchange: Exchange, observer: Observer) -> Verdict:
        """The verdict on what has been seen; before an accusation, by a listing fetched anew."""
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


class _Withheld:
    """The beginning of an answer, kept back as it comes."""

    def __init__(
        self, exchange: Exchange, observer: Observer, chunks: AsyncIterator[bytes], limit: int
    ) -> None:
        self.pieces: list[bytes] = []
        self.is_whole = False
        self._exchange = exchange
        self._observer = observer
        self._chunks = chunks
        self._limit = limit
        self._size = 0

    async def until_named(self) -> None:
        """Read until an event names the provider, or to the end."""
        async for chunk in self._chunks:
            self._keep(chunk)
            if not self._observer.provider_named:
                await caught_up(self._exchange)
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
        self._exchange.saw(chunk)
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
        await caught_up(self._exchange)
        self._observer.close()


def _refuse(verdict: Verdict, exchange: Exchange, *, proof_wanted: bool) -> None:
    route = exchange.route
    clauses = route.origins.get("on_violation", ()) if route else ()
    by = f"{clauses[0]} withholds" if clauses else "the policy withholds"
    if verdict.verdict == "broken":
        raise PolicyBroken(f"{by} this answer: {verdict.reason}")
    if verdict.verdict == "unproven" and proof_wanted:
        raise PolicyUnproven(
            f"{by} this answer, since nothing proves which provider served: {verdict.reason}"
        )
