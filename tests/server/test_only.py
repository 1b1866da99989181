"""Routes that do without FastAPI: what they answer for a method, and for a defect."""

import json
import logging
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.server.cross_origin import readable_by
from app.server.only import Only
from app.server.plain import send_json

ORIGIN = b"http://app.example"


async def well(scope: Scope, _: Receive, send: Send) -> None:
    await send_json(send, 200, {"path": scope["path"]})


async def broken(scope: Scope, _: Receive, __: Send) -> None:
    raise KeyError(scope["path"])


async def asked(app: Only, method: str) -> tuple[int, dict[bytes, bytes], Any]:
    """What a page of another origin can read of the answer."""
    told: list[Any] = []

    async def receive() -> Any: ...

    async def send(message: Any) -> None:
        told.append(message)

    scope = {"type": "http", "method": method, "path": "/metrics", "headers": []}
    await app(scope, receive, readable_by(ORIGIN, send))
    head, body = told
    return head["status"], dict(head["headers"]), json.loads(body["body"])


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 405)])
async def test_other_methods_are_answered_with_those_that_there_are(
    method: str, status: int
) -> None:
    found, headers, _ = await asked(Only(well, "GET", "HEAD"), method)
    assert (found, headers.get(b"allow")) == (status, b"GET, HEAD" if status == 405 else None)


async def test_t55_a_defect_is_an_answer_that_a_page_of_another_origin_can_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, logger="pointsman")
    status, headers, body = await asked(Only(broken, "GET"), "GET")
    assert (status, body["error"]["code"]) == (500, "internal_error")
    assert headers[b"access-control-allow-origin"] == ORIGIN
    assert "/metrics failed inside Pointsman" in caplog.text
