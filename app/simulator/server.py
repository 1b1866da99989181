"""The simulated OpenRouter as an ASGI app: its routes, its clock, its pace.

One request may flip switches for itself alone with the header `X-OpenRouter-Simulate`, a JSON
object of switches: `{"fail": {"deepinfra/fp8": 429}, "usage_chunk": "b"}`.
`app.state.router` has what arrived (`requests`) and what truly served (`served`).
"""

import asyncio
import base64
import hashlib
import json
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from app.simulator import reading
from app.simulator.ask import Ask, read_ask
from app.simulator.catalog import Catalog
from app.simulator.completion import tokens
from app.simulator.failing import error_body
from app.simulator.frames import frames
from app.simulator.metadata import byok_field, failed_metadata
from app.simulator.refusals import Refusal
from app.simulator.router import REMEMBERED, Routed, Router
from app.simulator.shapes import chat_body, message_body, response_body, text_body
from app.simulator.sse import COMMENT
from app.simulator.switches import Switches
from app.simulator.usage import charged, number
from app.simulator.validation import check_body, check_key
from app.simulator.websocket import NoWebSockets

API = "/api/v1"
_BODIES = {
    "chat": chat_body,
    "completions": text_body,
    "responses": response_body,
    "messages": message_body,
}
_FIRST_TOKEN_SECONDS = 0.25
_TOKEN_SECONDS = 0.015


class Simulator:
    """The routes over one router."""

    def __init__(
        self, router: Router, switches: Switches, pace: float, clock: Callable[[], float]
    ) -> None:
        self.router = router
        self._switches = switches
        self._pace = pace
        self._clock = clock

    def routes(self) -> list[Route]:
        """Everything that is served; the rest is a 404 page."""
        posts = {
            "chat/completions": "chat",
            "completions": "completions",
            "responses": "responses",
            "messages": "messages",
        }
        gets: dict[str, Callable[..., Response]] = {
            "models": reading.models,
            "models/user": reading.models,
            "models/count": reading.models_count,
            "models/{author}/{slug}/endpoints": reading.endpoints,
            "endpoints/zdr": reading.zdr_endpoints,
            "providers": reading.providers,
            "generation": reading.generation,
            "key": reading.key,
            "credits": reading.credits_,
        }
        return [
            *(
                Route(f"{API}/{path}", partial(self._infer, dialect), methods=["POST"])
                for path, dialect in posts.items()
            ),
            Route(f"{API}/embeddings", partial(self._vectors, self._embed), methods=["POST"]),
            Route(f"{API}/rerank", partial(self._vectors, self._rerank), methods=["POST"]),
            *(
                Route(f"{API}/{path}", partial(self._read, answer), methods=["GET"])
                for path, answer in gets.items()
            ),
            Route("/{path:path}", self._nothing, methods=["GET", "POST", "PUT", "DELETE"]),
        ]

    async def _infer(self, dialect: str, request: Request) -> Response:
        answered = await self._routed(dialect, request)
        if isinstance(answered, Response):
            return answered
        ask, routed = answered
        headers = self._headers(ask, routed)
        if ask.body.get("stream"):
            stream = self._paced(ask, routed)
            # As a header: as a media type it would gain a charset, which OpenRouter's has not.
            return StreamingResponse(
                stream, headers={"Content-Type": "text/event-stream", **headers}
            )
        await asyncio.sleep(_FIRST_TOKEN_SECONDS * self._pace)
        whole = error_body if ask.switches.error_in_200 else _BODIES[dialect]
        return JSONResponse(whole(ask, routed), headers=headers)

    async def _routed(self, dialect: str, request: Request) -> tuple[Ask, Routed] | Response:
        """What was asked and who serves it, or the error body."""
        raw = await request.body()
        headers = dict(request.headers)
        self.router.requests.append((request.url.path, headers, raw))
        ask, body, switches = None, {}, self._switches
        try:
            switches = self._switched(request)
            check_key(headers)
            body = check_body(_json(raw))
            ask = read_ask(body, dialect, headers, self.router.catalog, switches)
            return ask, self.router.route(ask)
        except Refusal as refusal:
            told = refusal.body("anthropic" if dialect == "messages" else "openai")
            if switches.availability:
                models = [candidate.model for candidate in (ask.candidates if ask else ())]
                offering = dict.fromkeys(row.provider for model in models for row in model.rows)
                availability = refusal.availability(_requested(body), [*offering])
                told["error"] |= {"availability": availability} if availability else {}
            if ask and ask.wants_metadata and dialect in _BODIES and refusal.status != 500:  # noqa: PLR2004 - contract §4
                told["openrouter_metadata"] = failed_metadata(ask, refusal)
            return JSONResponse(told, refusal.status)

    def _switched(self, request: Request) -> Switches:
        told = request.headers.get("x-openrouter-simulate")
        if told is None:
            return self._switches
        try:
            return self._switches.overridden(_json(told.encode()))
        except ValueError as error:
            raise Refusal(400, f"X-OpenRouter-Simulate: {error}") from None

    def _headers(self, ask: Ask, routed: Routed) -> dict[str, str]:
        headers = {
            "X-Generation-Id": routed.completion.id,
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "X-Generation-Id,X-Provider-Name",
            "Cache-Control": "no-cache",
        }
        if ask.switches.provider_header:
            headers["X-Provider-Name"] = routed.completion.row.name
        return headers

    async def _paced(self, ask: Ask, routed: Routed) -> AsyncIterator[bytes]:
        waited = False
        try:
            for frame in frames(ask, routed):
                if frame != COMMENT:
                    pause = _TOKEN_SECONDS if waited else _FIRST_TOKEN_SECONDS
                    waited = True
                    await asyncio.sleep(pause * self._pace)
                yield frame
        except (GeneratorExit, asyncio.CancelledError):
            self.router.left_early.add(routed.completion.id)
            raise
        if ask.switches.cut == "mid_stream":
            raise ConnectionResetError("the switch `cut` breaks this stream")

    async def _vectors(
        self, answer: Callable[[Ask, Routed], dict[str, Any]], request: Request
    ) -> Response:
        answered = await self._routed("embeddings", request)
        if isinstance(answered, Response):
            return answered
        return JSONResponse(answer(*answered), headers=self._headers(*answered))

    def _embed(self, ask: Ask, routed: Routed) -> dict[str, Any]:
        given = ask.body.get("input")
        texts = [given] if isinstance(given, str) else given or []
        encoded = ask.body.get("encoding_format") == "base64"
        rows = [
            {"object": "embedding", "index": place, "embedding": _vector(str(text), encoded)}
            for place, text in enumerate(texts)
        ]
        completion = routed.completion
        return {
            "id": completion.id,
            "object": "list",
            "model": completion.row.model.canonical,
            "provider": completion.row.name,
            "data": rows,
            "usage": _prompt_usage(ask, routed),
        }

    def _rerank(self, ask: Ask, routed: Routed) -> dict[str, Any]:
        documents = ask.body.get("documents") or []
        query = str(ask.body.get("query", "")).lower().split()
        scores = [
            (sum(word in str(text).lower() for word in query) / max(1, len(query)), place)
            for place, text in enumerate(documents)
        ]
        best = sorted(scores, key=lambda pair: (-pair[0], pair[1]))
        rows = [
            {
                "index": place,
                "relevance_score": score,
                "document": {"text": str(documents[place])},
            }
            for score, place in best[: ask.body.get("top_n") or len(best)]
        ]
        completion = routed.completion
        return {
            "id": completion.id,
            "model": completion.row.model.canonical,
            "provider": completion.row.name,
            "results": rows,
            "usage": _prompt_usage(ask, routed),
        }

    async def _read(self, answer: Callable[..., Response], request: Request) -> Response:
        try:
            return answer(request, self.router, self._switched(request), self._clock())
        except Refusal as refusal:
            return JSONResponse(refusal.body(), refusal.status)

    async def _nothing(self, request: Request) -> Response:
        try:
            if self._switched(request).html_404:
                return HTMLResponse("<!DOCTYPE html><title>404</title><h1>Not Found</h1>", 404)
        except Refusal as refusal:
            return JSONResponse(refusal.body(), refusal.status)
        return JSONResponse(Refusal(404, "Not Found").body(), 404)


def create_simulator(
    *,
    catalog: Path | None = None,
    seed: int = 0,
    switches: Switches = Switches(),  # noqa: B008 - frozen
    pace: float = 1.0,
    clock: Callable[[], float] = time.time,
    remembered: int = REMEMBERED,
) -> Starlette:
    """A simulated OpenRouter under `/api/v1`.

    `pace` 1 streams about as a real host does, 0 without pauses. The same `seed` and the same
    requests in the same order are served alike; with a fixed `clock`, to the byte. Its router
    tells of the last `remembered` requests what arrived and what became of them.
    """
    router = Router(Catalog.read(catalog), seed=seed, clock=clock, remembered=remembered)
    routes = Simulator(router, switches, pace, clock).routes()
    app = Starlette(routes=routes, middleware=[Middleware(NoWebSockets)])
    app.state.router = router
    return app


def _json(raw: bytes) -> Any:
    """Raises the 400 of bytes that are no JSON."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"Invalid JSON: {error}") from None


def _requested(body: Mapping[str, Any]) -> list[str]:
    return [*filter(None, [body.get("model")]), *(body.get("models") or ())]


def _prompt_usage(ask: Ask, routed: Routed) -> dict[str, Any]:
    prompt, row = tokens(ask.prompt), routed.completion.row
    cost = number(charged(ask, row, prompt * row.price("prompt")))
    own = byok_field(ask, row, of_usage=True)
    return {"prompt_tokens": prompt, "total_tokens": prompt, "cost": cost, **own}


def _vector(text: str, encoded: bool) -> list[float] | str:  # noqa: FBT001 - private
    digest = hashlib.sha512(text.encode()).digest()
    numbers = [byte / 255 - 0.5 for byte in digest]
    if encoded:
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    return numbers
