"""GET /pointsman/stats, /sessions and /score: totals of the receipts, over HTTP."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import APIRouter, HTTPException, Request

from ..catalog.providers import slug_of
from ..ledger.scorecard import host_dimensions, scorecard_as_json, within_days
from ..ledger.session_stats import session_dimensions, session_stats_as_json
from ..ledger.stats import dimensions, stats_as_json
from .openapi import ErrorBody, parameters
from .wanted import asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ledger.store import Store
    from ..ledger.wanted import Wanted

_By = TypeVar("_By")


def stats_routes(store: "Callable[[], Store]") -> APIRouter:
    """A route over the store that `store()` returns; it is called in a worker thread."""
    router = APIRouter(prefix="/pointsman")

    @router.get(
        "/stats",
        response_model=None,
        summary="What the receipts add up to, in groups",
        tags=["receipts"],
        responses={400: {"model": ErrorBody}},
        openapi_extra=parameters(
            by="provider, quantization, model, caller, rule: names, comma-separated"
        ),
    )
    def stats(request: Request) -> dict[str, Any]:
        wanted, by = _grouped(request, dimensions, "provider,quantization")
        return stats_as_json(store().stats(by=by, wanted=wanted))

    @router.get(
        "/sessions",
        response_model=None,
        summary="What changes of hosts do to sessions: flips, cold turns, caches, money",
        tags=["receipts"],
        responses={400: {"model": ErrorBody}},
        openapi_extra=parameters(
            by="rule, model, user_agent, provider, caller, affinity, session: names, "
            "comma-separated; without it, rule"
        ),
    )
    def sessions(request: Request) -> dict[str, Any]:
        wanted, by = _grouped(request, session_dimensions, "rule")
        return session_stats_as_json(store().session_stats(by=by, wanted=wanted))

    @router.get(
        "/score",
        response_model=None,
        summary="How often each host was at fault, with 95 % intervals",
        tags=["receipts"],
        responses={400: {"model": ErrorBody}},
        openapi_extra=parameters(by="provider, or provider,quantization, which is the default"),
    )
    def score(request: Request) -> dict[str, Any]:
        wanted, by = _grouped(request, host_dimensions, "provider,quantization")
        recent = within_days(wanted, datetime.now(UTC))
        return scorecard_as_json(store().scorecard(slug=slug_of, by=by, wanted=recent))

    return router


def _grouped(request: Request, read: "Callable[[str], _By]", usual: str) -> "tuple[Wanted, _By]":
    """The filters and the groups that a request asks for. Raises `HTTPException`."""
    wanted, beside = asked(request, "by")
    try:
        return wanted, read(beside.get("by", usual))
    except ValueError as error:
        raise HTTPException(400, f"by: {error}") from None
