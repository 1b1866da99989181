"""The preset routes: read presets, or create one from a request body (openrouter.md §A1.1)."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .pages import page
from .presets import Preset
from .refusals import Refusal
from .router import Router
from .switches import Switches
from .validation import check_body, check_key

_NO_KEY = "Missing Authentication header"
_REFUSED = {
    403: "Only management keys can perform this operation",
    500: "Internal Server Error",
    503: "Service temporarily unavailable",
}
_MOST, _USUAL = 100, 50
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]*")
# Request fields that a preset's config does not keep.
_DROPPED = frozenset(
    {
        "messages",
        "input",
        "prompt",
        "stream",
        "stream_options",
        "system",
        "instructions",
        "preset",
        "session_id",
        "user",
        "metadata",
    }
)


def presets(request: Request, router: Router, switches: Switches, _now: float) -> Response:
    """GET /presets."""
    seen = [preset.listed for preset in router.presets.seen_by(_key(request, switches))]
    return _page(request, seen)


def preset(request: Request, router: Router, switches: Switches, _now: float) -> Response:
    """GET /presets/{slug}."""
    return JSONResponse({"data": _whole(_found(request, router, switches))})


def versions(request: Request, router: Router, switches: Switches, _now: float) -> Response:
    """GET /presets/{slug}/versions."""
    return _page(request, _found(request, router, switches).versions)


def version(request: Request, router: Router, switches: Switches, _now: float) -> Response:
    """GET /presets/{slug}/versions/{version}."""
    wanted = request.path_params["version"]
    told = _found(request, router, switches).versions
    for each in told:
        if str(each["version"]) == wanted:
            return JSONResponse({"data": each})
    raise Refusal(404, "Resource not found")


def captured(request: Request, router: Router, switches: Switches, body: Any) -> Response:
    """POST /presets/{slug}/...: the body's configuration as a new version, which is then used."""
    key, slug = _key(request, switches), request.path_params["slug"]
    if not _SLUG.fullmatch(slug):
        raise Refusal(400, "slug: Invalid string: must be lower-case letters, digits, - and _")
    checked = check_body(body)
    config = {name: value for name, value in checked.items() if name not in _DROPPED}
    made = router.presets.capture(slug, key, config, _prompt(checked), router.clock())
    return JSONResponse({"data": _whole(made)})


def _key(request: Request, switches: Switches) -> str:
    key = check_key(dict(request.headers), _NO_KEY)
    if switches.presets_refused:
        status = switches.presets_refused
        raise Refusal(status, _REFUSED.get(status, "Presets can not be read"))
    return key


def _found(request: Request, router: Router, switches: Switches) -> Preset:
    found = router.presets.finder(_key(request, switches))(request.path_params["slug"])
    if found is None:
        raise Refusal(404, "Resource not found")
    return found


def _whole(found: Preset) -> dict[str, Any]:
    return {**found.listed, "designated_version": found.designated}


def _page(request: Request, rows: list[dict[str, Any]]) -> Response:
    shown, _ = page(request, rows, usual=_USUAL, most=_MOST)
    return JSONResponse({"data": shown, "total_count": len(rows)})


def _prompt(body: Mapping[str, Any]) -> str | None:
    """The system prompt of a request, from the place where its dialect has it."""
    first = next(iter(body.get("messages") or ()), None)
    opening = (
        first.get("content") if isinstance(first, dict) and first.get("role") == "system" else None
    )
    told = body.get("system") or body.get("instructions") or opening
    return told if isinstance(told, str) else None
