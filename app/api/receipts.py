"""GET /pointsman/receipts: the ledger, read over HTTP; by a caller's key, its own part of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request

from app.api.own_receipts import caller_to_read, may_read
from app.ledger.receipt import as_json_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ledger.store import Store


def receipt_routes(store: "Callable[[], Store]") -> APIRouter:
    """Routes over the store that `store()` gives; it is asked in a worker thread."""
    router = APIRouter(prefix="/pointsman")

    @router.get("/receipts", response_model=None)
    def receipts(  # noqa: PLR0917 - query parameters, given by name
        request: Request,
        limit: Annotated[int, Query(ge=1, le=1000)] = 50,
        model: str | None = None,
        provider: str | None = None,
        verdict: Literal["kept", "broken", "unproven"] | None = None,
        caller: str | None = None,
        since: datetime | None = None,
        before: str | None = None,
    ) -> dict[str, list[dict[str, Any]]]:
        found = store().recent(
            limit=limit,
            model=model,
            provider=provider,
            verdict=verdict,
            caller=caller_to_read(request, caller),
            since=since,
            before=before,
        )
        return {"receipts": [as_json_object(receipt) for receipt in found]}

    @router.get("/receipts/{receipt_id}", response_model=None)
    def receipt(request: Request, receipt_id: str) -> dict[str, Any]:
        found = store().get(receipt_id)
        if found is None or not may_read(request, found.caller):
            raise HTTPException(404, f"the ledger has no receipt {receipt_id!r}")
        return as_json_object(found)

    return router
