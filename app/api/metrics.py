"""GET /metrics for Prometheus. Loaded when it is first asked for; see `telemetry/metrics.py`."""

import asyncio
import time
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from app import __version__
from app.api.drift_log import DriftLog
from app.api.plain_replies import send_bytes
from app.api.records import Records
from app.api.traffic import Traffic
from app.ledger.writer import Writer
from app.openrouter.catalog_feed import CatalogFeed
from app.policy_folder import PolicyFolder
from app.telemetry.metrics import exposition
from app.telemetry.standing import Standing
from app.telemetry.tallies import Tallies


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Whom a scrape asks how things stand."""

    policies: PolicyFolder
    writer: Writer
    traffic: Traffic
    feed: CatalogFeed
    drift: DriftLog
    records: Records

    def standing(self) -> Standing:
        """How things stand now; the scrape that asks is not counted as open."""
        book, catalog = self.policies.current, self.feed.current
        dates = [listing.fetched_at for listing in catalog.listings.values()]
        return Standing(
            version=__version__,
            open_requests=self.traffic.open - 1,
            open_streams=self.records.streams,
            draining=self.traffic.draining,
            ledger_waiting=self.writer.pending,
            ledger_dropped=self.writer.dropped,
            ledger_well=self.writer.error is None,
            catalog_models=len(catalog.models),
            catalog_listings=len(catalog.listings),
            catalog_oldest_seconds=max(time.time() - min(dates), 0.0) if dates else None,
            catalog_drifts=self.drift.count,
            book=book.revision,
            book_rules=len(book.rules),
            book_problems=len(self.policies.problems),
            book_failures=self.policies.failures,
        )


class Metrics:
    """Plain ASGI. The text is written beside the event loop: it may have thousands of lines."""

    def __init__(self, tallies: Tallies, sources: Sources) -> None:
        self._tallies = tallies
        self._sources = sources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scrape."""
        del receive
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        content_type, body = await asyncio.to_thread(
            exposition, self._tallies, self._sources.standing(), accept
        )
        await send_bytes(send, 200, body, [(b"content-type", content_type.encode())])
