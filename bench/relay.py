"""A relay on our server and transport that does nothing else: no policy, no receipt.

    python bench/relay.py --port P --upstream http://127.0.0.1:U/api/v1

Its cost is the least possible; what Pointsman costs beyond it is Pointsman's own work.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from app.cli.serving import listen, serving
from app.openrouter.lean import LeanTransport
from app.server.outlet import OUTLET, Outlet

NOT_SENT = {b"host", b"content-length"}


class Poured:
    """A sink that reads nothing."""

    def __init__(self, outlet: Outlet) -> None:
        self.take, self.has_room = outlet.put, outlet.has_room


class Relay:
    """Plain ASGI: every request is sent to upstream unchanged."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = [header for header in scope["headers"] if header[0] not in NOT_SENT]
        path = scope["path"].removeprefix("/v1")
        upstream = await self._transport.send(scope["method"], path, headers, body)
        try:
            head = {"status": upstream.status, "headers": upstream.headers}
            await send({"type": "http.response.start", **head})
            await upstream.pour(Poured(scope["extensions"][OUTLET]))
            async for chunk in upstream.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await upstream.aclose()

    async def _live(self, receive: Any, send: Any) -> None:
        self._transport = LeanTransport(self._upstream, connect_timeout=5, read_timeout=60)
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--upstream", required=True)
    given = options.parse_args()
    serving(Relay(given.upstream), 0).run(sockets=[listen("127.0.0.1", given.port)])


if __name__ == "__main__":
    main()
