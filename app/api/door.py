"""The door: nobody gets in who does not belong.

A plain ASGI layer around everything: the Host must be one we serve (DNS rebinding, T-41), a
browser's Origin must be allow-listed (T-40), and a caller key must be shown where keys are set.
`/health` and `/ready` are open to anyone with a right Host: they tell nothing. Pages for browsers
are read by who has signed in, too; how one does that is the pages' business.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.callers import Callers
from app.api.traffic import Traffic
from app.errors import Draining, ForbiddenHost, ForbiddenOrigin, RequestError
from app.settings import is_loopback

Refuse = Callable[[Scope, Receive, Send, RequestError], Awaitable[None]]

OPEN_PATHS = frozenset({"/health", "/ready"})


class Pages(Protocol):
    """Pages that people read in a browser, which sends no key with an address that is typed."""

    open_paths: frozenset[str]  # the way in, and what it looks like
    forms: frozenset[str]  # they check themselves that a form is their own

    def caller_of(self, scope: Scope) -> str | None:
        """Whose session reads a page; None for anything else."""
        ...


class Door:
    """Lets a request through to `app` with `scope["caller"]` set, or has it refused."""

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
        self._origins = frozenset(origin.lower() for origin in origins)
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
                scope["caller"] = self._admit(scope)
            except RequestError as error:
                await self._refuse(scope, receive, send, error)
            else:
                await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._traffic.draining:
                raise  # while stopping, it is the server that has no time left
        finally:
            self._traffic.open -= 1

    def _admit(self, scope: Scope) -> str | None:
        hosts: list[bytes] = []
        origins: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origins.append(value)
        if len(hosts) != 1 or not self._serves(hosts[0].decode("latin-1")):
            named = hosts[0].decode("latin-1") if hosts else "(none)"
            raise ForbiddenHost(
                f"the Host header {named!r} is not one this Pointsman serves; "
                "if it should be, add it to POINTSMAN_ALLOWED_HOSTS"
            )
        for origin in origins:
            own_form = scope["path"] in self._pages.forms
            if not own_form and origin.decode("latin-1").lower() not in self._origins:
                raise ForbiddenOrigin(
                    f"web pages of {origin.decode('latin-1')!r} may not use this Pointsman; "
                    "if they should, add that origin to POINTSMAN_ALLOWED_ORIGINS"
                )
        if scope["path"] in OPEN_PATHS:
            return None
        if self._traffic.draining:
            raise Draining("this Pointsman is stopping; ask again, and another one will answer")
        if scope["path"] in self._pages.open_paths:
            return None
        return self._pages.caller_of(scope) or self._callers.admit(scope["headers"])

    def _is_ours(self, host_header: str) -> bool:
        host = host_of(host_header)
        return host is not None and (is_loopback(host) or host in self._hosts)


def host_of(host_header: str) -> str | None:
    """The host of a Host header without its port, lower case; None where it is malformed.

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
