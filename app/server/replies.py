"""Turns Pointsman's own errors into the reply that a caller's SDK understands.

OpenAI's envelope, and Anthropic's for clients of Anthropic's API (determined by `wire/paths.py`).
Upstream's own errors never pass through here: they are forwarded unchanged.
"""

import msgspec

from ..errors import RequestError
from ..wire.dialect import Dialect, ErrorShape

# Anthropic has a closed list of error types, chosen by status.
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "invalid_request_error",
    413: "request_too_large",
    414: "invalid_request_error",
    415: "invalid_request_error",
    426: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def error_body(error: RequestError, shape: ErrorShape, receipt_id: str | None) -> dict[str, object]:
    """The JSON body for `error`."""
    if shape == "anthropic":
        kind = _ANTHROPIC_TYPES.get(error.status, "api_error")
        detail = {"type": kind, "message": str(error), "code": error.code}
        return {"type": "error", "error": detail, "request_id": receipt_id}
    return openai_error(str(error), code=error.code, kind=error.type, param=error.param)


def openai_error(
    message: str, *, code: str, kind: str = "invalid_request_error", param: str | None = None
) -> dict[str, object]:
    """OpenAI's envelope, which nearly every SDK reads."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_event(error: RequestError, dialect: Dialect, receipt_id: str, events: int) -> bytes:
    """The event that reports `error` in a stream that has had so many events.

    A client takes none of them for the end of an answer. On `/responses` the error is given twice:
    as OpenAI's event has it, and under `error`, where SDKs look for one in any stream.
    """
    body = error_body(error, dialect.error_shape, receipt_id)
    if dialect.error_shape == "anthropic":
        return b"event: error\ndata: %b\n\n" % msgspec.json.encode(body)
    if dialect.wrapper:
        flat = {"code": error.code, "message": str(error), "param": error.param}
        body = {"type": "error", "sequence_number": events, **flat, **body}
    return b"data: %b\n\n" % msgspec.json.encode(body)
