"""Cuts an answer to what an agent may read of it. PURE.

Rule 1  Every text is one line that is safe to show.
Rule 2  Whole rows are left out before anything in a row is cut. Values are cut in steps, each a
        smaller one, until one row fits.
Rule 3  What is left out is counted. A cut text ends in an ellipsis.
Rule 4  No value is traversed beyond the bounds, however large or deep it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from typing import Any

from ...ledger.bounds import ELLIPSIS, cut
from ...shown import json_text, one_line
from .fault import Fault

MOST_CHARACTERS = 24_000  # of one answer as JSON; some 8,000 tokens
_LONGEST_NAME = 100  # characters of a key
_OVERHEAD = 2  # characters between two rows


@dataclass(frozen=True, slots=True)
class Room:
    """How much room one value has."""

    text: int  # characters
    items: int  # of a list, or of an object below the answer itself
    depth: int  # lists and objects inside one another


_ROOMS = (Room(600, 100, 8), Room(200, 40, 8), Room(80, 12, 6), Room(40, 3, 5))


@dataclass(frozen=True, slots=True)
class Fitted:
    """As much of an answer as there is room for."""

    head: dict[str, Any]
    rows: list[Any]
    values: int  # texts, lists and objects that were cut


def fitted(
    head: Mapping[str, Any], rows: Sequence[Any] = (), most: int = MOST_CHARACTERS
) -> Fitted:
    """Return an answer with as many of its first rows as fit into `most` characters of JSON.

    Raises `Fault` if not even one row does.
    """
    for room in _ROOMS:
        knife = _Knife(room)
        short = knife.cut(head, 0)
        left = most - len(json_text(short))
        kept: list[Any] = []
        for row in rows:
            cut_before = knife.values
            one = knife.cut(row, 2)
            left -= len(json_text(one)) + _OVERHEAD
            if left < 0:
                knife.values = cut_before
                break
            kept.append(one)
        if left >= 0 or kept:
            return Fitted(short, kept, knife.values)
    raise Fault("this answer is too large to be shown; ask for less, with filters")


class _Knife:
    """Makes values plain, and counts those that it cuts."""

    def __init__(self, room: Room) -> None:
        self.values = 0
        self._room = room

    def cut(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, float):
            return value if isfinite(value) else None
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, Mapping | list | tuple):
            return self._nested(value, depth)
        return self._text(str(value))

    def _text(self, text: str) -> str:
        self.values += len(text) > self._room.text
        return one_line(cut(text, self._room.text))

    def _nested(self, value: Any, depth: int) -> Any:
        if value and depth > self._room.depth:
            self.values += 1
            return ELLIPSIS
        most = self._room.items if depth else len(value)
        self.values += len(value) > most
        if isinstance(value, Mapping):
            return {
                one_line(cut(str(key), _LONGEST_NAME)): self.cut(each, depth + 1)
                for key, each in islice(value.items(), most)
            }
        return [self.cut(each, depth + 1) for each in value[:most]]
