"""GET /pointsman/audits: what audits found, over HTTP. No prompt and no answer is kept of them."""

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, HTTPException

from ..audit import words
from ..known_audits import counts_of, requests_of, result_of
from ..ledger.audits import Audit
from ..ledger.receipt import iso
from .openapi import ErrorBody

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ledger.store import Store

MOST = 200  # audits in one answer


def audit_routes(store: "Callable[[], Store]") -> APIRouter:
    """Routes over the store that `store()` returns; it is called in a worker thread."""
    router = APIRouter(prefix="/pointsman")

    @router.get(
        "/audits",
        response_model=None,
        summary="Audits, the newest first",
        tags=["audits"],
        responses={400: {"model": ErrorBody}},
    )
    def audits(model: str | None = None, limit: str = "50") -> dict[str, list[dict[str, Any]]]:
        """`model`: only of this model; `limit`: how many, 1 to 200."""
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= MOST):
            raise HTTPException(400, f"limit: {limit!r} is not a number from 1 to {MOST}")
        return {"audits": [_row(each) for each in store().audits(model, limit=int(limit))]}

    @router.get(
        "/audits/{audit_id}",
        response_model=None,
        summary="One audit: each endpoint's verdict and figures, and what may be said of them",
        tags=["audits"],
        responses={404: {"model": ErrorBody}},
    )
    def audit(audit_id: str) -> dict[str, Any]:
        found = store().audit(audit_id)
        if found is None:
            raise HTTPException(404, f"the ledger has no audit {audit_id!r}")
        result = result_of(found)
        return {
            **_row(found),
            "result": None if result is None else msgspec.to_builtins(result),
            "says": [] if result is None else list(words.audit(result)),
        }

    return router


def _row(audit: Audit) -> dict[str, Any]:
    result = result_of(audit)
    spent = result.spent_usd if result else None
    return {
        "audit": audit.id,
        "model": audit.model,
        "state": audit.state,
        "started_at": iso(audit.started_at),
        "ended_at": audit.ended_at and iso(audit.ended_at),
        "reference": result.reference.tag if result and result.reference else None,
        "requests_planned": requests_of(audit),
        "spent_usd": None if spent is None else float(spent),
        "verdicts": counts_of(result),
        "refused": len(result.refused) if result else 0,
    }
