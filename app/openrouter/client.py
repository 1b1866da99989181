"""The client for upstream: open a request, get status, headers and the body's raw bytes."""

import time
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from app.errors import UpstreamGarbage, UpstreamTimeout, UpstreamUnreachable
from app.openrouter.transport import (
    NotAnAnswer,
    Transport,
    TransportError,
    TransportTimeout,
    Upstream,
)
from app.wire.headers import RawHeaders

__all__ = ["OpenRouter", "RawHeaders", "TransportKind", "Upstream", "connect", "proxy_for"]

TransportKind = Literal["auto", "lean", "httpx"]


class OpenRouter:
    """The upstream at one address; the address never comes from a request (T-45)."""

    def __init__(self, base_url: str, transport: Transport) -> None:
        self.base_url = base_url
        self.cancel_by_scope = transport.cancel_by_scope
        self._transport = transport

    async def open(
        self, method: str, path: str, query: bytes, headers: RawHeaders, body: bytes
    ) -> Upstream:
        """Send one request and return once status and headers are here.

        `path` is relative to the base address and starts with a slash; `headers` go as they are.
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
                f"{self.base_url} sent something that is no answer of HTTP/1.1: {error}; "
                "check the address in POINTSMAN_UPSTREAM_URL"
            ) from error
        except TransportError as error:
            raise UpstreamUnreachable(
                f"no answer from {self.base_url}: {error}; "
                "check the network, or the address in POINTSMAN_UPSTREAM_URL"
            ) from error

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


def connect(
    base_url: str, *, connect_timeout: float, read_timeout: float, transport: TransportKind = "auto"
) -> OpenRouter:
    """An `OpenRouter` over real sockets: lean, or httpx where HTTP(S)_PROXY asks for a proxy."""
    proxy = proxy_for(base_url)
    if transport == "lean" or (transport == "auto" and proxy is None):
        from app.openrouter.lean import LeanTransport  # noqa: PLC0415 - one of the two is used

        lean = LeanTransport(base_url, connect_timeout=connect_timeout, read_timeout=read_timeout)
        return OpenRouter(base_url, lean)
    from app.openrouter.httpx_transport import over_httpx  # noqa: PLC0415 - 40 ms, if not needed

    return OpenRouter(
        base_url,
        over_httpx(
            base_url, proxy=proxy, connect_timeout=connect_timeout, read_timeout=read_timeout
        ),
    )


def proxy_for(base_url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name for this one address."""
    parts = urlsplit(base_url)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
