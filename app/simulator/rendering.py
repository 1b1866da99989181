"""A prompt as a cache sees it: text in parts, tools first, without the markers of the cache.

Tools stand before everything else, so another tool is another prompt. They count no tokens, as
everywhere in this simulator.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Marker = str | None  # "5m" or "1h": the time that the prefix up to here is to be kept for

_MARKER = "cache_control"
_DEEPEST = 5  # a block in the result of a tool, in a turn
_BEFORE = ("system", "instructions")
_TURNS = ("messages", "input", "prompt")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a prompt, and the marker at its end."""

    text: str
    marker: Marker = None


def opening(body: Mapping[str, Any]) -> str:
    """The part of a prompt that identifies a conversation without a session.

    That is its first system or developer message and its first other message.
    """
    told = next((body[name] for name in _BEFORE if body.get(name)), None)
    turns = next((body[name] for name in _TURNS if body.get(name)), "")
    if not isinstance(turns, list):
        return json.dumps([_unmarked(told), turns])
    systems = (turn for turn in turns if _is_system(turn))
    first = told if told is not None else next(systems, None)
    other = next((turn for turn in turns if not _is_system(turn)), None)
    return json.dumps([_unmarked(first), _unmarked(other)])


def tools_of(body: Mapping[str, Any]) -> str:
    """The tools, as they stand before the prompt."""
    return json.dumps(_unmarked(body.get("tools") or []))


def parts_of(body: Mapping[str, Any]) -> list[Part]:
    """The parts of a prompt in their order; each content block is a part of its own."""
    parts = [part for name in _BEFORE for part in _content("", body.get(name))]
    for name in _TURNS:
        turns = body.get(name)
        for turn in turns if isinstance(turns, list) else [turns]:
            parts += _turn(turn)
    if parts and (marker := _marker(body)):  # for the whole prompt: it moves along by itself
        parts[-1] = Part(parts[-1].text, marker)
    return parts


def _turn(turn: Any) -> Iterator[Part]:
    if not isinstance(turn, Mapping):
        yield from _content("", turn)
        return
    head = {name: value for name, value in turn.items() if name not in {"content", _MARKER}}
    parts = list(_content(json.dumps(head, ensure_ascii=False), turn.get("content")))
    parts = parts or [Part(json.dumps(head, ensure_ascii=False))]
    if marker := _marker(turn):
        parts[-1] = Part(parts[-1].text, marker)
    yield from parts


def _content(head: str, content: Any) -> Iterator[Part]:
    """The parts of one content; `head` is the text before it."""
    if content is None:
        return
    for block in content if isinstance(content, list) else [content]:
        text = json.dumps(_unmarked(block), ensure_ascii=False)
        yield Part(head + text, _marker(block) if isinstance(block, Mapping) else None)
        head = ""


def _marker(holder: Mapping[str, Any]) -> Marker:
    control = holder.get(_MARKER)
    if not isinstance(control, Mapping):
        return None
    return "1h" if control.get("ttl") == "1h" else "5m"


def _unmarked(value: Any, depth: int = _DEEPEST) -> Any:
    """The same value without markers, as deep as a marker can stand."""
    if not depth:
        return value
    if isinstance(value, Mapping):
        kept = ((name, item) for name, item in value.items() if name != _MARKER)
        return {name: _unmarked(item, depth - 1) for name, item in kept}
    return [_unmarked(item, depth - 1) for item in value] if isinstance(value, list) else value


def _is_system(turn: Any) -> bool:
    return isinstance(turn, Mapping) and turn.get("role") in {"system", "developer"}
