"""Upstream over httpx: for proxies, and as the reference for the lean transport.

The transport is called directly, one level below an httpx client: a client would keep one cookie
jar for all callers, look keys up in ~/.netrc, and parse data that Pointsman only passes on.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import httpx2
from anyio import CancelScope

from ..errors import UpstreamCut
from ..wire.headers import RawHeaders
from .reading_along import CheckedBackend
from .transport import Sink, TransportError, TransportTimeout

_LONGEST_KNOWN = 500
_TIMEOUTS = (httpx2.ConnectTimeout, httpx2.ReadTimeout, httpx2.WriteTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True, slots=True)
class HttpxUpstream:
    """An `Upstream` whose body is an httpx stream."""

    status: int
    headers: RawHeaders
    _stream: httpx2.AsyncByteStream

    async def chunks(self) -> AsyncIterator[bytes]:
        """As `Upstream` says."""
        try:
            async for chunk in self._stream:
                yield chunk
        except (httpx2.TransportError, TransportError) as error:
            raise UpstreamCut(
                "OpenRouter closed the connection before the answer was complete: "
                f"{_plainly(error)}"
            ) from error

    async def pour(self, sink: Sink) -> None:
        """As `Upstream` says: httpx hands out a body only by waiting for it."""

    async def aclose(self) -> None:
        """As `Upstream` says."""
        with CancelScope(shield=True):
            await self._stream.aclose()


class HttpxTransport:
    """A `Transport` over any httpx transport, which is the seam for mocks."""

    cancel_by_scope = True

    def __init__(
        self,
        base_url: str,
        transport: httpx2.AsyncBaseTransport,
        *,
        connect_timeout: float,
        read_timeout: float,
    ) -> None:
        self._base_url = base_url
        self._transport = transport
        self._extensions = {
            "timeout": {
                "connect": connect_timeout,
                "read": read_timeout,
                "write": read_timeout,
                "pool": connect_timeout,
            }
        }
        self._known_url = lru_cache(maxsize=256)(httpx2.URL)

    def _url(self, target: str) -> httpx2.URL:
        """The URL of a target, cached only if it is short: callers choose the query."""
        make = self._known_url if len(target) <= _LONGEST_KNOWN else httpx2.URL
        return make(self._base_url + target)

    async def send(
        self, method: str, target: str, headers: RawHeaders, body: bytes
    ) -> HttpxUpstream:
        """As `Transport` says."""
        try:
            request = httpx2.Request(
                method,
                self._url(target),
                headers=headers,
                content=body or None,
                extensions=self._extensions,
            )
            response = await self._transport.handle_async_request(request)
        except _TIMEOUTS as error:
            raise TransportTimeout(_plainly(error)) from error
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise TransportError(_plainly(error)) from error
        return HttpxUpstream(
            response.status_code,
            response.headers.raw,
            cast("httpx2.AsyncByteStream", response.stream),
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


def over_httpx(
    base_url: str, *, proxy: str | None, connect_timeout: float, read_timeout: float
) -> HttpxTransport:
    """An `HttpxTransport` over real sockets, through `proxy` if there is one."""
    # Enough for any caller on one machine; a limit here would make streams wait for each other.
    limits = httpx2.Limits(
        max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0
    )
    transport = httpx2.AsyncHTTPTransport(verify=True, limits=limits, proxy=proxy)
    pool = transport._pool  # noqa: SLF001 - httpx takes no backend; httpcore does
    pool._network_backend = CheckedBackend(pool._network_backend)  # noqa: SLF001
    return HttpxTransport(
        base_url,
        transport,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )


def _plainly(error: Exception) -> str:
    return str(error) or type(error).__name__
