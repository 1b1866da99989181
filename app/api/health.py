"""Alive, and ready: what a supervisor, a load balancer or a person asks first."""

from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from app.api.drift_log import DriftLog
from app.catalog.catalog import Catalog
from app.ledger.writer import Writer
from app.openrouter.catalog_feed import CatalogFeed
from app.policy_folder import PolicyFolder
from app.server.clock import steady
from app.server.plain import send_json
from app.server.process import Traffic, Worker


async def health(scope: Scope, receive: Receive, send: Send) -> None:
    """`/health`: the process answers."""
    del scope, receive
    await send_json(send, 200, {"status": "alive"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """`/ready`: how it stands.

    Degraded is still a 200: requests are served, under the last good policies and whether or not
    receipts can be written, and taking the proxy out of service would help nobody. Only while it
    is stopping it is a 503. Of several workers, one answers, and speaks for itself.
    """

    policies: PolicyFolder
    writer: Writer
    traffic: Traffic
    feed: CatalogFeed
    drift: DriftLog
    worker: Worker | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        del scope, receive
        await send_json(send, 503 if self.traffic.draining else 200, self._standing())

    def _standing(self) -> dict[str, object]:
        book, catalog = self.policies.current, self.feed.current
        connections = self.traffic.connections
        which = {"number": self.worker.number, "of": self.worker.of} if self.worker else None
        return {
            "status": self._status(),
            **({"worker": which} if which else {}),
            "open": self.traffic.open,
            "connections": {
                "open": connections.open,
                "most": connections.most,
                "descriptors": connections.descriptors.most,
                "descriptors_run_out": connections.descriptors.are_short,
            },
            "book": {
                "revision": book.revision,
                "rules": len(book.rules),
                "aliases": len(book.aliases),
                "problems": [str(problem) for problem in self.policies.problems],
            },
            "catalog": {
                "models": len(catalog.models),
                "listings": len(catalog.listings),
                "oldest_seconds": _oldest(catalog, steady()),
                "drifts": [str(each) for each in self.drift.latest],
            },
            "ledger": {
                "error": self.writer.error,
                "waiting": self.writer.pending,
                "oldest_seconds": round(self.writer.oldest_waiting_seconds, 1),
                "dropped": self.writer.dropped,
            },
        }

    def _status(self) -> str:
        if self.traffic.draining:
            return "draining"
        connections = self.traffic.connections
        short = connections.are_full or connections.descriptors.are_short
        return "degraded" if self.writer.error or self.policies.problems or short else "ready"


def _oldest(catalog: Catalog, now: float) -> int | None:
    dates = [listing.fetched_at for listing in catalog.listings.values()]
    return max(round(now - min(dates)), 0) if dates else None
