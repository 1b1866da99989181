"""GET /metrics for Prometheus. Loaded when it is first asked for; see `telemetry/metrics.py`."""

import asyncio
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from app import __version__
from app.api.drift_log import DriftLog
from app.api.peers import Peers
from app.ledger.writer import Writer
from app.openrouter.catalog_feed import CatalogFeed
from app.policy_folder import PolicyFolder
from app.record.recorder import Records
from app.server.body import Bodies
from app.server.clock import steady
from app.server.plain import send_bytes
from app.server.process import Traffic
from app.telemetry.metrics import exposition, exposition_of, telling
from app.telemetry.stalls import Stalls
from app.telemetry.standing import Standing
from app.telemetry.sums import Telling
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
    bodies: Bodies
    stalls: Stalls
    workers: int = 1

    def standing(self, *, scraped: bool = True) -> Standing:
        """How things stand now; a scrape that is being answered is not counted as open."""
        book, catalog = self.policies.current, self.feed.current
        connections = self.traffic.connections
        dates = [listing.fetched_at for listing in catalog.listings.values()]
        return Standing(
            version=__version__,
            open_requests=self.traffic.open - scraped,
            open_streams=self.records.streams,
            draining=self.traffic.draining,
            connections=connections.open,
            most_connections=connections.most,
            descriptors_run_out=connections.descriptors.are_short,
            turned_away=dict(connections.turned_away),
            bodies_held=self.bodies.held,
            loop_stall_seconds=self.stalls.longest,
            ledger_waiting=self.writer.pending,
            ledger_oldest_seconds=self.writer.oldest_waiting_seconds,
            ledger_dropped=self.writer.dropped,
            ledger_well=self.writer.error is None,
            catalog_models=len(catalog.models),
            catalog_listings=len(catalog.listings),
            catalog_oldest_seconds=max(steady() - min(dates), 0.0) if dates else None,
            catalog_drifts=self.drift.count,
            book=book.revision,
            book_rules=len(book.rules),
            book_problems=len(self.policies.problems),
            book_failures=self.policies.failures,
            workers=self.workers,
        )


class Metrics:
    """Plain ASGI. The text is written beside the event loop: it may have thousands of lines.

    Where there are `peers`, it is of all workers together.
    """

    def __init__(self, tallies: Tallies, sources: Sources, peers: Peers | None = None) -> None:
        self._tallies = tallies
        self._sources = sources
        self._peers = peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one scrape."""
        del receive
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        if self._peers is None:
            standing = self._sources.standing()
            answer = await asyncio.to_thread(exposition, self._tallies, standing, accept)
        else:
            told = await self._peers.told()
            answer = await asyncio.to_thread(exposition_of, told, accept)
        content_type, body = answer
        await send_bytes(send, 200, body, [(b"content-type", content_type.encode())])

    async def telling(self, *, scraped: bool) -> Telling:
        """What this worker alone has counted, and how it stands."""
        standing = self._sources.standing(scraped=scraped)
        return await asyncio.to_thread(telling, self._tallies, standing)
