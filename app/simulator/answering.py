"""Answer requests: checks, routing, bodies, and streams at a realistic pace."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from .ask import Ask, read_ask
from .failing import error_body
from .frames import frames
from .message_shapes import message_body
from .metadata import failed_metadata
from .other_routes import OtherRoute, read_json
from .preset_routes import captured
from .refusals import Refusal
from .response_cache import ResponseCache
from .response_shapes import response_body
from .routed import Routed
from .router import Router
from .shapes import chat_body, text_body
from .sse import COMMENT
from .switches import Switches
from .validation import check_body, check_key

_BODIES = {
    "chat": chat_body,
    "completions": text_body,
    "responses": response_body,
    "messages": message_body,
}
_FIRST_TOKEN_SECONDS = 0.25
_TOKEN_SECONDS = 0.015

Read = Callable[[Request, Router, Switches, float], Response]


class Answering:
    """Answers to every kind of request, over one router."""

    def __init__(self, router: Router, switches: Switches, pace: float) -> None:
        self._router = router
        self._kept = ResponseCache(router)
        self._switches = switches
        self._pace = pace

    async def infer(self, dialect: str, request: Request) -> Response:
        """Answer one of the four inference routes, whole or streamed."""
        path, headers = request.url.path, dict(request.headers)
        raw = await request.body()

        def serve(_router: Router, ask: Ask) -> Routed:
            return self._kept.serve(ask, check_key(headers), path, headers, raw)

        route = OtherRoute(path, dialect, lambda _: {}, serve=serve)
        routed = await self._routed(route, request)
        if isinstance(routed, Response):
            return routed
        ask, told = routed.ask, self._headers(routed)
        if ask.body.get("stream"):
            stream = self._paced(ask, routed)
            # As a header: as a media type it would get a charset, which OpenRouter doesn't send.
            return StreamingResponse(stream, headers={"Content-Type": "text/event-stream", **told})
        await asyncio.sleep(_FIRST_TOKEN_SECONDS * self._pace)
        whole = error_body if ask.switches.error_in_200 else _BODIES[dialect]
        return JSONResponse(whole(ask, routed), headers=told)

    async def other(self, route: OtherRoute, request: Request) -> Response:
        """Answer any of the other routes that are served by models."""
        routed = await self._routed(route, request)
        if isinstance(routed, Response):
            return routed
        answer, headers = route.answer(routed), self._headers(routed)
        if isinstance(answer, bytes):
            return Response(answer, route.status, headers, media_type="audio/mpeg")
        return JSONResponse(answer, route.status, headers)

    async def read(self, answer: Read, request: Request) -> Response:
        """Answer a read-only route."""
        try:
            switches = self._switched(request)
            return answer(request, self._router, switches, self._router.clock())
        except Refusal as refusal:
            return JSONResponse(refusal.body(), refusal.status)

    async def capture(self, request: Request) -> Response:
        """Create a preset from a request body."""
        raw = await request.body()
        try:
            return captured(request, self._router, self._switched(request), read_json("", raw))
        except Refusal as refusal:
            return JSONResponse(refusal.body(), refusal.status)

    async def nothing(self, request: Request) -> Response:
        """Answer an unknown path."""
        try:
            if self._switched(request).html_404:
                return HTMLResponse("<!DOCTYPE html><title>404</title><h1>Not Found</h1>", 404)
        except Refusal as refusal:
            return JSONResponse(refusal.body(), refusal.status)
        return JSONResponse(Refusal(404, "Not Found").body(), 404)

    async def _routed(self, route: OtherRoute, request: Request) -> Routed | Response:
        """The result of routing a request, or the error body."""
        raw, dialect = await request.body(), route.dialect
        headers = dict(request.headers)
        number = self._router.arrive(request.url.path, headers, raw)
        ask, body, switches = None, {}, self._switches
        try:
            switches = self._switched(request)
            key = check_key(headers)
            told = route.read(headers.get("content-type", ""), raw)
            lenient = switches.media_keys == "ignored"
            body = check_body(told, dialect, lenient=lenient)
            route.check(body)
            ask = read_ask(
                body,
                dialect,
                headers,
                self._router.catalog,
                switches,
                find=self._router.presets.finder(key),
                number=number,
            )
            routed = route.serve(self._router, ask)
        except Refusal as refusal:
            return JSONResponse(_refused(refusal, dialect, ask, body, switches), refusal.status)
        self._router.note_key(key, routed)
        return routed

    def _switched(self, request: Request) -> Switches:
        told = request.headers.get("x-openrouter-simulate")
        if told is None:
            return self._switches
        try:
            values = read_json("", told.encode())
            switches = self._switches.overridden(values)
        except ValueError as error:
            raise Refusal(400, f"X-OpenRouter-Simulate: {error}") from None
        self._router.hosts.start_outages(values.get("fail_for", {}))
        return switches

    def _headers(self, routed: Routed) -> dict[str, str]:
        headers = {
            "X-Generation-Id": routed.completion.id,
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "X-Generation-Id,X-Provider-Name",
            "Cache-Control": "no-cache",
        }
        if routed.ask.switches.provider_header:
            headers["X-Provider-Name"] = routed.completion.row.name
        if routed.stored:
            headers |= routed.stored.headers()
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
            self._router.leave(routed)
            raise
        if ask.switches.cut == "mid_stream":
            raise ConnectionResetError("the switch `cut` breaks this stream")


def _refused(
    refusal: Refusal, dialect: str, ask: Ask | None, body: Mapping[str, Any], switches: Switches
) -> dict[str, Any]:
    """The body of an error, with the extra fields that the switches and the request ask for."""
    told = refusal.body("anthropic" if dialect == "messages" else "openai")
    if switches.availability:
        models = [candidate.model for candidate in (ask.candidates if ask else ())]
        offering = dict.fromkeys(row.provider for model in models for row in model.rows)
        requested = [*filter(None, [body.get("model")]), *(body.get("models") or ())]
        availability = refusal.availability(requested, [*offering])
        told["error"] |= {"availability": availability} if availability else {}
    if ask and ask.wants_metadata and dialect in _BODIES and refusal.status != 500:  # noqa: PLR2004 - openrouter.md §4
        told["openrouter_metadata"] = failed_metadata(ask, refusal)
    return told
