"""Batches: many requests to one model, read as a stream, served by one host (openrouter.md §A8).

A field is only read if it comes before `requests`: a `model` or an `endpoint` after it counts as
missing, and the wrong order returns the same error; a `provider` after it is never read.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .ask import Ask, read_ask
from .json_text import without_halves
from .refusals import Refusal
from .routed import Routed
from .router import Router
from .switches import Switches
from .validation import check_body, check_key

_DIALECTS = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "responses",
    "/v1/messages": "messages",
    "/v1/embeddings": "embeddings",
}
_FIRST = ("endpoint", "model")
_WINDOW = "24h"
_BATCH = "batch_"


class _Pairs(dict[str, Any]):
    """An object that keeps its keys in their original order."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def read_batch(_content_type: str, raw: bytes) -> dict[str, Any]:
    """The body as read by a streaming parser. Raises the 400s of openrouter.md §A8."""
    try:
        whole = json.loads(without_halves(raw), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"Invalid JSON: {error}") from None
    if not isinstance(whole, _Pairs):
        raise Refusal(400, "Invalid input: expected object")
    keys = [key for key, _ in whole.pairs]
    before = keys.index("requests") if "requests" in keys else len(keys)
    seen = dict(whole.pairs[:before])
    for name in _FIRST:
        if name not in seen:
            raise Refusal(400, f'{name}: must appear before "requests"')
    if "callback_url" in keys[before:]:
        raise Refusal(400, 'callback_url: must appear before "requests"')
    body = {**seen, "requests": whole.get("requests"), "completion_window": _window(whole)}
    _check(body)
    return body


def _window(whole: Mapping[str, Any]) -> Any:
    window = whole.get("completion_window", _WINDOW)
    if window != _WINDOW:
        raise Refusal(400, f'completion_window: Invalid input: expected "{_WINDOW}"')
    return window


def _check(body: Mapping[str, Any]) -> None:
    endpoint, rows = body["endpoint"], body["requests"]
    if not isinstance(endpoint, str) or endpoint not in _DIALECTS:
        known = "|".join(f'"{each}"' for each in _DIALECTS)
        raise Refusal(400, f"endpoint: Invalid option: expected one of {known}")
    if not isinstance(rows, list) or not rows:
        raise Refusal(400, "requests: Invalid input: expected array")
    for place, row in enumerate(rows):
        at = f"requests.{place}"
        if not isinstance(row, dict) or not isinstance(row.get("body"), dict):
            raise Refusal(400, f"{at}.body: Invalid input: expected object")
        if not isinstance(row.get("custom_id"), str):
            raise Refusal(400, f"{at}.custom_id: Invalid input: expected string")
        if row["body"].get("model", body["model"]) != body["model"]:
            raise Refusal(400, f'{at}.body.model: Invalid input: expected "{body["model"]}"')


def run_batch(router: Router, ask: Ask) -> Routed:
    """Serve a batch from one host; the tools of each request make their own calls."""
    routed = router.route(ask)
    for row in _rows(router, ask):
        router.run_inside(row, routed)
    return routed


def _rows(router: Router, ask: Ask) -> Iterator[Ask]:
    """The requests of the batch; a malformed one fails on its own and makes no calls."""
    dialect = _DIALECTS[ask.body["endpoint"]]
    for row in ask.body["requests"]:
        body = {k: v for k, v in row["body"].items() if k not in {"models", "fallbacks", "preset"}}
        body |= {"model": ask.body["model"], "provider": dict(ask.provider)}
        try:
            yield read_ask(
                check_body(body), dialect, {}, router.catalog, ask.switches, number=ask.number
            )
        except Refusal:
            continue


def batches(routed: Routed) -> dict[str, Any]:
    """The batch in its initial state."""
    return _batch(routed, "in_progress", 0)


def batch(request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /batches/{id}: every batch is reported as done."""
    check_key(dict(request.headers))
    found = router.served.get(request.path_params["id"].removeprefix(_BATCH))
    if found is None or found[0].dialect != "batches":
        raise Refusal(404, "Resource not found")
    return JSONResponse(_batch(found[1], "completed", len(found[0].body["requests"])))


def _batch(routed: Routed, status: str, done: int) -> dict[str, Any]:
    body, completion = routed.ask.body, routed.completion
    return {
        "id": f"{_BATCH}{completion.id}",
        "object": "batch",
        "endpoint": body["endpoint"],
        "model": completion.row.model.id,
        "provider": completion.row.name,
        "status": status,
        "completion_window": body["completion_window"],
        "callback_url": body.get("callback_url"),
        "created_at": completion.created,
        "request_counts": {"total": len(body["requests"]), "completed": done, "failed": 0},
    }
