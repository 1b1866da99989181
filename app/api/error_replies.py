"""Turns our own errors into the reply that a caller's SDK understands.

OpenAI's envelope everywhere, Anthropic's on `/messages`. Upstream's own errors never come
through here: they pass as they were sent.
"""

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse

from app.errors import RequestError

log = logging.getLogger("pointsman")

# Anthropic has a closed list of error types, chosen by status.
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    415: "invalid_request_error",
    503: "overloaded_error",
}


def error_body(error: RequestError, shape: str, receipt_id: str | None) -> dict[str, object]:
    """The JSON body for `error`; `shape` is "openai" or "anthropic"."""
    if shape == "anthropic":
        kind = _ANTHROPIC_TYPES.get(error.status, "api_error")
        detail = {"type": kind, "message": str(error), "code": error.code}
        return {"type": "error", "error": detail, "request_id": receipt_id}
    return openai_error(str(error), code=error.code, kind=error.type)


def openai_error(
    message: str, *, code: str, kind: str = "invalid_request_error", param: str | None = None
) -> dict[str, object]:
    """OpenAI's envelope, which nearly every SDK reads."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


async def ledger_unreadable(_: Request, error: Exception) -> JSONResponse:
    """The reply to who asks for receipts that can't be read now."""
    log.debug("%s", error)  # the writer has said it, once; this would say it at every request
    body = openai_error(str(error), code="ledger_error", kind="api_error")
    return JSONResponse(body, status_code=503)
