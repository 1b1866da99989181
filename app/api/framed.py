"""What FastAPI frames: receipts, figures, explanations and pages.

This is the one module of a running proxy that loads FastAPI, and it is itself loaded when one of
these is first asked for: most proxies relay all day and are looked at now and then.
"""

import logging
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from app.api.receipts import receipt_routes
from app.api.stats import stats_routes
from app.errors import LedgerError
from app.server.replies import openai_error
from app.shown import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger.store import Store

log = logging.getLogger("pointsman")


def framed(
    store: "Callable[[], Store]", *, explain: ASGIApp, pages: ASGIApp, otherwise: ASGIApp
) -> FastAPI:
    """Our own API and pages over the ledger; `otherwise` answers what there is no route for."""
    app = FastAPI(
        title="Pointsman",
        docs_url=None,  # its pages would load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        default_response_class=_Json,
    )
    app.add_exception_handler(LedgerError, _ledger_unreadable)
    app.include_router(receipt_routes(store))
    app.include_router(stats_routes(store))
    app.router.routes += [
        Route("/pointsman/explain", explain, methods=["POST"]),
        Route("/dashboard", pages),
        Route("/dashboard/{page:path}", pages),
    ]
    app.router.default = otherwise
    return app


class _Json(JSONResponse):
    """JSON that may be shown on a terminal, as by curl: it is full of names that others chose."""

    def render(self, content: object) -> bytes:
        return json_text(content).encode()


async def _ledger_unreadable(_: Request, error: Exception) -> JSONResponse:
    """The reply to who asks for receipts that can't be read now."""
    log.debug("%s", error)  # the writer has said it, once; this would say it at every request
    body = openai_error(str(error), code="ledger_error", kind="api_error")
    return JSONResponse(body, status_code=503)
