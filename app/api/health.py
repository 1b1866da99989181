"""Alive, and ready: what a supervisor, a load balancer or a person asks first."""

from fastapi import APIRouter

from app.ledger.writer import Writer
from app.policy_folder import PolicyFolder


def health_routes(*, policies: PolicyFolder, writer: Writer) -> APIRouter:
    """`/health` says the process answers; `/ready` says how it stands.

    Degraded is still a 200: requests are served, under the last good policies and whether or not
    receipts can be written, and taking the proxy out of service would help nobody.
    """
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/ready")
    async def ready() -> dict[str, object]:
        book = policies.current
        return {
            "status": "degraded" if writer.error or policies.problems else "ready",
            "book": {
                "revision": book.revision,
                "rules": len(book.rules),
                "aliases": len(book.aliases),
                "problems": [str(problem) for problem in policies.problems],
            },
            "ledger": {
                "error": writer.error,
                "waiting": writer.pending,
                "dropped": writer.dropped,
            },
        }

    return router
