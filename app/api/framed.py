"""The paths that FastAPI serves: receipts, figures, explanations and pages.

This is the only module of a running proxy that loads FastAPI, and it is itself loaded on first use:
most proxies relay all day and are only occasionally looked at.
"""

import logging
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from .. import __version__
from ..errors import LedgerError
from ..server.replies import openai_error
from ..shown import json_text
from .audits import audit_routes
from .budgets import budget_routes
from .openapi import DESCRIPTION, TAGS, with_what_is_not_framed
from .receipts import receipt_routes
from .stats import stats_routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.report import Report
    from ..ledger.store import Store

log = logging.getLogger("pointsman")

_WAS_IN_FRONT = "pointsman.in_front"


class Application(FastAPI):
    """Pointsman as a FastAPI application: its own paths, and the description of all paths.

    Other paths are served in front of it: with a `front`, each request goes there first and comes
    back if it is for one of FastAPI's paths.
    """

    front: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if self.front is None or _WAS_IN_FRONT in scope:
            await super().__call__(scope, receive, send)
        else:
            await self.front({**scope, _WAS_IN_FRONT: True}, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The description of all paths, the relayed ones included."""
        if self.openapi_schema is None:
            self.openapi_schema = with_what_is_not_framed(super().openapi())
        return self.openapi_schema


def framed(
    store: "Callable[[], Store]",
    *,
    budgets: "Report",
    explain: ASGIApp,
    pages: ASGIApp,
    otherwise: ASGIApp,
) -> Application:
    """Pointsman's own API and pages over the ledger; `otherwise` answers all other paths."""
    app = Application(
        title="Pointsman",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,  # its pages would load scripts from elsewhere; ours is /dashboard/api
        redoc_url=None,
        openapi_url="/pointsman/openapi.json",
        redirect_slashes=False,
        default_response_class=_Json,
    )
    app.add_exception_handler(LedgerError, _ledger_unreadable)
    app.add_exception_handler(HTTPException, _refused)
    app.include_router(receipt_routes(store))
    app.include_router(stats_routes(store))
    app.include_router(audit_routes(store))
    app.include_router(budget_routes(budgets))
    app.router.routes += [
        Route("/pointsman/explain", explain, methods=["POST"]),
        Route("/pointsman/docs", _to_the_docs),
        Route("/dashboard", pages),
        Route("/dashboard/{page:path}", pages),
    ]
    app.router.default = otherwise
    return app


def _to_the_docs(_: Request) -> RedirectResponse:
    return RedirectResponse("/dashboard/api")


async def _refused(_: Request, error: Exception) -> JSONResponse:
    """An error of these paths, in the shape of all of Pointsman's errors."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    code = _CODES.get(error.status_code, "error")
    body = openai_error(str(error.detail), code=code, kind="invalid_request_error")
    return _Json(body, error.status_code, error.headers)


_CODES = {400: "invalid_parameter", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}


class _Json(JSONResponse):
    """JSON that is safe on a terminal, as with curl: it contains many names from outside."""

    def render(self, content: object) -> bytes:
        return json_text(content).encode()


async def _ledger_unreadable(_: Request, error: Exception) -> JSONResponse:
    """The reply to a request for receipts that can't be read now."""
    log.debug("%s", error)  # the writer has logged it once; this would log it at every request
    body = openai_error(str(error), code="ledger_error", kind="api_error")
    return JSONResponse(body, status_code=503)
