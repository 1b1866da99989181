"""Which endpoint answers a request: one table, read from top to bottom; the first row that fits.

A row fits by method, path and, in one case, a header. Pointsman's own paths are looked for as they
were sent, those of OpenRouter's API as they were meant, however the client's base URL was written
(T-35). What is found in the path is given to the endpoint.

Receipts, figures, explanations and pages are framed by FastAPI: a quarter of a start-up, a tenth of
the memory, and a way in that costs more than the rest of a request together. It is loaded when it
is first asked for something (ADR 0009), and hands on what it has no route for.
"""

import re
from collections.abc import Awaitable, Callable, Container
from typing import Any, Final, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import NotServed
from app.relay.count_tokens import CountTokens
from app.relay.inference import Inference
from app.relay.models import Models
from app.relay.passthrough import READING, Passthrough, sent_path
from app.server.plain import guarded, method_not_allowed, send_json
from app.server.replies import error_body
from app.wire.dialect import DIALECTS, Dialect
from app.wire.headers import Header
from app.wire.paths import canonical_path, error_shape, nearly, probably_meant

DRY_RUN = (b"x-pointsman-dry-run", b"1")
_FRAMED = re.compile("/pointsman/|/dashboard")
_ALLOWED = {"/health": b"GET", "/ready": b"GET", "/metrics": b"GET, HEAD"}

Find = Callable[[str], Any]  # what the endpoint is given; None: the row does not fit
Endpoint = Callable[[Scope, Receive, Send, Any], Awaitable[None]]


class Row(NamedTuple):
    """One line of the table."""

    methods: Container[str] | None  # None: any
    path: int  # `SENT` or `MEANT`
    find: Find  # in the path
    endpoint: Endpoint
    header: Header | None = None  # without it, the row does not fit


class _AllBut:
    """Every method but these."""

    def __init__(self, methods: frozenset[str]) -> None:
        self._methods = methods

    def __contains__(self, method: object) -> bool:
        return method not in self._methods


SENT, MEANT = 0, 1
GET, POST, PROBES = frozenset({"GET"}), frozenset({"POST"}), frozenset({"GET", "HEAD"})
WRITES, ANY = _AllBut(READING), None


class Table:
    """Plain ASGI: each request goes to the endpoint of the first row that fits it."""

    def __init__(self, *rows: Row) -> None:
        """The last row must fit every request."""
        self.rows: Final = rows

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request: what to await for it."""
        method, sent = scope["method"], scope["path"]
        paths = (sent, canonical_path(sent))
        for methods, path, find, endpoint, header in self.rows:
            if methods is not None and method not in methods:
                continue
            found = find(paths[path])
            if found is not None and (header is None or header in scope["headers"]):
                return endpoint(scope, receive, send, found)
        raise LookupError("the table has no last row, which fits every request")


def openrouters(
    *,
    explain: Callable[[Scope, Receive, Send, Dialect], Awaitable[None]],
    inference: Inference,
    models: Models,
    count_tokens: CountTokens,
    passthrough: Passthrough,
) -> Table:
    """OpenRouter's API."""
    return Table(
        Row(POST, MEANT, DIALECTS.get, explain, DRY_RUN),
        Row(POST, MEANT, DIALECTS.get, inference),
        Row(GET, MEANT, {"/models": ""}.get, models),
        Row(GET, MEANT, models.listing_in, passthrough),
        Row(GET, MEANT, models.named_in, models),
        Row(POST, MEANT, {"/messages/count_tokens": ""}.get, _app(count_tokens)),
        Row(WRITES, MEANT, _nearly_held, _nothing_here),
        Row(ANY, SENT, _below_a_base, passthrough),
        Row(ANY, MEANT, _way_out, _nothing_here),
    )


def endpoints(
    openrouters: Table, *, health: ASGIApp, ready: ASGIApp, metrics: ASGIApp, framed: ASGIApp
) -> Table:
    """What Pointsman answers itself, then OpenRouter's API."""
    return Table(
        Row(GET, SENT, {"/health": ""}.get, _guarded(health)),
        Row(GET, SENT, {"/ready": ""}.get, _guarded(ready)),
        Row(PROBES, SENT, {"/metrics": ""}.get, _guarded(metrics)),
        Row(ANY, SENT, _ALLOWED.get, method_not_allowed),
        Row(ANY, SENT, _FRAMED.match, _app(framed)),
        *openrouters.rows,
    )


def _app(app: ASGIApp) -> Endpoint:
    """An endpoint that needs nothing of its path."""
    return lambda scope, receive, send, _: app(scope, receive, send)


def _guarded(app: ASGIApp) -> Endpoint:
    """The same, of which a defect is answered in JSON."""
    return lambda scope, receive, send, _: guarded(app, scope, receive, send)


def _nearly_held(meant: str) -> str | None:
    """The remedy where another reader could take the path for one that policies apply to."""
    held = nearly(sent_path(meant))
    return None if held is None else f"use POST /v1{held}"


def _below_a_base(sent: str) -> str | None:
    """The path below `/v1` or `/api/v1`."""
    meant = canonical_path(sent)
    return None if meant == sent else meant


def _way_out(path: str) -> str:
    """What to ask instead of a path that neither OpenRouter's API nor ours has."""
    meant = probably_meant(path)
    if meant is None:
        return "OpenRouter's API is under /v1, Pointsman's own under /pointsman"
    return f"use {'GET' if meant == '/models' else 'POST'} /v1{meant}"


async def _nothing_here(scope: Scope, _: Receive, send: Send, remedy: str) -> None:
    error = NotServed(f"{scope['method']} {scope['path']!a} is not served; {remedy}")
    shape = error_shape(scope["path"], dict(scope["headers"]))
    await send_json(send, error.status, error_body(error, shape, None))
