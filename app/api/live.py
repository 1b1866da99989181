"""The live objects that hold this process's status, and their status at one moment."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from .. import __version__
from ..budget.accounts import Accounts
from ..ledger.writer import Writer
from ..notifying.notices import Notices
from ..openrouter.catalog_feed import CatalogFeed
from ..policy_folder import PolicyFolder
from ..record.conversations import Conversations
from ..record.late_costs import LateCosts
from ..record.recorder import Recorder
from ..server.body import Bodies
from ..server.clock import steady
from ..server.process import Traffic, Worker
from ..telemetry.stalls import Stalls
from ..telemetry.standing import Standing
from .drift_log import DriftLog

TURN_KINDS = ("turns", "flips", "followed", "cold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The objects from which this process's status is read."""

    policies: PolicyFolder
    writer: Writer
    traffic: Traffic
    feed: CatalogFeed
    drift: DriftLog
    recorder: Recorder
    conversations: Conversations
    accounts: Accounts
    bodies: Bodies
    stalls: Stalls
    late_costs: LateCosts
    notices: Notices
    shares_ledger: bool = False  # whether it may be the ledger of several replicas
    worker: Worker | None = None

    def standing(self) -> Standing:
        """The current status. With several workers, each reports only its own."""
        book, catalog = self.policies.current, self.feed.current
        connections = self.traffic.connections
        dates = [listing.fetched_at for listing in catalog.listings.values()]
        return Standing(
            version=__version__,
            open_requests=self.traffic.open,
            open_streams=self.recorder.streams,
            draining=self.traffic.draining,
            connections=connections.open,
            most_connections=connections.most,
            descriptors=connections.descriptors.most,
            descriptors_run_out=connections.descriptors.are_short,
            connections_full=connections.are_full,
            turned_away=dict(connections.turned_away),
            bodies_held=self.bodies.held,
            loop_stall_seconds=self.stalls.longest,
            ledger_waiting=self.writer.pending,
            ledger_oldest_seconds=self.writer.oldest_waiting_seconds,
            ledger_dropped=self.writer.dropped,
            ledger_error=self.writer.error,
            late_costs=dict(self.late_costs.outcomes),
            late_costs_waiting=len(self.late_costs),
            catalog_models=len(catalog.models),
            catalog_listings=len(catalog.listings),
            catalog_oldest_seconds=max(steady() - min(dates), 0.0) if dates else None,
            catalog_drifts=self.drift.count,
            latest_drifts=tuple(map(str, self.drift.latest)),
            book=book.revision,
            book_rules=len(book.rules),
            book_aliases=len(book.aliases),
            problems=tuple(map(str, self.policies.problems)),
            book_failures=self.policies.failures,
            turns={
                (affinity, kind): getattr(counts, kind)
                for affinity, counts in self.conversations.counts.items()
                for kind in TURN_KINDS
            },
            budgets=self.accounts.shares(datetime.now(UTC)) if self.accounts.in_force else {},
            budgets_age_seconds=self.accounts.age_seconds,
            notifies=self.notices.on,
            notifications=Counter[tuple[str, str]](self.notices.outcomes),
            notifications_undelivered=self.notices.undelivered,
            notifications_error=self.notices.error,
            starting=self.shares_ledger and not self.writer.has_tried,
            worker=self.worker.number if self.worker else None,
            workers=self.worker.of if self.worker else 1,
        )
