"""Fetches one of OpenRouter's listings and reads it within its bounds."""

from typing import Any

from ..wire.headers import RawHeaders
from ..wire.listing import NotAListing, rows_of
from .client import OpenRouter

_OK = 200
_NOT_FOUND = 404


async def rows_at(
    openrouter: OpenRouter, path: str, headers: RawHeaders, *, most: int
) -> list[Any] | None:
    """The rows of the listing at a path; None if OpenRouter has none there (404).

    Raises `NotAListing` for any other answer that is not a listing of at most so many rows, and
    otherwise as `OpenRouter.get` does.
    """
    status, _, body = await openrouter.get(path, headers)
    if status == _NOT_FOUND:
        return None
    if status != _OK:
        raise NotAListing(f"it answered {status}")
    return [*rows_of(body, most=most)]
