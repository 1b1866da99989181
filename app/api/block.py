"""`on_violation: block`: nothing reaches the caller until it is known who serves.

Rule 1  A stream is withheld up to the first event that names the provider, anything else to its
        end. Streams on `/responses` name it in their last event, so they are withheld whole.
Rule 2  `broken` is refused; `unproven` only under `block_unproven`.
Rule 3  Upstream's own errors pass: they are no answer of anybody's.
"""

import time
from collections.abc import AsyncIterator

from app.api.exchange import Exchange
from app.api.filing import verdict_of
from app.errors import PolicyBroken, PolicyUnproven
from app.openrouter.catalog_feed import CatalogFeed
from app.policy.verdict import Verdict
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
        withheld = await self._until_named(exchange, observer, chunks)
        await self._feed.known(exchange.models_sent[0], patience=_PATIENCE_SECONDS)
        verdict = verdict_of(exchange, observer.so_far, self._feed.current, now=time.time())
        _refuse(verdict, exchange, proof_wanted=route.on_violation == "block_unproven")
        return withheld

    async def _until_named(
        self, exchange: Exchange, observer: Observer, chunks: AsyncIterator[bytes]
    ) -> tuple[bytes, ...]:
        withheld: list[bytes] = []
        size = 0
        async for chunk in chunks:
            exchange.saw(chunk)
            withheld.append(chunk)
            size += len(chunk)
            if observer.provider_named:
                break
            if size > self._limit:
                raise PolicyUnproven(
                    f"the answer is over {self._limit / 1e6:g} MB and has not yet told who serves; "
                    "POINTSMAN_MAX_BODY_MB sets the limit"
                )
        else:
            observer.close()
        return tuple(withheld)


def _refuse(verdict: Verdict, exchange: Exchange, *, proof_wanted: bool) -> None:
    route = exchange.route
    clauses = route.origins.get("on_violation", ()) if route else ()
    by = f"{clauses[0]} withholds" if clauses else "the policy withholds"
    if verdict.verdict == "broken":
        raise PolicyBroken(f"{by} this answer: {verdict.reason}")
    if verdict.verdict == "unproven" and proof_wanted:
        raise PolicyUnproven(f"{by} this answer, since nothing proves who served: {verdict.reason}")
