"""Sealed reasoning: parts of an answer that only the host that issued them accepts again.

A model whose `_simulator.seals` in the catalog names a format seals the reasoning that a request
asks for. A sealed part is a nonce and a keyed digest, whose key belongs to one provider and one
model; a signature also covers the text that it stands beside. Another host, another model or
another text is a 400 with the words of that provider (openrouter.md §A4). Unsealed text may be sent
to any host.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from .ask import Ask
from .catalog import Row

_NONCE = 12  # bytes
_OPENAI, _XAI = "openai-responses-v1", "xai-responses-v1"
_CLAUDE, _GEMINI = "anthropic-claude-v1", "google-gemini-v1"
# Hosts that have a format of their own for another company's models.
_HOSTED = {
    (_OPENAI, "azure"): "azure-openai-responses-v1",
    (_OPENAI, "amazon-bedrock"): "bedrock-openai-responses-v1",
    (_XAI, "amazon-bedrock"): "bedrock-xai-responses-v1",
}


@dataclass(frozen=True, slots=True)
class Seal:
    """What makes an answer's reasoning replayable at its host."""

    format: str  # names the issuer
    data: str

    @property
    def signs_text(self) -> bool:
        """Whether it is the signature of a text; else it is the reasoning itself, encrypted."""
        return self.format == _CLAUDE

    @property
    def shows_text(self) -> bool:
        """Whether the reasoning beside it is the model's own text, not a summary."""
        return self.format in {_CLAUDE, _GEMINI}


@dataclass(frozen=True, slots=True)
class SealedPart:
    """A sealed part that a request replays, and its place."""

    data: str
    turn: int
    place: int = 0
    text: str = ""  # that a signature covers


@dataclass(frozen=True, slots=True)
class Rejection:
    """A host's own words about a part that it did not issue."""

    message: str
    raw: str  # its whole body


def sealed(ask: Ask, row: Row, reasoning: str, answer: str) -> Seal | None:
    """The seal of a row's reasoning in an answer with this id; None if it has none."""
    seals = _format(row) if ask.wants_reasoning else None
    if seals is None or not reasoning or ask.switches.sealed_reasoning == "off":
        return None
    nonce = blake2b(answer.encode(), digest_size=_NONCE).digest()
    covered = reasoning if seals == _CLAUDE else ""
    return Seal(seals, base64.b64encode(nonce + _digest(row, nonce, covered)).decode())


def rejection(ask: Ask, row: Row) -> Rejection | None:
    """The reason why a row refuses a request: it has a part that was sealed elsewhere."""
    seals = _format(row)
    if seals is None or ask.switches.sealed_reasoning != "checked" or ask.errand is not None:
        return None
    foreign = (part for part in sealed_parts(ask.body) if not _issued(row, part))
    part = next(foreign, None)
    return None if part is None else _words(row, seals, part)


def _format(row: Row) -> str | None:
    own = row.model.hidden.get("seals")
    return _HOSTED.get((own, row.provider), own) if own else None


def _digest(row: Row, nonce: bytes, text: str) -> bytes:
    key = blake2b(f"{row.provider} {row.model.id}".encode(), digest_size=32).digest()
    told = nonce + text.encode("utf-8", "surrogatepass")
    return blake2b(told, key=key, digest_size=24).digest()


def _issued(row: Row, part: SealedPart) -> bool:
    try:
        told = base64.b64decode(part.data, validate=True)
    except ValueError:
        return False
    nonce, digest = told[:_NONCE], told[_NONCE:]
    return digest == _digest(row, nonce, part.text)


# --- the parts of a request -------------------------------------------------------------------


def sealed_parts(body: Mapping[str, Any]) -> Iterator[SealedPart]:
    """Every sealed part of a request in any dialect, in its order."""
    turns = body.get("messages") or body.get("input")
    for number, turn in enumerate(turns if isinstance(turns, list) else ()):
        if not isinstance(turn, Mapping):
            continue
        yield from _of_details(number, _objects(turn.get("reasoning_details")))
        for place, block in enumerate(_objects(turn.get("content"))):
            yield from _of_block(number, place, block)
        for call in _objects(turn.get("tool_calls")):
            yield from _sealed(number, 0, _deep(call, "extra_content", "google"), _THOUGHT)
        yield from _sealed(number, 0, turn, "encrypted_content")
        if turn.get("type") == "reasoning":
            said = "".join(str(each.get("text", "")) for each in _objects(turn.get("summary")))
            yield from _sealed(number, 0, turn, "signature", said)


_THOUGHT = "thought_signature"


def _of_details(number: int, details: list[Mapping[str, Any]]) -> Iterator[SealedPart]:
    """Sealed entries of `reasoning_details`; the deltas of one entry may still be apart."""
    texts: dict[str, str] = {}
    for detail in details:
        index = str(detail.get("index"))
        texts[index] = texts.get(index, "") + str(detail.get("text") or "")
    for place, detail in enumerate(details):
        yield from _sealed(number, place, detail, "signature", texts[str(detail.get("index"))])
        if detail.get("type") == "reasoning.encrypted":
            yield from _sealed(number, place, detail, "data")


def _of_block(number: int, place: int, block: Mapping[str, Any]) -> Iterator[SealedPart]:
    if block.get("type") == "thinking":
        yield from _sealed(number, place, block, "signature", str(block.get("thinking", "")))
    elif block.get("type") == "redacted_thinking":
        yield from _sealed(number, place, block, "data")


def _sealed(
    number: int, place: int, holder: Mapping[str, Any], name: str, text: str = ""
) -> Iterator[SealedPart]:
    """The part under this name, unless it is empty."""
    data = holder.get(name)
    if isinstance(data, str) and data:
        yield SealedPart(data, number, place, text)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _deep(value: Any, *names: str) -> Mapping[str, Any]:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


# --- the words of each provider ---------------------------------------------------------------


def _words(row: Row, seals: str, part: SealedPart) -> Rejection:
    if seals == _CLAUDE:
        return _anthropic(row, part)
    if seals == _GEMINI:
        corrupted = row.provider == "google-ai-studio"
        message = f"{'Corrupted' if corrupted else 'Invalid'} thought signature."
        error: dict[str, Any] = {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}
    elif seals.endswith(_OPENAI):
        message = (
            f"The encrypted content {part.data[:4]}...{part.data[-4:]} could not be verified. "
            "Reason: Encrypted content could not be decrypted or parsed."
        )
        error = {"message": message, "type": "invalid_request_error", "param": None}
        error["code"] = "invalid_encrypted_content"
    else:
        message = "reasoning `encrypted_content` was not issued to this caller"
        error = {"message": message, "type": "invalid_request_error"}
    return Rejection(message, json.dumps({"error": error}))


def _anthropic(row: Row, part: SealedPart) -> Rejection:
    at = f"messages.{part.turn}.content.{part.place}"
    if row.provider == "amazon-bedrock":
        message = f"{at}: Invalid signature in thinking block"
        return Rejection(message, json.dumps({"message": message}))
    message = f"{at}: Invalid `signature` in `thinking` block"
    error = {"type": "invalid_request_error", "message": message}
    return Rejection(message, json.dumps({"type": "error", "error": error}))
