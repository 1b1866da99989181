"""Opens a TCP connection by name, trying its addresses as in RFC 8305 ("happy eyeballs").

A name often has IPv6 and IPv4 addresses, some of which may be unreachable: the next is tried a
quarter of a second later, or at once when one has failed, and the first to connect wins.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any, TypeVar

_HEAD_START = 0.25


P = TypeVar("P", bound=Any)
Address = tuple[int, tuple[Any, ...]]


async def dial(host: str, port: int, protocol: Callable[[], P]) -> P:
    """A connected protocol. Raises the `OSError` of the first address if none answers."""
    waiting = await _addresses(host, port)
    attempts: set[asyncio.Task[P]] = set()
    errors: list[OSError] = []
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(asyncio.create_task(_one(waiting.pop(0), protocol)))
            ended, attempts = await asyncio.wait(
                attempts,
                timeout=_HEAD_START if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in ended:
                error = attempt.exception()
                if error is None:
                    attempts |= ended - {attempt}
                    return attempt.result()
                if not isinstance(error, OSError):
                    raise error
                errors.append(error)
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_close)
    raise errors[0]


async def _one(address: Address, protocol: Callable[[], P]) -> P:
    made = protocol()
    family, (host, port, *_) = address
    try:
        await asyncio.get_running_loop().create_connection(lambda: made, host, port, family=family)
    except BaseException:
        made.abort()
        raise
    return made


async def _addresses(host: str, port: int) -> list[Address]:
    """The name's addresses, alternating between families, starting with the resolver's first."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    families = dict.fromkeys(family for family, *_ in found)
    columns = ([(family, row[4]) for row in found if row[0] == family] for family in families)
    return [address for address in chain(*zip_longest(*columns)) if address is not None]


def _close(attempt: "asyncio.Task[Any]") -> None:
    """Close a connection that was made too late."""
    with suppress(asyncio.CancelledError):
        if attempt.exception() is None:
            attempt.result().abort()
