"""Answers to web pages of allowed origins, and to browsers' preflight requests (T-55)."""

from collections.abc import Awaitable

from starlette.types import Message, Scope, Send

from ..wire.cors import preflight_answer, readable


def readable_by(origin: bytes, send: Send) -> Send:
    """`send`, with the headers by which a browser lets a page of `origin` read the answer."""

    def send_readable(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            message["headers"] = readable(message.get("headers", ()), origin)
        return send(message)

    return send_readable


async def answer_preflight(scope: Scope, send: Send, origin: bytes) -> None:
    """Answer a preflight: it requires no key, since browsers send none, and is not forwarded.

    OpenRouter's answer would be about its own address.
    """
    head = preflight_answer(scope["headers"], origin)
    await send({"type": "http.response.start", "status": 204, "headers": head})
    await send({"type": "http.response.body"})
