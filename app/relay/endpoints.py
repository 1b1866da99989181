"""Which endpoint answers a request: the first matching row of one table, from top to bottom.

A row matches by method, path and, if it has a `when`, the headers. Pointsman's own paths are
matched as sent, except for trailing slashes; paths of OpenRouter's API are matched in canonical
form, however the client's base URL was written (T-35). The part found in the path is passed to the
endpoint.

Receipts, figures, explanations and pages are framed by FastAPI, which takes a quarter of the
start-up time and a tenth of the memory, and whose entry costs more than the rest of a request
together. It is loaded on first use (ADR 0009), and passes on requests that it has no route for.
"""

from collections.abc import Awaitable, Callable, Container
from typing import Any, Final, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import NotServed
from ..server.plain import guarded, method_not_allowed, send_bytes, send_json
from ..server.replies import error_body
from ..wire.dialect import DIALECTS, Dialect
from ..wire.headers import RawHeaders
from ..wire.paths import canonical_path, error_shape, is_below_base, nearly, probably_meant
from .count_tokens import CountTokens
from .inference import Inference
from .models import Models
from .passthrough import READING, Passthrough, sent_path

_DRY_RUN, _NO = b"x-pointsman-dry-run", frozenset({b"0", b"false", b"no", b"off"})
_ALLOWED = {"/health": b"GET", "/ready": b"GET", "/metrics": b"GET, HEAD"}

Find = Callable[[str], Any]  # returns the endpoint's argument; None: the row does not match
When = Callable[[RawHeaders], bool]
Endpoint = Callable[[Scope, Receive, Send, Any], Awaitable[None]]


class Row(NamedTuple):
    """One line of the table."""

    methods: Container[str] | None  # None: any
    path: int  # as it was `SENT`, as `OURS` are looked for, or as it was `MEANT`
    find: Find  # in the path
    endpoint: Endpoint
    when: When | None = None  # what the headers must say, too


class _AllBut:
    """Every method except these."""

    def __init__(self, methods: frozenset[str]) -> None:
        self._methods = methods

    def __contains__(self, method: object) -> bool:
        return method not in self._methods


SENT, OURS, MEANT = 0, 1, 2
GET, POST, PROBES = frozenset({"GET"}), frozenset({"POST"}), frozenset({"GET", "HEAD"})
WRITES, ANY = _AllBut(READING), None


class Table:
    """Plain ASGI: each request goes to the endpoint of the first row that matches it."""

    def __init__(self, *rows: Row) -> None:
        """The last row must match every request."""
        self.rows: Final = rows

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request; returns the awaitable that does so."""
        method, sent = scope["method"], scope["path"]
        paths = (sent, sent.rstrip("/"), canonical_path(sent))
        for methods, path, find, endpoint, when in self.rows:
            if methods is not None and method not in methods:
                continue
            found = find(paths[path])
            if found is not None and (when is None or when(scope["headers"])):
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
        Row(POST, MEANT, DIALECTS.get, explain, is_dry_run),
        Row(POST, MEANT, DIALECTS.get, inference),
        Row(WRITES, MEANT, _no_dry_run, _nothing_here, is_dry_run),
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
    """The paths that Pointsman answers itself, then OpenRouter's API."""
    return Table(
        Row(GET, OURS, {"/health": ""}.get, _guarded(health)),
        Row(GET, OURS, {"/ready": ""}.get, _guarded(ready)),
        Row(PROBES, OURS, {"/metrics": ""}.get, _guarded(metrics)),
        Row(ANY, OURS, _ALLOWED.get, method_not_allowed),
        Row(ANY, OURS, _pointsmans, _at_its_path(framed)),
        Row(ANY, SENT, _dashboards, _app(framed)),
        Row(GET, SENT, {"/": "/dashboard"}.get, _redirected, _is_a_browser),
        *openrouters.rows,
    )


def _app(app: ASGIApp) -> Endpoint:
    """An endpoint that does not use its path."""
    return lambda scope, receive, send, _: app(scope, receive, send)


def _at_its_path(app: ASGIApp) -> Endpoint:
    """An endpoint whose app gets the matched path, without trailing slashes, as its path."""
    return lambda scope, receive, send, path: app({**scope, "path": path}, receive, send)


def _pointsmans(path: str) -> str | None:
    """A path of Pointsman's own API."""
    return path if path.startswith("/pointsman/") else None


def _dashboards(path: str) -> str | None:
    """A path of the dashboard, which handles a superfluous slash itself."""
    return path if path.startswith("/dashboard") else None


def _is_a_browser(headers: RawHeaders) -> bool:
    """Whether the client is a browser, to which a page is returned."""
    return any(name == b"accept" and b"text/html" in value for name, value in headers)


async def _redirected(_scope: Scope, _: Receive, send: Send, where: str) -> None:
    await send_bytes(send, 307, b"", [(b"location", where.encode())])


def _guarded(app: ASGIApp) -> Endpoint:
    """An endpoint that answers a defect of its app in JSON."""
    return lambda scope, receive, send, _: guarded(app, scope, receive, send)


def is_dry_run(headers: RawHeaders) -> bool:
    """Whether the request is a dry run. In doubt it is: a real request costs money."""
    if _DRY_RUN not in dict(headers):
        return False  # nearly always
    return any(name == _DRY_RUN and value.strip().lower() not in _NO for name, value in headers)


def _no_dry_run(_meant: str) -> str:
    """The remedy for a dry run on a path without a policy."""
    return "a dry run is possible where policies apply, such as on POST /v1/chat/completions"


def _nearly_held(meant: str) -> str | None:
    """The remedy if another parser could interpret the path as one to which policies apply."""
    held = nearly(sent_path(meant))
    return None if held is None else f"use POST /v1{held}"


def _below_a_base(sent: str) -> str | None:
    """The path below `/v1` or `/api/v1`; any other request is not forwarded, nor is its key."""
    return canonical_path(sent) if is_below_base(sent) else None


def _way_out(path: str) -> str:
    """The remedy for a path that neither OpenRouter's API nor Pointsman has."""
    meant = probably_meant(path)
    if meant is None:
        return "OpenRouter's API is under /v1, Pointsman's own under /pointsman"
    return f"use {'GET' if meant == '/models' else 'POST'} /v1{meant}"


async def _nothing_here(scope: Scope, _: Receive, send: Send, remedy: str) -> None:
    error = NotServed(f"{scope['method']} {scope['path']!a} is not served; {remedy}")
    shape = error_shape(scope["path"], dict(scope["headers"]))
    await send_json(send, error.status, error_body(error, shape, None))
