"""What one process writes to the ledger, another knows within a second, on either engine."""

import asyncio
import time
from collections.abc import Callable

from app.ledger.store import Store
from app.ledger.writer import Writer
from app.policy.affinity import Host
from app.record.conversations import Conversations, Key
from app.record.following import Following
from tests.ledger.receipts import receipt
from tests.waiting import until


async def test_a_conversation_of_another_process_is_known_within_a_second(
    open_store: Callable[[], Store],
) -> None:
    writer, other = Writer(open_store), open_store()
    known = Conversations(idle=10**9)
    chore = asyncio.create_task(Following(lambda: other, known, wanted=lambda: True).keep_up())
    writer.start()
    try:
        for session, provider in (("one", "novita"), ("two", "deepinfra")):
            began = time.monotonic()
            turn = receipt(session=session, model_sent="a/b", provider=provider, status=200)
            writer.submit(turn)
            key = Key(session, None, "a/b", None)
            await until(lambda key=key: known.memory(key).pin is not None)  # type: ignore[misc]
            assert known.memory(key).pin == Host(provider)
            assert time.monotonic() - began < 20  # a second, and what a busy machine takes
    finally:
        chore.cancel()
        writer.close()
