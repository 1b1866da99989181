"""One page of a list, by the query's `offset` and `limit`."""

from collections.abc import Sequence
from typing import TypeVar

from starlette.requests import Request

from .refusals import Refusal

_Item = TypeVar("_Item")


def page(
    request: Request, items: Sequence[_Item], *, usual: int, most: int
) -> tuple[list[_Item], str | None]:
    """The items of the page, and the address of the next page, if there is one.

    `usual` is the default limit, `most` the highest. Raises the 400 for a value that is not a
    number.
    """
    offset = _count(request, "offset", 0)
    limit = min(_count(request, "limit", usual), most)
    end = offset + limit
    more = f"{request.url.path}?offset={end}&limit={limit}" if end < len(items) else None
    return [*items[offset:end]], more


def _count(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, str(default))
    if not given.isascii() or not given.isdigit():
        raise Refusal(400, f"{name}: Invalid input: expected number")
    return int(given)
