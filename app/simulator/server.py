"""The simulated OpenRouter as an ASGI app.

One request may flip switches for itself alone with the header `X-OpenRouter-Simulate`, a JSON
object of switches: `{"fail": {"deepinfra/fp8": 429}, "usage_chunk": "b"}`.

`app.state.router` has the requests that arrived (`requests`), those actually served (`served`),
and every endpoint that was sent anything, including inner calls and failed attempts (`reached`).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from . import reading
from .answering import Answering, Read
from .batches import batch
from .catalog import Catalog
from .exports import export
from .hosts import Host
from .media import video
from .other_routes import ROUTES
from .preset_routes import preset, presets, version, versions
from .presets import Presets
from .router import REMEMBERED, Router
from .switches import Switches
from .tool_routes import tool, tools
from .websocket import NoWebSockets

API = "/api/v1"
_INFERENCE = {
    "chat/completions": "chat",
    "completions": "completions",
    "responses": "responses",
    "messages": "messages",
}
_READING: dict[str, Read] = {
    "models": reading.models,
    "models/user": reading.models,
    "models/count": reading.models_count,
    "models/{author}/{slug}/endpoints": reading.endpoints,
    "endpoints/zdr": reading.zdr_endpoints,
    "providers": reading.providers,
    "generation": reading.generation,
    "key": reading.key,
    "credits": reading.credits_,
    "presets": presets,
    "presets/{slug}": preset,
    "presets/{slug}/versions": versions,
    "presets/{slug}/versions/{version}": version,
    "tools": tools,
    "tools/{name}": tool,
    "videos/{id}": video,
    "batches/{id}": batch,
    "datasets/exports/{path:path}": export,
}
_CAPTURING = ("chat/completions", "messages", "responses")


def _routes(answering: Answering) -> list[Route]:
    """All routes; any other path returns a 404 page."""
    return [
        *(
            Route(f"{API}/{path}", partial(answering.infer, dialect), methods=["POST"])
            for path, dialect in _INFERENCE.items()
        ),
        *(Route(route.path, partial(answering.other, route), methods=["POST"]) for route in ROUTES),
        *(
            Route(f"{API}/presets/{{slug}}/{path}", answering.capture, methods=["POST"])
            for path in _CAPTURING
        ),
        *(
            Route(f"{API}/{path}", partial(answering.read, answer), methods=["GET"])
            for path, answer in _READING.items()
        ),
        Route("/{path:path}", answering.nothing, methods=["GET", "POST", "PUT", "DELETE"]),
    ]


def create_simulator(
    *,
    catalog: Path | None = None,
    presets: Path | Iterable[Mapping[str, Any]] | None = None,
    seed: int = 0,
    switches: Switches = Switches(),  # noqa: B008 - frozen
    pace: float = 1.0,
    clock: Callable[[], float] = time.time,
    remembered: int = REMEMBERED,
    hosts: Mapping[str, Host] = MappingProxyType({}),
    flawed: bool = False,
) -> Starlette:
    """A simulated OpenRouter under `/api/v1`.

    `presets` are a file or the items of one, the shipped ones by default; see presets.py.
    `pace` 1 streams about as a real host does, 0 without pauses. The same `seed` and the same
    requests in the same order are served the same way; with a fixed `clock`, byte for byte. Its
    router keeps the last `remembered` requests and their results. `hosts` configure failures,
    defects and quirks of endpoints, by tag or provider; `flawed` gives endpoints the quirks that
    the catalog has for them, and some of their answers that could call a tool the defects.
    """
    router = Router(
        Catalog.read(catalog),
        seed=seed,
        clock=clock,
        remembered=remembered,
        presets=Presets.read(presets),
        hosts=hosts,
        flawed=flawed,
    )
    router.hosts.start_outages(switches.fail_for)
    routes = _routes(Answering(router, switches, pace))
    app = Starlette(routes=routes, middleware=[Middleware(NoWebSockets)])
    app.state.router = router
    return app
