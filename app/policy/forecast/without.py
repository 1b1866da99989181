"""What would be left of a model's endpoints if a policy ignored some of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...catalog.catalog import Catalog
from ..book import EMPTY_BOOK
from ..request import request_for
from .forecast import forecasts


class Left(NamedTuple):
    """How many endpoints are left with the preferences, and if some are ignored as well."""

    before: int
    after: int


def left_without(
    model: str, preferences: Mapping[str, Any] | None, ignored: Sequence[str], catalog: Catalog
) -> Left | None:
    """The endpoints left for a request that was sent with `preferences`; None: no listing."""
    before = _left(model, dict(preferences or {}), catalog)
    if before is None:
        return None
    own = list((preferences or {}).get("ignore") or ())
    more = {**(preferences or {}), "ignore": [*own, *ignored]}
    return Left(before, _left(model, more, catalog) or 0)


def _left(model: str, preferences: Mapping[str, Any], catalog: Catalog) -> int | None:
    request = request_for(model)
    route = EMPTY_BOOK.route_for(request, caller=None, user_agent="", catalog=catalog)
    found = next(forecasts(request, route, preferences, catalog), None)
    return None if found is None else len(found.funnel.survivors)
