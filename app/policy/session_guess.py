"""Guesses the session of a request that names none, by how its conversation begins.

The requests of one conversation have the same caller, model, system text, tools and first turn of
the user. A keyed digest of these stands for the session: without the key, the digest of a known
prompt can't be computed, so it can't be found in a ledger.

Only slices of the body are hashed, at most `LARGEST` bytes of each. Marks of a cache move from
turn to turn, so they are left out; `_READ` leaves room for them, so that a slice is cut at the same
place with and without them.
"""

import hmac
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .sessions import Session
from .slices import Fields

LARGEST = 16_384  # bytes hashed of each part of a body
_READ = LARGEST + 1024  # bytes of it that are read
_FURTHEST = 131_072  # bytes in which the user's first turn is looked for: system texts are long
_MOST_TURNS = 64  # that are looked at
_DIGITS = 32  # of the digest, in hexadecimal


class _Beginning(NamedTuple):
    """The fields of one dialect by which a conversation begins."""

    system: str | None  # None: it is one of the turns
    turns: str


_BEGINNINGS: Mapping[str, _Beginning] = MappingProxyType(
    {
        "chat": _Beginning(None, "messages"),
        "responses": _Beginning("instructions", "input"),
        "messages": _Beginning("system", "messages"),
    }
)
_MARK = rb'"cache_control"[ \t\n\r]*+:[ \t\n\r]*+\{[^{}]*+\}'
_CACHE_MARK = re.compile(rb",[ \t\n\r]*+" + _MARK + rb"|" + _MARK + rb"[ \t\n\r]*+,?[ \t\n\r]*+")
_GAP = re.compile(r"[ \t\n\r]*+")
_COMMA = re.compile(r"[ \t\n\r]*+,[ \t\n\r]*+")
_READER = json.JSONDecoder(parse_int=str, parse_float=str)


def guessed_session(
    fields: Fields, dialect: str, caller: str | None, secret: bytes
) -> Session | None:
    """The session that a request seems to belong to, marked as guessed.

    None on paths without conversations, and without a turn of the user. Never raises.
    """
    beginning = _BEGINNINGS.get(dialect)
    if beginning is None or beginning.turns not in fields:
        return None
    turns = _first_turns(bytes(fields[beginning.turns]))
    if turns is None:
        return None
    named = ("model", beginning.system, "tools")
    slices = (bytes(fields[name]) if name in fields else b"" for name in named if name)
    asking = (caller or "").encode("utf-8", "surrogatepass")
    parts = (dialect.encode(), asking, *map(_unmarked, (*slices, *turns)))
    framed = b"".join(b"%d:%b" % (len(part), part) for part in parts)
    return Session(hmac.digest(secret, framed, "sha256").hex()[:_DIGITS], "guess", guessed=True)


def _first_turns(raw: bytes) -> tuple[bytes, bytes] | None:
    """What comes before the user's first turn, and that turn, which may be cut.

    None if it has no turn of the user.
    """
    if raw.startswith(b'"'):
        return b"", raw  # `input` may be the user's text
    if not raw.startswith(b"["):
        return None
    begin, end = _first_turn(raw[:_FURTHEST].decode("latin-1"))  # a character is a byte
    if end is None and len(raw) <= _FURTHEST:
        return None
    return raw[:begin], raw[begin : begin + _READ if end is None else end]


def _first_turn(text: str) -> tuple[int, int | None]:
    """Where the user's first turn begins and ends.

    No end if the turn is cut, there is none, or it is not JSON.
    """
    begin = 1
    gap = _GAP.match(text, begin)
    for _ in range(_MOST_TURNS):
        if gap is None:
            break
        begin = gap.end()
        try:
            turn, end = _READER.raw_decode(text, begin)
        except (ValueError, RecursionError):
            break
        if isinstance(turn, dict) and turn.get("role") == "user":
            return begin, end
        gap = _COMMA.match(text, end)
    return begin, None


def _unmarked(part: bytes) -> bytes:
    return _CACHE_MARK.sub(b"", part[:_READ])[:LARGEST]
