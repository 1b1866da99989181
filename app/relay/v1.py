"""Which endpoint answers a path, however the caller's base URL was written (T-35)."""

from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from app.errors import NotServed
from app.relay.count_tokens import CountTokens
from app.relay.inference import Inference
from app.relay.models import Models
from app.relay.passthrough import READING, Passthrough, sent_path
from app.server.plain import send_json
from app.server.replies import error_body
from app.wire.dialect import DIALECTS, Dialect
from app.wire.paths import canonical_path, error_shape, nearly, probably_meant

DRY_RUN = (b"x-pointsman-dry-run", b"1")

Serve = Callable[[Scope, Receive, Send, Dialect], Awaitable[None]]


class V1:
    """The plain ASGI side of the app: everything that is about OpenRouter's API."""

    def __init__(
        self,
        *,
        inference: Inference,
        explain: Serve,
        models: Models,
        count_tokens: CountTokens,
        passthrough: Passthrough,
    ) -> None:
        self._inference = inference
        self._explain = explain
        self._models = models
        self._count_tokens = count_tokens
        self._passthrough = passthrough

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request: what to await for it."""
        path = canonical_path(scope["path"])
        dialect = DIALECTS.get(path)
        if dialect is not None and scope["method"] == "POST":
            serve = self._explain if DRY_RUN in scope["headers"] else self._inference
            return serve(scope, receive, send, dialect)
        return self._serve(scope, receive, send, path)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        if path == "/models" and scope["method"] == "GET":
            await self._models(scope, receive, send)
        elif scope["method"] == "GET" and (listing := self._models.listing_in(path)):
            await self._passthrough(scope, receive, send, listing)
        elif scope["method"] == "GET" and (wanted := self._models.named_in(path)):
            await self._models(scope, receive, send, wanted)
        elif path == "/messages/count_tokens" and scope["method"] == "POST":
            await self._count_tokens(scope, receive, send)
        elif scope["method"] not in READING and (meant := nearly(sent_path(path))) is not None:
            await _nothing_here(scope, send, f"use POST /v1{meant}")
        elif path != scope["path"]:
            await self._passthrough(scope, receive, send, path)
        else:
            await _nothing_here(scope, send, _way_out(path))


def _way_out(path: str) -> str:
    """What to ask instead of a path that neither OpenRouter's API nor ours has."""
    meant = probably_meant(path)
    if meant is None:
        return "OpenRouter's API is under /v1, Pointsman's own under /pointsman"
    return f"use {'GET' if meant == '/models' else 'POST'} /v1{meant}"


async def _nothing_here(scope: Scope, send: Send, remedy: str) -> None:
    error = NotServed(f"{scope['method']} {scope['path']!a} is not served; {remedy}")
    shape = error_shape(scope["path"], dict(scope["headers"]))
    await send_json(send, error.status, error_body(error, shape, None))
