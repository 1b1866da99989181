"""Routes that do without FastAPI: what they answer for a defect."""

import json
import logging
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.cross_origin import readable_by
from app.server.plain import guarded, send_json

ORIGIN = b"http://app.example"


async def well(scope: Scope, _: Receive, send: Send) -> None:
    await send_json(send, 200, {"path": scope["path"]})


async def broken(scope: Scope, _: Receive, __: Send) -> None:
    raise KeyError(scope["path"])


async def asked(app: ASGIApp) -> tuple[int, dict[bytes, bytes], Any]:
    """What a page of another origin can read of the answer."""
    told: list[Any] = []

    async def receive() -> Any: ...

    async def send(message: Any) -> None:
        told.append(message)

    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": []}
    await guarded(app, scope, receive, readable_by(ORIGIN, send))
    head, body = told
    return head["status"], dict(head["headers"]), json.loads(body["body"])


async def test_an_answer_is_left_alone() -> None:
    status, _, body = await asked(well)
    assert (status, body) == (200, {"path": "/metrics"})


async def test_t55_a_defect_is_an_answer_that_a_page_of_another_origin_can_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, logger="pointsman")
    status, headers, body = await asked(broken)
    assert (status, body["error"]["code"]) == (500, "internal_error")
    assert headers[b"access-control-allow-origin"] == ORIGIN
    assert "/metrics failed inside Pointsman" in caplog.text
