"""Alive, and ready: what a supervisor, a load balancer or a person asks first."""

import time

from fastapi import APIRouter, Response

from app.api.drift_log import DriftLog
from app.api.traffic import Traffic
from app.catalog.catalog import Catalog
from app.ledger.writer import Writer
from app.openrouter.catalog_feed import CatalogFeed
from app.policy_folder import PolicyFolder


def health_routes(
    *,
    policies: PolicyFolder,
    writer: Writer,
    traffic: Traffic,
    feed: CatalogFeed,
    drift: DriftLog,
) -> APIRouter:
    """`/health` says the process answers; `/ready` says how it stands.

    Degraded is still a 200: requests are served, under the last good policies and whether or not
    receipts can be written, and taking the proxy out of service would help nobody. Only while it
    is stopping it is a 503.
    """
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/ready")
    async def ready(response: Response) -> dict[str, object]:
        response.status_code = 503 if traffic.draining else 200
        book = policies.current
        return {
            "status": _status(policies, writer, traffic),
            "open": traffic.open,
            "book": {
                "revision": book.revision,
                "rules": len(book.rules),
                "aliases": len(book.aliases),
                "problems": [str(problem) for problem in policies.problems],
            },
            "catalog": {
                "models": len(feed.current.models),
                "listings": len(feed.current.listings),
                "oldest_seconds": _oldest(feed.current, time.time()),
                "drifts": [str(each) for each in drift.latest],
            },
            "ledger": {
                "error": writer.error,
                "waiting": writer.pending,
                "dropped": writer.dropped,
            },
        }

    return router


def _status(policies: PolicyFolder, writer: Writer, traffic: Traffic) -> str:
    if traffic.draining:
        return "draining"
    return "degraded" if writer.error or policies.problems else "ready"


def _oldest(catalog: Catalog, now: float) -> int | None:
    dates = [listing.fetched_at for listing in catalog.listings.values()]
    return round(now - min(dates)) if dates else None
