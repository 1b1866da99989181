"""JSON that a model wrote, decoded within bounds."""

import json
from typing import Any, Final, NoReturn

from ..wire.frame import more_values_than

NOT_JSON: Final = object()
UNREAD: Final = object()  # perhaps JSON, but too much of it to be looked at

MOST_VALUES = 50_000
_LONGEST_INT = 300  # digits; a longer one is read as a float, as in JavaScript


def parsed(text: str | bytes) -> Any:
    """The value that `text` is; `NOT_JSON` or `UNREAD` where there is none. Never raises."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    if more_values_than(MOST_VALUES, text.encode(errors="replace")):
        return UNREAD
    try:
        return _DECODER.decode(text)
    except RecursionError:
        return UNREAD
    except ValueError:
        return NOT_JSON


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INT else float(digits)


def _refuse(constant: str) -> NoReturn:
    """NaN and Infinity, which Python reads and JSON has not."""
    raise ValueError(constant)


_DECODER = json.JSONDecoder(parse_int=_whole, parse_constant=_refuse)  # making one costs more
