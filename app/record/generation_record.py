"""Asks OpenRouter for its record of one generation, with the key that sent the request.

Rule 1  Only that key reads the record; the operator's is sent nowhere but upstream.
Rule 2  Whatever the answer is, asking never raises, and takes a bounded time and memory.
"""

import logging
import re
from typing import NamedTuple, Protocol
from urllib.parse import quote

from ..errors import UpstreamError
from ..wire.frame import LARGE
from ..wire.generation import read_generation
from ..wire.headers import Credentials, RawHeaders, to_upstream
from ..wire.observation import Usage

log = logging.getLogger("pointsman")

LARGEST_RECORD = LARGE  # bytes; one has about two thousand
LONGEST_REST = 60.0  # seconds: the longest pause that OpenRouter is granted
REST = 10.0  # seconds, if it does not say how long
_SECONDS = 10.0  # for one answer
_OK = 200
_NOT_NOW = frozenset({429, 503})


class Client(Protocol):
    """The part of the client for OpenRouter that is used."""

    key: str | None

    async def fetch(
        self, method: str, path: str, headers: RawHeaders, /, *, most: int, seconds: float
    ) -> tuple[int, RawHeaders, bytes]:
        """Send one request and read its answer whole. Raises `UpstreamError`."""
        ...


class Told(NamedTuple):
    """What the record says; None if there is none yet. `rest`: seconds in which not to ask."""

    usage: Usage | None = None
    rest: float = 0.0


async def told(client: Client, generation: str, credentials: Credentials | None) -> Told:
    """Ask once; `credentials` are those that sent the request, None: the operator's key did."""
    headers = credentials.headers if credentials else ()
    try:
        status, answered, body = await client.fetch(
            "GET",
            f"/generation?id={quote(generation, safe='')}",
            to_upstream(headers, key=client.key, router_metadata=False),
            most=LARGEST_RECORD,
            seconds=_SECONDS,
        )
    except UpstreamError as error:
        log.debug("a generation's record could not be read: %s", error)
        return Told()
    except Exception:
        log.exception("a generation's record could not be read")
        return Told()
    record = read_generation(body, generation) if status == _OK else None
    return Told(record.usage if record else None, _rest(answered) if status in _NOT_NOW else 0.0)


def _rest(headers: RawHeaders) -> float:
    """The seconds that an answer asks to wait; a date counts as not said."""
    said = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    return min(float(said), LONGEST_REST) if re.fullmatch(rb"[0-9]{1,6}", said) else REST
