"""POST /v1/messages/count_tokens, not documented by OpenRouter: its answer, else an estimate.

Claude Code uses it to decide when to shorten a conversation. Upstream is asked first, in case it
gains support for it; otherwise an estimate is far better than an error. The header
`x-pointsman-estimate` marks an estimate.
"""

from starlette.types import Receive, Scope, Send

from ..errors import UpstreamError
from ..exact_numbers import whole
from ..openrouter.client import OpenRouter
from ..policy.slices import split
from ..record.recorder import Recorder
from ..server.body import Bodies, must_be_json
from ..server.plain import send_json
from ..wire.frame import read_value
from ..wire.headers import to_upstream

_PATH = "/messages/count_tokens"
_OK = 200
_LARGEST_ANSWER = 64_000  # bytes; it has twenty
_BYTES_PER_TOKEN = 3.5  # of JSON with code and prose in it, across tokenizers: rather too many
_COUNTED = ("system", "messages", "tools")


class CountTokens:
    """Asks upstream as long as it answers, and otherwise estimates."""

    def __init__(self, *, openrouter: OpenRouter, recorder: Recorder, bodies: Bodies) -> None:
        self._openrouter = openrouter
        self._recorder = recorder
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a count; nothing is generated, so no receipt is filed."""
        async with self._recorder.exchange(scope, send, None, filed=False) as exchange:
            must_be_json(exchange.asked_with)
            body = await self._bodies.read_json(exchange, scope, receive)
            _, fields = split(body)
            counted = await self._asked(scope, body)
            if counted is not None:
                await send_json(send, _OK, {"input_tokens": counted})
                return
            size = sum(len(fields[name]) for name in _COUNTED if name in fields)
            estimate = {"input_tokens": max(1, round(size / _BYTES_PER_TOKEN))}
            await send_json(send, _OK, estimate, [(b"x-pointsman-estimate", b"1")])

    async def _asked(self, scope: Scope, body: bytes) -> int | None:
        """Upstream's count; None if it returns none."""
        headers = to_upstream(
            scope["headers"],
            key=self._openrouter.key,
            router_metadata=False,
            decoded=True,
            also=self._openrouter.forwarded,
        )
        try:
            _, _, answer = await self._openrouter.fetch(
                "POST", _PATH, headers, body, most=_LARGEST_ANSWER
            )
        except UpstreamError:
            return None
        counted = read_value(answer)
        return whole(counted.get("input_tokens")) if isinstance(counted, dict) else None
