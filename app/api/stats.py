"""GET /pointsman/stats: what the receipts add up to, over HTTP."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, HTTPException, Request

from app.api.own_receipts import caller_to_read
from app.ledger.moments import moment
from app.ledger.stats import Wanted, dimensions, stats_as_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger.store import Store


def stats_routes(store: "Callable[[], Store]") -> APIRouter:
    """A route over the store that `store()` gives; it is asked in a worker thread."""
    router = APIRouter(prefix="/pointsman")

    @router.get("/stats", response_model=None)
    def stats(  # noqa: PLR0917 - query parameters, given by name
        request: Request,
        by: str = "provider,quantization",
        since: str | None = None,
        until: str | None = None,
        model: str | None = None,
        provider: str | None = None,
        verdict: Literal["kept", "broken", "unproven", "none"] | None = None,
        caller: str | None = None,
    ) -> dict[str, Any]:
        try:
            grouped = dimensions(by)
        except ValueError as error:
            raise HTTPException(422, f"by={error}") from None
        wanted = Wanted(
            since=_moment("since", since),
            until=_moment("until", until),
            model=model,
            provider=provider,
            verdict=verdict,
            caller=caller_to_read(request, caller),
        )
        return stats_as_json(store().stats(by=grouped, wanted=wanted))

    return router


def _moment(name: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else moment(text)
    except ValueError as error:
        raise HTTPException(422, f"{name}={error}") from None
