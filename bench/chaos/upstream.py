"""The simulated OpenRouter at two paces: whole answers at once, and streams that last.

    python -m bench.chaos.upstream PORT SECONDS

A stream lasts about SECONDS. Everything else is `pointsman simulate`.
"""

import sys
from typing import TYPE_CHECKING

from app.cli.process_log import start_logging
from app.cli.serving import listen, stay
from app.simulator import create_simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SEEDS = (7, 8)  # two, so that no generation has the same id
# Of a stream at pace 1: a quarter until it begins, and 15 ms for each of its pieces.
_USUAL_SECONDS = 0.7
_STREAMED = (b'"stream":true', b'"stream": true')


def of_two_paces(seconds: float) -> "ASGIApp":
    """One app that passes each request to the simulator with the pace for it."""
    at_once = create_simulator(seed=SEEDS[0], pace=0)
    slowly = create_simulator(seed=SEEDS[1], pace=seconds / _USUAL_SECONDS)

    async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await at_once(scope, receive, send)
            return
        first = await receive()  # these requests are small, and come whole
        streamed = any(each in first.get("body", b"") for each in _STREAMED)
        rest = iter([first])
        await (slowly if streamed else at_once)(scope, _again(rest, receive), send)

    return app


def _again(read: "Iterator[Message]", receive: "Receive") -> "Receive":
    async def received() -> "Message":
        return next(read, None) or await receive()

    return received


def main() -> None:
    """Serve until told to stop."""
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    start_logging("warning")
    stay(of_two_paces(seconds), listen("127.0.0.1", port), drain_seconds=1)


if __name__ == "__main__":
    main()
