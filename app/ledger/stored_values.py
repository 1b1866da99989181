"""Values in the form in which the ledger stores them, on each engine. PURE."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from .bounds import LONGEST_TEXT, cut
from .tally import PICO

_AS_THEY_ARE = frozenset({type(None), bool, int, float, Decimal, datetime})


def milliseconds(moment: datetime) -> int:
    """Convert a moment to its stored form."""
    return round(moment.timestamp() * 1000)


def picodollars(dollars: Decimal) -> int:
    """Convert money to its stored form."""
    return round(dollars * PICO)


def storable(value: Any) -> Any:
    """Convert a value to one that both engines accept: texts come from callers and upstream.

    PostgreSQL rejects NUL, and no engine accepts half of a surrogate pair.
    """
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is str:
        if value.isascii() and "\0" not in value and len(value) <= LONGEST_TEXT:
            return value  # nearly always
        return cut(value).replace("\0", "?").encode(errors="replace").decode()
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    return value
