"""The composition root: builds the app from its settings, opens the rooms and closes them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from . import __version__
from .api.drift_log import DriftLog
from .api.explain import Explain
from .api.health import Ready, health
from .api.known_models import KnownModels
from .api.live import Live
from .api.on_demand import described, framed_api, made_by, metrics_of, reporting
from .budget.accounts import Accounts
from .budget.following import FollowingSpending
from .budget.report import Report
from .budget.windows import Calendar
from .dashboard.on_demand import pages_of
from .dashboard.sessions import Known, Sessions, SharedSessions
from .dashboard.sign_in import SignIn
from .ledger.keep import Keep
from .ledger.lazy_store import LazyStore
from .ledger.listed import Listed
from .ledger.receipt import Receipt
from .ledger.writer import Writer
from .notices.event import Event
from .notifying.notices import Notices
from .notifying.notifying import Notifying
from .notifying.told_by import by_budget, by_drift, by_receipt
from .notifying.webhook import Webhook
from .openrouter.account_feed import AccountFeed
from .openrouter.address import AddressWatch
from .openrouter.beside import Beside
from .openrouter.catalog_copies import CatalogCopies
from .openrouter.catalog_feed import CatalogFeed
from .openrouter.client import OpenRouter, connect
from .openrouter.keep_listed import keep_listed
from .openrouter.preset_feed import PresetFeed
from .openrouter.score_copies import ScoreCopies, today_by
from .openrouter.score_feed import ScoreFeed
from .policy.forecast.drift import Drift
from .policy_folder import PolicyFolder, policy_folder
from .record.audit_feed import AuditFeed
from .record.conversations import Conversations
from .record.defects import Defects
from .record.exchange import Guess
from .record.following import Following
from .record.guessing import guessing
from .record.late_costs import PACE, LateCosts, Pace
from .record.recorder import Recorder
from .relay.count_tokens import CountTokens
from .relay.endpoints import Table, endpoints, openrouters
from .relay.inference import Inference
from .relay.lookups import Lookups
from .relay.models import Models
from .relay.passthrough import Passthrough
from .relay.withhold import Withhold
from .server.body import Bodies
from .server.callers import Callers
from .server.clock import running, steady
from .server.connections import Connections
from .server.door import Door
from .server.entrance import App, State
from .server.on_demand import OnDemand
from .server.process import Traffic, Worker
from .settings import Settings
from .telemetry.opentelemetry import tracing
from .telemetry.stalls import Stalls
from .telemetry.tallies import Tallies
from .telemetry.telemetry import Telemetry
from .wire.header_names import names_of

if TYPE_CHECKING:
    from .api.framed import Application
    from .api.peers import Peers
    from .record.score_mirror import ScoreMirror


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything that outlives a request, made once and passed to the parts that need it."""

    settings: Settings
    policies: PolicyFolder
    openrouter: OpenRouter
    beside: Beside
    feed: CatalogFeed
    scores: ScoreFeed
    score_copies: ScoreCopies
    audits: AuditFeed
    presets: PresetFeed
    account: AccountFeed
    lookups: Lookups
    drift: DriftLog
    ledger: LazyStore
    writer: Writer
    telemetry: Telemetry
    conversations: Conversations
    accounts: Accounts
    late_costs: LateCosts
    recorder: Recorder
    traffic: Traffic
    bodies: Bodies
    stalls: Stalls
    notices: Notices
    worker: Worker | None

    @property
    def report(self) -> Report:
        """What is spent of each budget, from the ledger."""
        budgets, calendar = (lambda: self.policies.current.budgets), Calendar(self.settings.zone)
        return Report(self.ledger.reader, budgets, calendar)

    @property
    def live(self) -> Live:
        """The source of this process's current status."""
        return Live(
            policies=self.policies,
            writer=self.writer,
            traffic=self.traffic,
            feed=self.feed,
            drift=self.drift,
            recorder=self.recorder,
            conversations=self.conversations,
            accounts=self.accounts,
            bodies=self.bodies,
            stalls=self.stalls,
            late_costs=self.late_costs,
            notices=self.notices,
            shares_ledger=self.ledger.is_shared,
            worker=self.worker,
        )


def create_app(
    settings: Settings,
    worker: Worker | None = None,
    *,
    late_costs: Pace = PACE,
    filed: Callable[[Receipt], None] | None = None,
) -> App:
    """A ready-to-serve app, for one of several workers or a single process.

    `late_costs` is when costs that answers did not name are asked for. `filed` is called with each
    receipt on its way to the ledger, in the server's loop. Raises `PolicyFileError`
    when the policies can't be used, and `SettingsError` when sessions are to be guessed and the
    secret for it can't be.
    """
    rooms = _furnish(settings, worker, late_costs, filed)
    metrics, peers = metrics_of(rooms.telemetry.tallies, rooms.live.standing, worker)
    callers = Callers(settings.caller_keys, operators=settings.operators)
    sessions = _sessions(rooms, callers)
    sign_in = SignIn(callers.admit, asks=bool(settings.caller_keys), sessions=sessions)
    explain = Explain(
        policies=rooms.policies,
        feed=rooms.feed,
        lookups=rooms.lookups,
        audits=rooms.audits,
        recorder=rooms.recorder,
        conversations=rooms.conversations,
        accounts=rooms.accounts,
        bodies=rooms.bodies,
    )
    theirs = _openrouters(rooms, explain)
    pages = _pages(rooms, sign_in, lambda: described(framed))
    framed = framed_api(
        rooms.ledger.reader,
        budgets=rooms.report,
        explain=explain,
        pages=pages,
        otherwise=theirs,
    )
    table = endpoints(
        theirs,
        health=health,
        ready=Ready(rooms.live.standing),
        metrics=OnDemand(metrics),
        framed=framed,
    )
    door = Door(
        table,
        callers=callers,
        hosts=(settings.host, *settings.allowed_hosts),
        origins=settings.allowed_origins,
        refuse=sign_in.or_ask(rooms.recorder.refuse),
        traffic=rooms.traffic,
        pages=sign_in,
    )
    return App(door, partial(_opened, rooms, peers), State(rooms.traffic, rooms.stalls), framed)


def application(settings: Settings | None = None) -> "Application":
    """The app as a FastAPI application, for `uvicorn pointsman.main:app`, `TestClient` and readers.

    Raises as `Settings.read` and `create_app` do. `pointsman serve` does not need it: FastAPI is
    loaded with the first request for a path that it frames.
    """
    app = create_app(settings or Settings.read())
    made = made_by(app.framed)
    made.front = app
    return made


def __getattr__(name: str) -> "Application":
    """`app` is made when it is first asked for, from the environment's settings."""
    if name == "app":
        return _the_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _the_app() -> "Application":
    return application()


def check(settings: Settings) -> None:
    """Raise as `create_app` would, in a process that does not serve itself; starts nothing."""
    create_app(settings.model_copy(update={"otel": False}))
    if settings.otel:
        tracing()


def _furnish(
    settings: Settings,
    worker: Worker | None,
    pace: Pace,
    filed: Callable[[Receipt], None] | None,
) -> Rooms:
    upstream, key = settings.upstream_url, settings.openrouter_api_key
    scores, today = ScoreCopies(settings.state, upstream), partial(today_by, steady)
    policies = PolicyFolder(
        policy_folder(settings.policies, settings.own_policies),
        reporting(frozenset(settings.caller_keys), lambda: scores.read(today())),
    )
    connecting = partial(
        connect,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        transport=settings.transport,
        key=key.get_secret_value() if key else None,
        forwarded=names_of(settings.forward_headers),
    )
    openrouter = connecting(upstream)
    notices = Notices(partial(_is_told, policies), on=settings.notify_url is not None)
    drift = DriftLog(policies, partial(_tell_drift, policies, notices))
    feed = CatalogFeed(
        openrouter.read,
        copies=CatalogCopies(settings.state / "catalog", upstream),
        clock=steady,
        changed=drift.changed,
        answered=AddressWatch(upstream).saw,
    )
    presets = PresetFeed(openrouter.read)
    ledger = LazyStore(
        settings.ledger(),
        Keep(
            age=settings.ledger_keep,
            megabytes=settings.ledger_max_mb,
            listings_age=settings.catalog_keep,
            listings_megabytes=settings.catalog_max_mb,
        ),
    )
    writer = Writer(ledger.open, on_duty=ledger.is_on_duty)
    traffic = Traffic(Connections(settings.max_connections))
    traces = tracing()(upstream_url=upstream, version=__version__) if settings.otel else None
    telemetry = Telemetry(Tallies(KnownModels(policies, feed).name_of), traces)
    conversations = Conversations(idle=settings.pin_seconds)
    accounts = Accounts(Calendar(settings.zone), steady=steady)
    late_costs = LateCosts(
        openrouter,
        accounts,
        submit=writer.submit_cost,
        learned=telemetry.learned,
        pace=pace,
    )
    return Rooms(
        settings=settings,
        policies=policies,
        openrouter=openrouter,
        beside=Beside(upstream, connecting),
        feed=feed,
        scores=ScoreFeed(scores, feed.keep_scores, today),
        score_copies=scores,
        audits=AuditFeed(
            ledger.reader,
            feed.keep_audits,
            today=today,
            wanted=lambda: policies.current.needs_audits,
        ),
        presets=presets,
        account=AccountFeed(openrouter),
        lookups=Lookups(feed, presets, openrouter.key),
        drift=drift,
        ledger=ledger,
        writer=writer,
        telemetry=telemetry,
        conversations=conversations,
        accounts=accounts,
        late_costs=late_costs,
        recorder=Recorder(
            feed=feed,
            submit=_submit(writer, notices, filed),
            telemetry=telemetry,
            traffic=traffic,
            conversations=conversations,
            accounts=accounts,
            defects=Defects() if settings.defects else None,
            late_costs=late_costs,
            guess=_guess(settings),
        ),
        traffic=traffic,
        bodies=Bodies(
            each=int(settings.max_body_mb * 1_000_000),
            together=int(settings.max_bodies_mb * 1_000_000),
        ),
        stalls=Stalls(),
        notices=notices,
        worker=worker,
    )


def _guess(settings: Settings) -> Guess | None:
    """What guesses sessions; None if they are not to be guessed."""
    return guessing(settings.state, settings.shared_secret) if settings.guess_sessions else None


def _sessions(rooms: Rooms, callers: Callers) -> Known:
    """The browsers that are signed in: shared as far as the ledger and the workers reach."""
    if rooms.ledger.is_shared and rooms.settings.caller_keys:
        from .dashboard.ledger_sessions import LedgerSessions  # noqa: PLC0415 - see there

        return LedgerSessions(rooms.ledger.reader, callers.proof_of, clock=steady)
    if rooms.worker:
        return SharedSessions(rooms.worker.folder / "sessions", clock=running)
    return Sessions(clock=running)


def _is_told(policies: PolicyFolder, event: Event) -> bool:
    return policies.current.tells(event.kind, event.rules)


def _tell_drift(policies: PolicyFolder, notices: Notices, drift: Drift) -> None:
    if notices.on:
        now = datetime.fromtimestamp(steady(), UTC)
        notices.tell(by_drift(drift, policies.current.revision, now))


def _submit(
    writer: Writer, notices: Notices, filed: Callable[[Receipt], None] | None
) -> Callable[[Receipt, Listed | None], None]:
    """What is done with each receipt: most proxies only write it."""
    if not notices.on and filed is None:
        return writer.submit

    def submit(receipt: Receipt, listed: Listed | None) -> None:
        writer.submit(receipt, listed)
        if filed is not None:
            filed(receipt)
        event = by_receipt(receipt) if notices.on else None
        if event is not None:
            notices.tell(event)

    return submit


def _notifying(rooms: Rooms) -> Notifying | None:
    """What delivers notifications; None without a webhook."""
    settings, worker = rooms.settings, rooms.worker
    if settings.notify_url is None:
        return None
    return Notifying(
        rooms.notices,
        Webhook.of(settings.notify_url, settings.notify_format, settings.notify_secret),
        ledger=rooms.ledger.reader,
        writer=rooms.writer,
        book=lambda: rooms.policies.current,
        catalog=lambda: rooms.feed.current,
        scores_hosts=rooms.ledger.is_shared or worker is None or worker.number == 1,
        on_duty=rooms.ledger.is_on_duty,
        folder=settings.state / "told",
        clock=steady,
    )


@asynccontextmanager
async def _opened(rooms: Rooms, peers: "Peers | None") -> AsyncIterator[None]:
    if peers is not None:
        await peers.open()
    rooms.writer.start()
    rooms.ledger.take_duty()
    policies = rooms.policies
    following = Following(
        rooms.ledger.reader, rooms.conversations, wanted=lambda: policies.current.keeps_hosts
    )
    await rooms.audits.begin()
    mirror = await _mirrored(rooms)
    notifying = _notifying(rooms)
    chores = [
        asyncio.create_task(policies.keep_fresh()),
        asyncio.create_task(rooms.scores.keep_fresh()),
        asyncio.create_task(rooms.audits.keep_fresh()),
        asyncio.create_task(keep_listed(rooms.feed, lambda: policies.current.models_named)),
        asyncio.create_task(following.keep_up()),
        asyncio.create_task(_following_spending(rooms).keep_up()),
        *([asyncio.create_task(mirror.keep_fresh())] if mirror else []),
        *([asyncio.create_task(notifying.run())] if notifying else []),
    ]
    yield
    for chore in chores:
        chore.cancel()
    await rooms.feed.close()
    await rooms.presets.close()
    await rooms.late_costs.close()
    await rooms.openrouter.aclose()
    await rooms.beside.aclose()
    await rooms.recorder.close()
    if notifying is not None:
        await notifying.aclose()
    rooms.writer.close(timeout=5.0)
    if peers is not None:
        await peers.close()
    rooms.ledger.close()
    rooms.telemetry.close()


async def _mirrored(rooms: Rooms) -> "ScoreMirror | None":
    """What keeps the benchmark scores like those on a ledger that replicas share, begun."""
    if not rooms.ledger.is_shared:
        return None
    from .record.score_mirror import ScoreMirror  # noqa: PLC0415 - see there

    mirror = ScoreMirror(rooms.ledger.reader, rooms.score_copies)
    await mirror.begin()
    await rooms.scores.renew()
    return mirror


def _following_spending(rooms: Rooms) -> FollowingSpending:
    return FollowingSpending(
        rooms.ledger.reader,
        rooms.accounts,
        writer=rooms.ledger.writer,
        budgets=lambda: rooms.policies.current.budgets,
        wrote_since=rooms.writer.has_written,
        told=lambda crossed: rooms.notices.tell(by_budget(crossed)),
    )


def _pages(rooms: Rooms, sign_in: SignIn, described: Callable[[], Mapping[str, Any]]) -> OnDemand:
    return pages_of(
        sign_in,
        store=rooms.ledger.reader,
        policies=rooms.policies,
        catalog=lambda: rooms.feed.current,
        standing=rooms.live.standing,
        leaving=lambda: rooms.traffic.draining,
        drifts=lambda: tuple(rooms.drift.latest),
        described=described,
        budgets=rooms.report,
        account=rooms.account.current,
    )


def _openrouters(rooms: Rooms, explain: Explain) -> Table:
    policies, openrouter = rooms.policies, rooms.openrouter
    feed, recorder = rooms.feed, rooms.recorder
    bodies, explains = rooms.bodies, rooms.settings.explain_errors
    return openrouters(
        explain=explain,
        inference=Inference(
            policies=policies,
            openrouter=openrouter,
            beside=rooms.beside,
            feed=feed,
            lookups=rooms.lookups,
            recorder=recorder,
            conversations=rooms.conversations,
            accounts=rooms.accounts,
            withhold=Withhold(policies, feed, explains=explains, limit=bodies.each),
            bodies=bodies,
        ),
        models=Models(policies=policies, openrouter=openrouter, feed=feed, recorder=recorder),
        count_tokens=CountTokens(openrouter=openrouter, recorder=recorder, bodies=bodies),
        passthrough=Passthrough(
            openrouter=openrouter,
            beside=rooms.beside,
            recorder=recorder,
            bodies=bodies,
        ),
    )
