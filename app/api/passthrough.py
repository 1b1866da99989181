"""Every other /v1 path, forwarded as it came: no policy speaks of it."""

from urllib.parse import quote

from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from app.api.body import read_body
from app.api.inference import finish, must_have_key, relay
from app.api.records import Records
from app.api.staying import while_caller_stays
from app.openrouter.client import OpenRouter
from app.wire.headers import to_upstream

# These can change or cost nothing, so they leave no receipt and need no key of their own.
READING = frozenset({"GET", "HEAD", "OPTIONS"})

# What RFC 3986 allows in a path as it is. A percent sign isn't among them: what had been encoded
# twice goes on encoded twice, or it would mean another path upstream than it did to us.
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
        records: Records,
        key: SecretStr | None,
        body_limit: int,
    ) -> None:
        self._openrouter = openrouter
        self._records = records
        self._key = key.get_secret_value() if key else None
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Forward one request to `path`; a receipt is left where it could have cost something."""
        reading = scope["method"] in READING
        async with self._records.exchange(scope, send, None, filed=not reading) as exchange:
            if not reading:
                must_have_key(scope["headers"], self._key)
            body = await read_body(exchange.asked_with, receive, self._body_limit)
            exchange.bytes_in = len(body)
            with while_caller_stays(scope, receive, by_scope=self._openrouter.cancel_by_scope):
                upstream = await self._openrouter.open(
                    scope["method"],
                    sent_path(path),
                    scope["query_string"],
                    to_upstream(
                        scope["headers"],
                        key=self._key,
                        router_metadata=False,
                        trace=exchange.trace.headers() if exchange.trace else (),
                    ),
                    body,
                )
                await relay(upstream, exchange, send)
            await finish(exchange, send)
