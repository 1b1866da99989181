"""Alive, and ready: what a supervisor, a load balancer or a person asks first."""

from fastapi import APIRouter, Response

from app.ledger.writer import Writer
from app.policy_folder import PolicyFolder


def health_routes(*, policies: PolicyFolder, writer: Writer) -> APIRouter:
    """`/health` says the process answers; `/ready` says it can do its whole job."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/ready")
    async def ready(response: Response) -> dict[str, object]:
        ledger_error = writer.error
        if ledger_error is not None:
            response.status_code = 503
        book = policies.current
        return {
            "status": "ready" if ledger_error is None else "degraded",
            "book": {
                "revision": book.revision,
                "rules": len(book.rules),
                "aliases": len(book.aliases),
            },
            "ledger": {
                "error": ledger_error,
                "waiting": writer.pending,
                "dropped": writer.dropped,
            },
        }

    return router
