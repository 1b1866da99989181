"""Embeddings and rerank: their answers (openrouter.md §6)."""

import base64
import hashlib
import struct
from typing import Any

from .metadata import byok_field
from .routed import Routed, charged
from .saying import tokens
from .usage import number


def embeddings(routed: Routed) -> dict[str, Any]:
    """A vector for each text of the input; the same text always has the same vector."""
    given = routed.ask.body.get("input")
    texts = [given] if isinstance(given, str) else given or []
    encoded = routed.ask.body.get("encoding_format") == "base64"
    rows = [
        {"object": "embedding", "index": place, "embedding": _vector(str(text), encoded)}
        for place, text in enumerate(texts)
    ]
    told = {"id": routed.completion.id, "object": "list", **served_by(routed), "data": rows}
    return {**told, "usage": prompt_usage(routed)}


def rerank(routed: Routed) -> dict[str, Any]:
    """The documents, ordered by how many of the query's words they contain."""
    documents = routed.ask.body.get("documents") or []
    query = str(routed.ask.body.get("query", "")).lower().split()
    scores = [
        (sum(word in _text(document).lower() for word in query) / max(1, len(query)), place)
        for place, document in enumerate(documents)
    ]
    best = sorted(scores, key=lambda pair: (-pair[0], pair[1]))
    rows = [
        {"index": place, "relevance_score": score, "document": {"text": _text(documents[place])}}
        for score, place in best[: routed.ask.body.get("top_n") or len(best)]
    ]
    told = {"id": routed.completion.id, **served_by(routed), "results": rows}
    return {**told, "usage": prompt_usage(routed)}


def served_by(routed: Routed) -> dict[str, Any]:
    """The model and the provider of an answer."""
    row = routed.completion.row
    return {"model": row.model.canonical, "provider": row.name}


def prompt_usage(routed: Routed) -> dict[str, Any]:
    """`usage` of an answer without completion tokens."""
    ask, row = routed.ask, routed.completion.row
    prompt = tokens(ask.prompt)
    cost = number(charged(ask, row, prompt * row.price("prompt")))
    own = byok_field(ask, row, of_usage=True)
    return {"prompt_tokens": prompt, "total_tokens": prompt, "cost": cost, **own}


def _text(document: Any) -> str:
    return str(document.get("text", "")) if isinstance(document, dict) else str(document)


def _vector(text: str, encoded: bool) -> list[float] | str:  # noqa: FBT001 - private
    digest = hashlib.sha512(text.encode()).digest()
    numbers = [byte / 255 - 0.5 for byte in digest]
    if encoded:
        return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    return numbers
