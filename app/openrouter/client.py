"""The client for upstream: open a request, get status, headers and the body's raw bytes."""

import asyncio
import os
import sys
import time
from typing import Literal
from urllib.parse import urlsplit

from ..errors import UpstreamGarbage, UpstreamTimeout, UpstreamUnreachable
from ..wire.frame import read_json
from ..wire.header_names import NO_NAMES, HeaderNames
from ..wire.headers import RawHeaders, to_upstream
from ..wire.listing import LARGEST
from .transport import (
    NotAnAnswer,
    Transport,
    TransportError,
    TransportTimeout,
    Upstream,
)

__all__ = ["OpenRouter", "RawHeaders", "TransportKind", "Upstream", "connect", "proxy_for"]

TransportKind = Literal["auto", "lean", "httpx"]

_WITH_PROXIES_OF_THEIR_OWN = frozenset({"darwin", "win32"})  # in the system's settings

SECONDS = 30.0  # for an answer that is read whole


class OpenRouter:
    """The upstream at one address; the address never comes from a request (T-45)."""

    def __init__(
        self,
        base_url: str,
        transport: Transport,
        key: str | None = None,
        forwarded: HeaderNames = NO_NAMES,
    ) -> None:
        """`key` is the operator's; None: each client sends its own.

        `forwarded` are the headers that are forwarded besides those that OpenRouter uses.
        """
        self.base_url = base_url
        self.key = key
        self.forwarded = forwarded
        self.cancel_by_scope = transport.cancel_by_scope
        self._transport = transport

    async def open(
        self, method: str, path: str, query: bytes, headers: RawHeaders, body: bytes
    ) -> Upstream:
        """Send one request and return once status and headers have arrived.

        `path` is relative to the base address and starts with a slash; `headers` are sent as given.
        Raises `UpstreamUnreachable`, `UpstreamTimeout` or `UpstreamGarbage`; nothing is sent twice.
        """
        target = f"{path}?{query.decode('latin-1')}" if query else path
        began = time.monotonic()
        try:
            return await self._transport.send(method, target, headers, body)
        except TransportTimeout as error:
            waited = time.monotonic() - began
            raise UpstreamTimeout(
                f"{self.base_url} did not answer within {waited:.0f} s ({error}); "
                "POINTSMAN_CONNECT_TIMEOUT and POINTSMAN_READ_TIMEOUT set how long to wait"
            ) from error
        except NotAnAnswer as error:
            raise UpstreamGarbage(
                f"{self.base_url} sent something that is not an HTTP/1.1 response: {error}; "
                "check the address in POINTSMAN_UPSTREAM_URL"
            ) from error
        except TransportError as error:
            raise UpstreamUnreachable(
                f"no answer from {self.base_url}: {error}; "
                "check the network, or the address in POINTSMAN_UPSTREAM_URL"
            ) from error

    async def fetch(
        self,
        method: str,
        path: str,
        headers: RawHeaders,
        body: bytes = b"",
        *,
        most: int = LARGEST,
        seconds: float = SECONDS,
    ) -> tuple[int, RawHeaders, bytes]:
        """Send one request and read its answer whole: status, headers, body.

        Raises as `open` and `chunks` do, `UpstreamGarbage` if the body has over `most` bytes,
        and `UpstreamTimeout` if it has not arrived after so many seconds.
        """
        answer = self._fetch(method, path, headers, body, most)
        try:
            if self.cancel_by_scope:
                from anyio import fail_after  # noqa: PLC0415 - not needed with our own transport

                with fail_after(seconds):
                    return await answer
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError as error:
            raise UpstreamTimeout(
                f"{self.base_url}{path.partition('?')[0]} did not complete its answer "
                f"within {seconds:g} s"
            ) from error

    async def _fetch(
        self, method: str, path: str, headers: RawHeaders, body: bytes, most: int
    ) -> tuple[int, RawHeaders, bytes]:
        upstream = await self.open(method, path, b"", headers, body)
        try:
            return upstream.status, upstream.headers, await read_whole(upstream, most=most)
        finally:
            await upstream.aclose()

    async def get(self, path: str, headers: RawHeaders) -> tuple[int, RawHeaders, bytes]:
        """One GET, read whole: status, headers, body. Raises as `fetch` does."""
        return await self.fetch("GET", path, headers)

    async def read(self, path: str, key: str | None = None) -> tuple[int, bytes]:
        """One GET of Pointsman's own, with the operator's key or another: status and body.

        Raises as `fetch` does.
        """
        headers = to_upstream((), key=key or self.key, router_metadata=False)
        status, _, body = await self.get(path, headers)
        return status, body

    async def get_json(self, path: str, headers: RawHeaders) -> tuple[int, object]:
        """One GET, decoded; a body that isn't JSON, or has too many values, is None."""
        status, _, body = await self.get(path, headers)
        return status, read_json(body)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


async def read_whole(upstream: Upstream, *, most: int) -> bytes:
    """An answer's body. Raises as `chunks` does, and `UpstreamGarbage` beyond `most` bytes."""
    body = bytearray()
    async for chunk in upstream.chunks():
        body += chunk
        if len(body) > most:
            raise UpstreamGarbage(f"the answer from OpenRouter exceeds {most / 1e6:g} MB")
    return bytes(body)


def connect(
    base_url: str,
    *,
    connect_timeout: float,
    read_timeout: float,
    transport: TransportKind = "auto",
    key: str | None = None,
    forwarded: HeaderNames = NO_NAMES,
) -> OpenRouter:
    """An `OpenRouter` over real sockets: lean, or httpx if HTTP(S)_PROXY specifies a proxy."""
    proxy = proxy_for(base_url)
    if transport == "lean" or (transport == "auto" and proxy is None):
        from .lean import LeanTransport  # noqa: PLC0415 - one of the two is used

        lean = LeanTransport(base_url, connect_timeout=connect_timeout, read_timeout=read_timeout)
        return OpenRouter(base_url, lean, key, forwarded)
    from .httpx_transport import over_httpx  # noqa: PLC0415 - 40 ms, if not needed

    return OpenRouter(
        base_url,
        over_httpx(
            base_url, proxy=proxy, connect_timeout=connect_timeout, read_timeout=read_timeout
        ),
        key,
        forwarded,
    )


def proxy_for(base_url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY specify for this address."""
    told = any(name.lower().endswith("_proxy") for name in os.environ)
    if not told and sys.platform not in _WITH_PROXIES_OF_THEIR_OWN:
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - 2 MB, if not needed

    parts = urlsplit(base_url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
