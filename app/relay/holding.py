"""Which answers are held back for a moment before anything of them is passed on."""

from collections.abc import AsyncIterator

from app.record.exchange import Exchange
from app.relay.block import Block
from app.relay.routing_errors import RoutingErrors
from app.wire.headers import RawHeaders


class Holding:
    """Routing errors, to be explained, and answers of rules that say `on_violation: block`."""

    def __init__(self, block: Block, routing_errors: RoutingErrors) -> None:
        self._block = block
        self._routing_errors = routing_errors

    async def begin(
        self, exchange: Exchange, head: RawHeaders, chunks: AsyncIterator[bytes]
    ) -> tuple[RawHeaders, tuple[bytes, ...]]:
        """The head to send, and the pieces of the body that have been read to decide on it.

        Nearly always the head as it is and nothing. Raises as `Block.withhold` does.
        """
        if self._routing_errors.concern(exchange, head):
            return await self._routing_errors.explain(exchange, head, chunks)
        return head, await self._block.withhold(exchange, chunks)
