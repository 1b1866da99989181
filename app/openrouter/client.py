"""One pooled client for upstream: open a request, get status, headers and the body's raw bytes.

The transport is called directly, one level below an httpx client: a client would keep one cookie
jar for all callers, look keys up in ~/.netrc, and parse what we only pass on.
Any `AsyncBaseTransport` will do, which is the seam for tests and for faster ones.
"""

import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import msgspec
from anyio import CancelScope

from app.errors import UpstreamCut, UpstreamTimeout, UpstreamUnreachable

RawHeaders = list[tuple[bytes, bytes]]

# Enough for any caller on one machine; a limit here would make streams wait for each other.
_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)


@dataclass(frozen=True, slots=True)
class Upstream:
    """An answer that has begun: its head is here, its body still to come."""

    status: int
    headers: RawHeaders
    _stream: httpx2.AsyncByteStream

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they arrive, content encoding untouched.

        Raises `UpstreamCut` where the body ends before it is complete (T-06).
        """
        try:
            async for chunk in self._stream:
                yield chunk
        except httpx2.TransportError as error:
            raise UpstreamCut(f"upstream broke off its answer: {_plainly(error)}") from error

    async def aclose(self) -> None:
        """Give the connection back, or close it when the body was not read to its end."""
        with CancelScope(shield=True):
            await self._stream.aclose()


class OpenRouter:
    """The upstream at one address; the address never comes from a request (T-45)."""

    def __init__(
        self,
        base_url: str,
        transport: httpx2.AsyncBaseTransport,
        *,
        connect_timeout: float,
        read_timeout: float,
    ) -> None:
        self.base_url = base_url
        self._transport = transport
        self._extensions = {
            "timeout": {
                "connect": connect_timeout,
                "read": read_timeout,
                "write": read_timeout,
                "pool": connect_timeout,
            }
        }
        self._url = lru_cache(maxsize=256)(httpx2.URL)

    async def open(
        self, method: str, path: str, query: bytes, headers: RawHeaders, body: bytes
    ) -> Upstream:
        """Send one request and return once status and headers are here.

        `path` is relative to the base address and starts with a slash; `headers` go as they are.
        Raises `UpstreamUnreachable` or `UpstreamTimeout`; nothing is ever sent twice.
        """
        target = f"{self.base_url}{path}"
        request = httpx2.Request(
            method,
            self._url(f"{target}?{query.decode('latin-1')}" if query else target),
            headers=headers,
            content=body or None,
            extensions=self._extensions,
        )
        with _whose_fault(self.base_url):
            response = await self._transport.handle_async_request(request)
        return Upstream(
            response.status_code,
            response.headers.raw,
            cast("httpx2.AsyncByteStream", response.stream),
        )

    async def get(self, path: str, headers: RawHeaders) -> tuple[int, RawHeaders, bytes]:
        """One small GET, read whole: status, headers, body. Raises as `open` and `chunks` do."""
        upstream = await self.open("GET", path, b"", headers, b"")
        try:
            return upstream.status, upstream.headers, b"".join([c async for c in upstream.chunks()])
        finally:
            await upstream.aclose()

    async def get_json(self, path: str, headers: RawHeaders) -> tuple[int, object]:
        """One small GET, decoded; a body that isn't JSON is None."""
        status, _, body = await self.get(path, headers)
        try:
            return status, msgspec.json.decode(body)
        except msgspec.DecodeError:
            return status, None

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


def connect(base_url: str, *, connect_timeout: float, read_timeout: float) -> OpenRouter:
    """An `OpenRouter` over a real transport, by way of HTTP(S)_PROXY where the environment asks."""
    return OpenRouter(
        base_url,
        httpx2.AsyncHTTPTransport(verify=_tls(base_url), limits=_LIMITS, proxy=proxy_for(base_url)),
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )


def _tls(base_url: str) -> ssl.SSLContext | bool:
    """No certificates are loaded for a plain address: that alone costs 30 ms at start-up."""
    if base_url.startswith("https:"):
        return True
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy_for(base_url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name for this one address."""
    parts = urlsplit(base_url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


@contextmanager
def _whose_fault(base_url: str) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    except (httpx2.ConnectTimeout, httpx2.ReadTimeout, httpx2.PoolTimeout) as error:
        waited = time.monotonic() - began
        raise UpstreamTimeout(
            f"{base_url} did not answer within {waited:.0f} s ({_plainly(error)}); "
            "POINTSMAN_CONNECT_TIMEOUT and POINTSMAN_READ_TIMEOUT set how long to wait"
        ) from error
    except httpx2.TransportError as error:
        raise UpstreamUnreachable(
            f"no answer from {base_url}: {_plainly(error)}; "
            "check the network, or the address in POINTSMAN_UPSTREAM_URL"
        ) from error


def _plainly(error: Exception) -> str:
    return str(error) or type(error).__name__
