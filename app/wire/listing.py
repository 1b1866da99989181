"""OpenRouter's listings, read within bounds: `{"data": [rows]}`, `{"data": {"endpoints": [rows]}}`.

Rule 1  A listing is cut into rows first, which takes milliseconds however large it is; each row
        is read separately, so that thousands of them can be read in a thread.
Rule 2  A listing beyond a bound is refused, since a part of one could mislead. A malformed row
        affects only that row.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from ..surrogates import without_surrogates
from .frame import more_values_than, read_value

LARGEST = 16_000_000  # bytes of a list of models, which has two or three kilobytes for each
LARGEST_OF_A_MODEL = 4_000_000  # bytes of the listing of a model's endpoints
MOST_MODELS = 20_000
MOST_ENDPOINTS = 1_000  # of one model; the most popular ones have some sixty
MOST_VALUES = 1_000_000  # in all of it; each becomes an object of fifty bytes or more
_MOST_BROKEN = 20_000

_UNREADABLE = (ValueError, RecursionError)


class NotAListing(ValueError):
    """A body is not a listing, or exceeds a bound; the message gives the reason."""


class _Whole(msgspec.Struct):
    data: msgspec.Raw


class _OfAModel(msgspec.Struct):
    endpoints: msgspec.Raw


def slices_of(body: bytes, *, most: int) -> list[msgspec.Raw]:
    """The rows of a listing, each in its own bytes. Raises `NotAListing`."""
    if len(body) > LARGEST:
        raise NotAListing(f"it has over {LARGEST / 1e6:g} MB")
    if more_values_than(MOST_VALUES, body):
        raise NotAListing(f"it has over {MOST_VALUES:,} values")
    rows = _rows(body)
    if rows is None and 0 < _broken(body) < _MOST_BROKEN:
        rows = _rows(without_surrogates(body))
    if rows is None:
        page = body.lstrip()[:1] == b"<"
        raise NotAListing("it is a web page" if page else "it is not JSON of the expected form")
    if len(rows) > most:
        raise NotAListing(f"it has over {most:,} rows")
    return rows


def _rows(body: bytes) -> list[msgspec.Raw] | None:
    try:
        data = msgspec.json.decode(body, type=_Whole).data
        if memoryview(data)[0] == ord("{"):
            data = msgspec.json.decode(data, type=_OfAModel).endpoints
        return msgspec.json.decode(data, type=list[msgspec.Raw])
    except _UNREADABLE:
        return None


def _broken(body: bytes) -> int:
    """How many halves of characters there may be, which our JSON parser refuses."""
    return body.count(rb"\ud") + body.count(rb"\uD")


def rows_of(body: bytes, *, most: int) -> Iterator[Any]:
    """The rows of a listing, read one by one; None for a row that can't be read.

    Raises `NotAListing` before the first row.
    """
    return map(read_value, slices_of(body, most=most))
