"""The door: checks each request before any other part sees it.

A plain ASGI layer around everything. The Host must be one we serve (DNS rebinding, T-41). The
Origin that a browser sends must be allowed (T-40); every answer to such a page, errors included,
then has the headers that the browser requires to show it (T-55). If caller keys are set, a request
must carry one; `/health` and `/ready` require only a valid Host, since they reveal nothing. The
dashboard's pages can also be read after signing in, which they handle themselves. Headers that
allow only one value must not be repeated: another parser might use the other value (T-54).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import (
    AmbiguousHeader,
    Draining,
    ForbiddenHost,
    ForbiddenOrigin,
    RequestError,
    WebSocketRefused,
)
from ..settings import is_loopback
from ..wire.cors import ORIGIN, is_preflight
from ..wire.headers import Header
from ..wire.origins import Origins
from .callers import Callers
from .connections import ALWAYS_SERVED
from .cross_origin import answer_preflight, readable_by
from .process import Traffic

Refuse = Callable[[Scope, Receive, Send, RequestError], Awaitable[None]]

UPGRADE = b"upgrade"
_ONCE = frozenset({b"host", b"content-length", b"content-type", b"content-encoding"})
_FRAMING = b"transfer-encoding"
_LOOKED_AT = _ONCE | {ORIGIN, UPGRADE, _FRAMING}


class Pages(Protocol):
    """Pages for browsers, which send no key with a typed address."""

    open_paths: frozenset[str]  # signing in and out, and the assets
    forms: frozenset[str]  # the pages check themselves that a form is their own

    async def caller_of(self, scope: Scope) -> str | None:
        """The caller whose session reads a page; None for any other request.

        Raises `RequestError` if that can't be found out.
        """
        ...


class Door:
    """Passes a request on to `app`, or refuses it.

    `scope["caller"]` is then the caller's name, and `scope["reads"]` the one caller whose receipts
    it may read.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        callers: Callers,
        hosts: Iterable[str],
        origins: Iterable[str],
        refuse: Refuse,
        traffic: Traffic,
        pages: Pages,
    ) -> None:
        self._app = app
        self._pages = pages
        self._traffic = traffic
        self._callers = callers
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = Origins(origins)
        self._refuse = refuse
        self._serves = lru_cache(maxsize=64)(self._is_ours)  # a few names, at every request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request; lifespan events pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._traffic.open += 1
        try:
            try:
                looked_at = _looked_at(scope["headers"])
                _check_framing(looked_at)
                self._check_host(looked_at)
                origin = self._check_origin(scope, looked_at) if ORIGIN in looked_at else None
                if origin is not None:
                    if is_preflight(scope["method"], scope["headers"]):
                        await answer_preflight(scope, send, origin)
                        return
                    send = readable_by(origin, send)
                scope["caller"] = caller = await self._admit(scope, looked_at)
                scope["reads"] = self._callers.may_read_of(caller)
                del looked_at  # a stream can last for minutes
            except RequestError as error:
                await self._refuse(scope, receive, send, error)
            else:
                await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._traffic.draining:
                raise  # while draining, the cancellation is the server's
        finally:
            self._traffic.open -= 1

    def _check_host(self, looked_at: "LookedAt") -> None:
        hosts = looked_at.get(b"host", ())
        if not hosts or not self._serves(hosts[0].decode("latin-1")):
            named = hosts[0].decode("latin-1") if hosts else "(none)"
            raise ForbiddenHost(
                f"this Pointsman does not serve the Host {named!r}; "
                "to allow it, add it to POINTSMAN_ALLOWED_HOSTS"
            )

    def _check_origin(self, scope: Scope, looked_at: "LookedAt") -> bytes | None:
        """The allowed origin of the calling page; None if Pointsman's own form is submitted."""
        origins = looked_at[ORIGIN]
        named = b", ".join(origins).decode("latin-1")  # two join into one that no page has
        if named in self._origins:
            return origins[0]
        if scope["path"] in self._pages.forms:
            return None
        raise ForbiddenOrigin(
            f"web pages from {named!r} may not use this Pointsman; "
            "to allow them, add that origin to POINTSMAN_ALLOWED_ORIGINS"
        )

    async def _admit(self, scope: Scope, looked_at: "LookedAt") -> str | None:
        """The name of the caller, if its key has one."""
        if _asks_for_websocket(scope, looked_at):
            raise WebSocketRefused(
                "Pointsman does not support WebSockets; send the request with POST, "
                'and set "stream": true in its body to get the answer as a stream'
            )
        if scope["path"] in ALWAYS_SERVED:
            return None
        if self._traffic.draining:
            raise Draining("this Pointsman is stopping; retry after a moment")
        if scope["path"] in self._pages.open_paths:
            return None
        client = scope.get("client")
        return await self._pages.caller_of(scope) or self._callers.admit(
            scope["headers"], client[0] if client else None
        )

    def _is_ours(self, host_header: str) -> bool:
        host = host_of(host_header)
        return host is not None and (is_loopback(host) or host in self._hosts)


LookedAt = dict[bytes, list[bytes]]  # the values of the headers that are read here, by name


def _looked_at(headers: Iterable[Header]) -> LookedAt:
    found: LookedAt = {}
    for name, value in headers:
        if name in _LOOKED_AT:
            found.setdefault(name, []).append(value)
    return found


def _check_framing(looked_at: LookedAt) -> None:
    """Raise `AmbiguousHeader` if another parser could read another request in the same bytes."""
    for name, values in looked_at.items():
        if len(values) > 1 and name in _ONCE:
            raise AmbiguousHeader(
                f"the request has {len(values)} headers {name.decode()}; send one"
            )
    if _FRAMING in looked_at and looked_at[_FRAMING] != [b"chunked"]:
        coding = b", ".join(looked_at[_FRAMING]).lower()
        if coding != b"chunked":
            raise AmbiguousHeader(
                f"the transfer encoding is {coding[:40].decode('latin-1')!r}; send the body as it "
                "is, or as 'Transfer-Encoding: chunked'"
            )


def _asks_for_websocket(scope: Scope, looked_at: LookedAt) -> bool:
    """Whether `Upgrade` names a WebSocket; other offered protocols are ignored (T-54)."""
    if UPGRADE not in looked_at or scope["http_version"] == "1.0":
        return False  # HTTP/1.0 knows no such field (RFC 9110, 7.8)
    offers = b",".join(looked_at[UPGRADE]).lower().split(b",")
    return any(offer.strip() == b"websocket" for offer in offers)


def host_of(host_header: str) -> str | None:
    """The host of a Host header without its port, in lower case; None if it is malformed.

    `127.evil.example` is a name like any other: only a real address counts as one.
    """
    if host_header.startswith("["):
        address, bracket, rest = host_header[1:].partition("]")
        try:
            whole = str(ip_address(address))
        except ValueError:
            return None
        return whole if bracket and _is_port(rest) else None
    host, colon, port = host_header.partition(":")
    return host.lower() if host and _is_port(colon + port) else None


def _is_port(rest: str) -> bool:
    return rest == "" or (rest.startswith(":") and rest[1:].isdecimal())
