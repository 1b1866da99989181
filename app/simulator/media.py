"""Images, speech, transcriptions and videos: small fixed answers (openrouter.md §A8)."""

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .ask import Ask
from .refusals import Refusal
from .routed import Routed
from .router import Router
from .switches import Switches
from .validation import check_key
from .vectors import prompt_usage, served_by

# One pixel, and one frame of silence.
_IMAGE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)
_SOUND = base64.b64decode("//uQxAAAAAAAAAAAAAAAAAAAAAAA")
_JOB = "job_"


def images(routed: Routed) -> dict[str, Any]:
    """One image."""
    told = {"created": routed.completion.created, "data": [{"b64_json": _IMAGE}]}
    return {**told, **served_by(routed), "usage": prompt_usage(routed)}


def speech(_routed: Routed) -> bytes:
    """One sound; the audio bytes can't contain the provider's name."""
    return _SOUND


def transcriptions(routed: Routed) -> dict[str, Any]:
    """The same text for any sound."""
    told = {"text": "A simulated transcription.", **served_by(routed)}
    return {**told, "usage": prompt_usage(routed)}


def videos(routed: Routed) -> dict[str, Any]:
    """A job that has started."""
    return _job(routed, "pending")


def film(router: Router, ask: Ask) -> Routed:
    """Serve a video; a continuation of an earlier job stays at that job's endpoint."""
    earlier = ask.body.get("previous_job_id")
    if earlier is None:
        return router.route(ask)
    return router.serve_at(ask, _served(router, str(earlier)).completion.row)


def video(request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /videos/{id}: every job is reported as done."""
    check_key(dict(request.headers))
    routed = _served(router, request.path_params["id"])
    return JSONResponse(_job(routed, "completed"))


def _served(router: Router, job: str) -> Routed:
    found = router.served.get(job.removeprefix(_JOB))
    if found is None or found[0].dialect != "videos":
        raise Refusal(404, "Resource not found")
    return found[1]


def _job(routed: Routed, status: str) -> dict[str, Any]:
    identity = f"{_JOB}{routed.completion.id}"
    told = {"id": identity, "polling_url": f"/api/v1/videos/{identity}", "status": status}
    return {**told, "generation_id": routed.completion.id, **served_by(routed)}
