"""The routes other than inference: their input, host and answer (openrouter.md §A8)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .ask import Ask
from .batches import batches, read_batch, run_batch
from .decisions import check_questions, decisions
from .json_text import without_halves
from .media import film, images, speech, transcriptions, videos
from .multipart import form_fields, is_form
from .refusals import Refusal
from .routed import Routed
from .router import Router
from .vectors import embeddings, rerank


def read_json(_content_type: str, raw: bytes) -> Any:
    """A JSON body. Raises the 400 for bytes that are not JSON."""
    try:
        return json.loads(without_halves(raw))
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"Invalid JSON: {error}") from None


def read_either(content_type: str, raw: bytes) -> Any:
    """A JSON body or a form. Raises their 400s."""
    return form_fields(content_type, raw) if is_form(content_type) else read_json("", raw)


@dataclass(frozen=True, slots=True)
class OtherRoute:
    """One path; `needs` are its required fields, by type."""

    path: str
    dialect: str
    answer: Callable[[Routed], dict[str, Any] | bytes]
    needs: Mapping[str, type] = field(default_factory=dict)
    read: Callable[[str, bytes], Any] = read_json
    serve: Callable[[Router, Ask], Routed] = Router.route
    status: int = 200

    def check(self, body: Mapping[str, Any]) -> None:
        """Raise the 400 for a field that is missing or has another type."""
        for name, kind in self.needs.items():
            if not isinstance(body.get(name), kind):
                raise Refusal(400, f"{name}: Invalid input: expected {_CALLED[kind]}")
        if "questions" in self.needs:
            check_questions(body)


_CALLED: dict[type, str] = {str: "string", dict: "object"}
_QUESTIONS = {"questions": dict}
_V1 = "/api/v1"
ROUTES = (
    OtherRoute(f"{_V1}/embeddings", "embeddings", embeddings),
    OtherRoute(f"{_V1}/rerank", "rerank", rerank),
    OtherRoute("/api/alpha/decisions", "decisions", decisions, _QUESTIONS),
    OtherRoute(f"{_V1}/systemone", "decisions", decisions, _QUESTIONS),
    OtherRoute(f"{_V1}/images", "images", images, {"prompt": str}),
    OtherRoute(f"{_V1}/audio/speech", "speech", speech, {"input": str}),
    OtherRoute(f"{_V1}/audio/transcriptions", "transcriptions", transcriptions, read=read_either),
    OtherRoute(f"{_V1}/videos", "videos", videos, {"prompt": str}, serve=film, status=202),
    *(
        OtherRoute(
            path, "batches", batches, {"model": str}, read=read_batch, serve=run_batch, status=202
        )
        for path in (f"{_V1}/batches", "/api/beta/batches")
    ),
)
