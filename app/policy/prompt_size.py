"""The size of a request, as an upper bound: the tokens of its prompt, and its media.

Rule 1  A small letter or a blank counts as half a token, every other byte of the body as one. That
        is some two to three times what tokenizers make of prose, code and JSON, and not less than
        they make of digits, base64 and most scripts. A text of random small letters can have up to
        a fifth more.
Rule 2  A picture counts as `PICTURE` tokens, wherever its bytes are. Any other file, and a part of
        an unknown type, can fill the endpoint's context: no size is given then.
Rule 3  Everything in the body counts, since each field might become part of the prompt.
Rule 4  A list of prompts is as many requests: each has the whole context, and answers of its own.
Rule 5  A number of answers that can't be read counts as more than any request can have.
"""

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING
from typing import Any, NamedTuple

import msgspec

from ..exact_numbers import exact
from ..surrogates import readable
from .request import UNREADABLE, is_given
from .requirements import TALK
from .slices import Fields

PICTURE = 10_000  # tokens; most hosts count some hundreds to five thousand
HIDDEN = 500  # tokens: what a host adds, such as its instructions for tools
EACH = 10  # tokens: what a host adds to each further prompt of a list
MANY = 10**6  # answers, where their number can't be read

_HALVES = b"abcdefghijklmnopqrstuvwxyz \t\n\r"
_PICTURES = frozenset({"image", "image_url", "input_image", "computer_screenshot"})
_FILES = frozenset({"file", "input_file", "document"})
# Types of turns and of their parts that consist of text that is in the body.
_WORDS = """
    text input_text output_text summary_text reasoning_text refusal message thinking
    redacted_thinking reasoning tool_use tool_result tool_call function_call function_call_output
    custom_tool_call custom_tool_call_output search_result tool_reference
"""
_TEXTS = frozenset(_WORDS.split())
_INSIDE = ("content", "output", "images")  # what a turn or a part consists of
_DEEPEST = 6  # turns, parts, parts of a tool's answer, and some
# Fields by which upstream adds a text of its own to the prompt.
_STORED = ("previous_response_id", "conversation")
# Cache markers, also with escaped letters. Go escapes only <, > and &, JSON encoders none.
_MARKED = re.compile(rb"cache_control|prompt_cache_(?:options|breakpoint)|\\u00[4-7]")
_FOR_AN_HOUR = re.compile(rb'"(?:1h|24h)"|\\u00[3-7]')


class Size(NamedTuple):
    """An upper bound of what a request has to be read and written for."""

    prompt: int | None  # tokens; None: as many as the context takes
    pictures: int = 0
    has_sound: bool = False
    has_files: bool = False  # that OpenRouter parses for a model that does not take them
    marked: bool = False  # for a cache, whose writing may cost more than reading anew
    for_an_hour: bool = False
    predicted: int = 0  # tokens of a `prediction`, charged like an answer's
    prompts: int = 1  # how many are sent at once
    answers: int = 1  # how many are asked for at once, for all prompts together


def size_of(fields: Fields, several: str | None = None) -> Size:
    """The size of a request with these fields, as they are sent.

    `several`: the field in which its API takes a list of prompts; None: it takes one prompt.
    """
    prompts = _prompts(fields.get(several)) if several else 1
    seen = _Seen()
    for name in TALK:
        if name in fields:
            seen.see_field(name, fields[name])
    counted = sum(count(raw) for raw in fields.values()) - seen.elsewhere
    counted += HIDDEN + EACH * (prompts - 1)
    if any(is_given(fields.get(name)) for name in _STORED):
        seen.measurable = False
    prediction = fields.get("prediction")
    return Size(
        prompt=counted + seen.pictures * PICTURE if seen.measurable else None,
        pictures=seen.pictures,
        has_sound=seen.has_sound,
        has_files=seen.has_files,
        marked=any(_MARKED.search(raw) for raw in fields.values()) or _is_marked(fields),
        for_an_hour=any(_FOR_AN_HOUR.search(raw) for raw in fields.values()),
        predicted=0 if prediction is None else count(prediction),
        prompts=prompts,
        answers=prompts * max(_whole(fields.get("n")), _whole(fields.get("best_of")), 1),
    )


def count(text: bytes | msgspec.Raw) -> int:
    """The most tokens that a text has, by its bytes."""
    whole = len(bytes(text).translate(None, _HALVES))
    return whole + -(-(len(text) - whole) // 2)


def _is_marked(fields: Fields) -> bool:
    return any(name in fields for name in ("cache_control", "prompt_cache_options"))


class _Seen:
    """What has been found in a conversation so far."""

    def __init__(self) -> None:
        self.pictures = 0
        self.elsewhere = 0  # tokens of bytes that are not text
        self.has_sound = False
        self.has_files = False
        self.measurable = True

    def see_field(self, name: str, raw: msgspec.Raw) -> None:
        """Look through one field of the conversation."""
        try:
            value = _decoded(bytes(raw))
        except UNREADABLE:
            self.measurable = False
            return
        if name == "prompt" and isinstance(value, dict):  # a stored template of `/responses`
            self.measurable = False
        self._see_all(value, _DEEPEST)

    def _see_all(self, value: Any, levels: int) -> None:
        parts = [each for each in _items(value) if isinstance(each, dict)]
        if parts and not levels:
            self.measurable = False
            return
        for part in parts:
            self._see(part, levels - 1)

    def _see(self, part: dict[str, Any], levels: int) -> None:
        kind = part.get("type")
        if isinstance(kind, str) and kind in _PICTURES:
            self.pictures += 1
            self.elsewhere += sum(_least(text) for text in _texts(part))
            return
        told = kind is None or (isinstance(kind, str) and kind in _TEXTS)
        if not told or part.get("audio"):  # a `file`, or an answer's sound that is kept elsewhere
            self.measurable = False
            self.has_files |= isinstance(kind, str) and kind in _FILES
            self.has_sound |= kind in ("input_audio", "audio") or bool(part.get("audio"))
        for name in _INSIDE:
            self._see_all(part.get(name), levels)


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return msgspec.json.decode(readable(raw))


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(part: dict[str, Any]) -> Iterator[str]:
    """The texts of a picture's part: its address or its bytes."""
    for value in part.values():
        inside = value.values() if isinstance(value, dict) else (value,)
        yield from (each for each in inside if isinstance(each, str))


def _least(text: str) -> int:
    """What a text added to the count of its field, at least: it may end half a token."""
    return max(count(text.encode(errors="replace")) - 1, 0)


def _whole(raw: msgspec.Raw | None) -> int:
    """A number of answers, rounded up; 0 if none is given, `MANY` if it can't be read."""
    if not is_given(raw):
        return 0
    number = exact(_read(raw))
    return MANY if number is None else int(number.to_integral_value(ROUND_CEILING))


def _prompts(raw: msgspec.Raw | None) -> int:
    """How many prompts a field has; a list of numbers is one, as tokens."""
    value = _read(raw)
    if not isinstance(value, list) or all(type(each) in {int, float} for each in value):
        return 1
    return len(value)


def _read(raw: msgspec.Raw | None) -> Any:
    try:
        return None if raw is None else _decoded(bytes(raw))
    except UNREADABLE:
        return None
