"""Every other /v1 path, forwarded unchanged: no policy applies, and its receipt says so."""

from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from ..openrouter.beside import Beside
from ..openrouter.client import OpenRouter
from ..record.recorder import Recorder
from ..server.body import Bodies
from ..server.disconnect import while_caller_stays
from ..wire.dialect import is_beside_base
from ..wire.headers import Credentials, to_upstream
from .inference import finish, must_have_key, relay

# These can change or cost nothing, so they leave no receipt and need no key of their own.
READING = frozenset({"GET", "HEAD", "OPTIONS"})

# Characters that RFC 3986 allows unencoded in a path. A percent sign is not among them: a path
# encoded twice stays encoded twice, or upstream would resolve another path than Pointsman did.
_PLAIN = "/:@!$&'()*+,;=~"


def sent_path(path: str) -> str:
    """A decoded path as it is sent upstream."""
    return quote(path, safe=_PLAIN)


class Passthrough:
    """Forwards any method to the same path upstream and relays the answer."""

    def __init__(
        self,
        *,
        openrouter: OpenRouter,
        beside: Beside,
        recorder: Recorder,
        bodies: Bodies,
    ) -> None:
        self._openrouter = openrouter
        self._beside = beside
        self._recorder = recorder
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Forward one request to `path`; a receipt is filed if it could have cost something."""
        reading = scope["method"] in READING
        async with self._recorder.exchange(scope, send, None, filed=not reading) as exchange:
            if not reading:
                must_have_key(scope["headers"], self._openrouter)
            body = await self._bodies.read(exchange, scope, receive)
            exchange.bytes_in, trace = len(body), exchange.arrival.trace
            openrouter = self._beside() if is_beside_base(path) else self._openrouter
            headers = to_upstream(
                scope["headers"],
                key=self._openrouter.key,
                router_metadata=False,
                trace=trace.headers() if trace else (),
                also=self._openrouter.forwarded,
            )
            if self._openrouter.key is None:
                exchange.credentials = Credentials(headers)
            with while_caller_stays(scope, receive, by_scope=openrouter.cancel_by_scope):
                upstream = await openrouter.open(
                    scope["method"],
                    sent_path(path),
                    scope["query_string"],
                    headers,
                    body,
                )
                del body  # as `Inference` does
                await relay(upstream, exchange, scope, send)
            await finish(exchange, send)
