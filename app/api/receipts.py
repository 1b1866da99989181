"""GET /pointsman/receipts: the ledger over HTTP; a caller's key reads only its own receipts."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException, Request

from ..ledger.receipt import as_json_object
from .openapi import ErrorBody, parameters, receipt_shape, receipts_shape
from .own_receipts import may_read
from .wanted import asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ledger.store import Store

_MOST = 1000  # receipts in one answer


def receipt_routes(store: "Callable[[], Store]") -> APIRouter:
    """Routes over the store that `store()` returns; it is called in a worker thread."""
    router = APIRouter(prefix="/pointsman")

    @router.get(
        "/receipts",
        response_model=None,
        summary="Receipts, the newest first",
        tags=["receipts"],
        responses={200: {"model": receipts_shape()}, 400: {"model": ErrorBody}},
        openapi_extra=parameters(
            limit="How many, 1 to 1000; 50 unless given",
            before="A receipt's id: only receipts older than that one",
        ),
    )
    def receipts(request: Request) -> dict[str, list[dict[str, Any]]]:
        wanted, beside = asked(request, "limit", "before")
        limit = _limit(beside.get("limit", "50"))
        found = store().recent(wanted, limit=limit, before=beside.get("before"))
        return {"receipts": [as_json_object(receipt) for receipt in found]}

    @router.get(
        "/receipts/{receipt_id}",
        response_model=None,
        summary="One receipt",
        tags=["receipts"],
        responses={200: {"model": receipt_shape()}, 404: {"model": ErrorBody}},
    )
    def receipt(request: Request, receipt_id: str) -> dict[str, Any]:
        found = store().get(receipt_id)
        if found is None or not may_read(request, found.caller):
            raise HTTPException(404, f"the ledger has no receipt {receipt_id!r}")
        return as_json_object(found)

    return router


def _limit(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(_MOST))
    if not (is_number and 1 <= int(text) <= _MOST):
        raise HTTPException(400, f"limit: {text!r} is not a number from 1 to {_MOST}")
    return int(text)
