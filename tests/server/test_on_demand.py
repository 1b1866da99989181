"""What nobody looks at costs nothing."""

import asyncio
import subprocess
import sys
import threading

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.on_demand import OnDemand


def test_a_proxy_that_nobody_looks_at_loads_no_pages_and_no_templates() -> None:
    look = "import sys, app.main; print({'jinja2', 'app.dashboard.pages'} & {*sys.modules})"
    loaded = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", look], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "set()"


async def test_the_app_is_made_once_however_many_ask_at_the_same_time_and_off_the_loop() -> None:
    made_in: list[threading.Thread] = []

    def make() -> ASGIApp:
        made_in.append(threading.current_thread())
        return PlainTextResponse("here")

    app = OnDemand(make)
    answers = await asyncio.gather(*(body_of(app) for _ in range(5)))
    assert answers == [b"here"] * 5
    assert len(made_in) == 1
    assert made_in[0] is not threading.main_thread()


async def test_what_could_not_be_made_is_tried_again() -> None:
    tries = iter([OSError("no templates"), None])

    def make() -> ASGIApp:
        trouble = next(tries)
        if trouble:
            raise trouble
        return PlainTextResponse("here")

    app = OnDemand(make)
    assert [await body_of(app), await body_of(app)] == [b"no templates", b"here"]


async def body_of(app: ASGIApp) -> bytes:
    body = b""

    async def send(message: Message) -> None:
        nonlocal body
        body += message.get("body", b"")

    scope: Scope = {"type": "http", "method": "GET", "path": "/dashboard", "headers": []}
    receive: Receive = asyncio.Event().wait  # type: ignore[assignment]
    sender: Send = send
    try:
        await app(scope, receive, sender)
    except OSError as error:
        return str(error).encode()
    return body
