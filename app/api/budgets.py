"""GET /pointsman/budget: what is spent of each budget, over HTTP."""

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from ..budget.report import readable, standing_as_json

if TYPE_CHECKING:
    from ..budget.report import Report


def budget_routes(report: "Report") -> APIRouter:
    """A route over the report, which is read in a worker thread.

    A caller's key reads its own budgets only, unless it is an operator's.
    """
    router = APIRouter(prefix="/pointsman")

    @router.get(
        "/budget",
        response_model=None,
        summary="What is spent of each budget, and when it is free again",
        tags=["policies"],
    )
    def budget(request: Request) -> dict[str, list[dict[str, Any]]]:
        rows = readable(report.rows(), request.scope["reads"])
        return {"budgets": [standing_as_json(row, report.calendar) for row in rows]}

    return router
