"""The composition root: builds the app from its settings, opens the rooms and closes them."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from app import __version__
from app.api.drift_log import DriftLog
from app.api.explain import Explain
from app.api.health import Ready, health
from app.api.known_models import KnownModels
from app.dashboard.sessions import Sessions, SharedSessions
from app.dashboard.sign_in import SignIn
from app.errors import LedgerError, SettingsError
from app.ledger.keep import Keep
from app.ledger.writer import Writer
from app.openrouter.address import AddressWatch
from app.openrouter.beside import Beside
from app.openrouter.catalog_copies import CatalogCopies
from app.openrouter.catalog_feed import CatalogFeed
from app.openrouter.client import OpenRouter, connect
from app.openrouter.preset_feed import PresetFeed
from app.policy_folder import PolicyFolder, policy_folder
from app.record.recorder import Records
from app.relay.block import Block
from app.relay.count_tokens import CountTokens
from app.relay.holding import Holding
from app.relay.inference import Inference
from app.relay.models import Models
from app.relay.passthrough import Passthrough
from app.relay.presets import PresetsInRequests
from app.relay.routing_errors import RoutingErrors
from app.relay.v1 import V1
from app.server.body import Bodies
from app.server.callers import Callers
from app.server.clock import running, steady
from app.server.connections import Connections
from app.server.door import Door
from app.server.entrance import App, Fork, State
from app.server.on_demand import OnDemand
from app.server.only import Only
from app.server.traffic import Traffic
from app.server.worker import Worker
from app.settings import Settings
from app.telemetry.stalls import Stalls
from app.telemetry.tallies import Tallies
from app.telemetry.telemetry import Telemetry, Traces
from app.wire.headers import to_upstream

if TYPE_CHECKING:
    from app.api.metrics import Metrics
    from app.api.peers import Peers
    from app.ledger.store import Store
    from app.telemetry.tracing import Tracing

_MOST_LISTED = 50  # models that the policies name in full
_OPENING_SECONDS = 5.0
_LISTED_EVERY_SECONDS, _LISTED_APART_SECONDS = 60.0, 0.2


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything that outlives a request, made once and passed to whoever needs it."""

    settings: Settings
    policies: PolicyFolder
    openrouter: OpenRouter
    beside: Beside
    feed: CatalogFeed
    presets: PresetFeed
    drift: DriftLog
    ledger: "_Ledger"
    writer: Writer
    telemetry: Telemetry
    records: Records
    traffic: Traffic
    bodies: Bodies
    stalls: Stalls
    worker: Worker | None

    @property
    def key(self) -> str | None:
        """The operator's key for upstream."""
        key = self.settings.openrouter_api_key
        return key.get_secret_value() if key else None


def create_app(settings: Settings, worker: Worker | None = None) -> App:
    """A ready-to-serve app, of one of several workers or the only one.

    Raises `PolicyFileError` when the policies can't be used.
    """
    rooms = _furnish(settings, worker)
    metrics = cache(lambda: _metrics(rooms, peers))
    peers = _peers(worker, metrics)
    callers = Callers(settings.caller_keys, operators=settings.operators)
    sessions = (
        SharedSessions(worker.folder / "sessions", clock=running)
        if worker
        else Sessions(clock=running)
    )
    sign_in = SignIn(callers.admit, asks=bool(settings.caller_keys), sessions=sessions)
    explain = Explain(
        policies=rooms.policies,
        feed=rooms.feed,
        presets=PresetsInRequests(rooms.presets, rooms.key),
        records=rooms.records,
        bodies=rooms.bodies,
    )
    v1 = _openrouters_api(rooms, explain)
    framed = OnDemand(_framed(rooms, explain, sign_in, v1))
    fork = Fork(v1=v1, exact=_plain(rooms, metrics), framed=framed)
    door = Door(
        fork,
        callers=callers,
        hosts=(settings.host, *settings.allowed_hosts),
        origins=settings.allowed_origins,
        refuse=sign_in.or_ask(rooms.records.refuse),
        traffic=rooms.traffic,
        pages=sign_in,
    )
    return App(door, partial(_opened, rooms, peers), State(rooms.traffic, rooms.stalls))


def check(settings: Settings) -> None:
    """Raise what `create_app` would, for a process that won't serve itself; starts nothing."""
    create_app(settings.model_copy(update={"otel": False}))
    if settings.otel:
        _tracing()


def _furnish(settings: Settings, worker: Worker | None) -> Rooms:
    policies = PolicyFolder(policy_folder(settings.policies))
    connecting = partial(
        connect,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        transport=settings.transport,
    )
    openrouter = connecting(settings.upstream_url)
    key = settings.openrouter_api_key
    drift = DriftLog(policies)
    feed = CatalogFeed(
        partial(_read, openrouter, key.get_secret_value() if key else None),
        copies=CatalogCopies(settings.state / "catalog", settings.upstream_url),
        clock=steady,
        changed=drift.changed,
        answered=AddressWatch(settings.upstream_url).saw,
    )
    keep = Keep(age=settings.ledger_keep, megabytes=settings.ledger_max_mb)
    ledger = _Ledger(settings.ledger(), keep)
    writer = Writer(ledger.open)
    traffic = Traffic(Connections(settings.max_connections))
    telemetry = Telemetry(Tallies(KnownModels(policies, feed).name_of), _traces(settings))
    return Rooms(
        settings=settings,
        policies=policies,
        openrouter=openrouter,
        beside=Beside(settings.upstream_url, connecting),
        feed=feed,
        presets=PresetFeed(partial(_read_as, openrouter)),
        drift=drift,
        ledger=ledger,
        writer=writer,
        telemetry=telemetry,
        records=Records(feed=feed, submit=writer.submit, telemetry=telemetry, traffic=traffic),
        traffic=traffic,
        bodies=Bodies(
            each=int(settings.max_body_mb * 1_000_000),
            together=int(settings.max_bodies_mb * 1_000_000),
        ),
        stalls=Stalls(),
        worker=worker,
    )


@asynccontextmanager
async def _opened(rooms: Rooms, peers: "Peers | None") -> AsyncIterator[None]:
    if peers is not None:
        await peers.open()
    rooms.writer.start()
    chores = [
        asyncio.create_task(rooms.policies.keep_fresh()),
        asyncio.create_task(_keep_listed(rooms.feed, rooms.policies)),
    ]
    yield
    for chore in chores:
        chore.cancel()
    await rooms.feed.close()
    await rooms.presets.close()
    await rooms.openrouter.aclose()
    await rooms.beside.aclose()
    rooms.records.close()
    rooms.writer.close(timeout=5.0)
    if peers is not None:
        await peers.close()
    rooms.ledger.close()
    rooms.telemetry.close()


def _metrics(rooms: Rooms, peers: "Peers | None") -> "Metrics":
    from app.api.metrics import Metrics, Sources  # noqa: PLC0415 - see OnDemand

    sources = Sources(
        policies=rooms.policies,
        writer=rooms.writer,
        traffic=rooms.traffic,
        feed=rooms.feed,
        drift=rooms.drift,
        records=rooms.records,
        bodies=rooms.bodies,
        stalls=rooms.stalls,
        workers=rooms.worker.of if rooms.worker else 1,
    )
    return Metrics(rooms.telemetry.tallies, sources, peers)


def _peers(worker: Worker | None, metrics: Callable[[], "Metrics"]) -> "Peers | None":
    """The way to the other workers, where there are any."""
    if worker is None:
        return None
    from app.api.peers import Peers  # noqa: PLC0415 - most proxies are alone

    return Peers(worker, metrics)


def _plain(rooms: Rooms, metrics: Callable[[], ASGIApp]) -> dict[str, ASGIApp]:
    """What programs ask us over and over, by path."""
    ready = Ready(
        policies=rooms.policies,
        writer=rooms.writer,
        traffic=rooms.traffic,
        feed=rooms.feed,
        drift=rooms.drift,
        worker=rooms.worker,
    )
    return {
        "/health": Only(health, "GET"),
        "/ready": Only(ready, "GET"),
        "/metrics": Only(OnDemand(metrics), "GET", "HEAD"),
    }


def _framed(
    rooms: Rooms, explain: Explain, sign_in: SignIn, otherwise: ASGIApp
) -> Callable[[], ASGIApp]:
    """Makes what FastAPI frames: receipts, figures, explanations, pages."""

    def make_dashboard() -> ASGIApp:
        from app.dashboard.pages import dashboard  # noqa: PLC0415 - see OnDemand
        from app.dashboard.shell import Sources  # noqa: PLC0415

        sources = Sources(
            store=rooms.ledger.reader,
            policies=rooms.policies,
            catalog=lambda: rooms.feed.current,
            writer=rooms.writer,
            leaving=lambda: rooms.traffic.draining,
            drifts=lambda: tuple(rooms.drift.latest),
        )
        return dashboard(sources, sign_in.routes())

    def make() -> ASGIApp:
        from app.api.framed import framed  # noqa: PLC0415 - see OnDemand

        return framed(
            rooms.ledger.reader,
            explain=explain,
            pages=OnDemand(make_dashboard),
            otherwise=otherwise,
        )

    return make


def _openrouters_api(rooms: Rooms, explain: Explain) -> V1:
    policies, openrouter = rooms.policies, rooms.openrouter
    feed, records = rooms.feed, rooms.records
    key, bodies = rooms.settings.openrouter_api_key, rooms.bodies
    holding = Holding(
        Block(feed, limit=bodies.each),
        RoutingErrors(policies, feed, enabled=rooms.settings.explain_errors),
    )
    return V1(
        explain=explain,
        inference=Inference(
            policies=policies,
            openrouter=openrouter,
            beside=rooms.beside,
            feed=feed,
            presets=PresetsInRequests(rooms.presets, rooms.key),
            records=records,
            holding=holding,
            key=key,
            bodies=bodies,
        ),
        models=Models(
            policies=policies, openrouter=openrouter, feed=feed, records=records, key=key
        ),
        count_tokens=CountTokens(
            openrouter=openrouter, records=records, key=rooms.key, bodies=bodies
        ),
        passthrough=Passthrough(
            openrouter=openrouter,
            beside=rooms.beside,
            records=records,
            key=key,
            bodies=bodies,
        ),
    )


def _traces(settings: Settings) -> Traces | None:
    """OpenTelemetry, where it is wanted."""
    if not settings.otel:
        return None
    return _tracing()(upstream_url=settings.upstream_url, version=__version__)


def _tracing() -> "type[Tracing]":
    """OpenTelemetry. Raises `SettingsError` where it is not installed."""
    try:
        from app.telemetry.tracing import Tracing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(
            f"POINTSMAN_OTEL is set, but {error.name} is not installed; "
            "pip install 'pointsman[otel]', or unset it"
        ) from None
    return Tracing


async def _keep_listed(feed: CatalogFeed, policies: PolicyFolder) -> None:
    """Keep the listings of models that the policies name, so that drift shows without traffic."""
    while True:
        for model in policies.current.models_named[:_MOST_LISTED]:
            feed.want(model)
            await asyncio.sleep(_LISTED_APART_SECONDS)
        await asyncio.sleep(_LISTED_EVERY_SECONDS)


async def _read(openrouter: OpenRouter, key: str | None, path: str) -> tuple[int, bytes]:
    headers = to_upstream((), key=key, router_metadata=False)
    status, _, body = await openrouter.get(path, headers)
    return status, body


async def _read_as(openrouter: OpenRouter, path: str, key: str) -> tuple[int, bytes]:
    return await _read(openrouter, key, path)


class _Ledger:
    """Opens the store when it is first wanted: SQLAlchemy's import is half of a start-up."""

    def __init__(self, url: str, keep: Keep) -> None:
        self._url = url
        self._keep = keep
        self._reader: Store | None = None
        self._lock = Lock()

    def open(self) -> "Store":
        """A store of one's own."""
        from app.ledger.opening import SERVING_SECONDS  # noqa: PLC0415 - see the class
        from app.ledger.store import Store  # noqa: PLC0415

        store = Store.open(self._url, self._keep, patience=SERVING_SECONDS)
        if gc.get_freeze_count():  # as the rest of the start is: SQLAlchemy alone holds up streams
            gc.freeze()  # for 15 ms whenever a collection looks at all there is
        return store

    def reader(self) -> "Store":
        """The store that all readers share; asked from worker threads.

        Raises `LedgerError` where it can't be opened, or where another thread has been trying to
        for as long as a reader may be kept waiting.
        """
        if not self._lock.acquire(timeout=_OPENING_SECONDS):
            raise LedgerError(
                "can't read the ledger: it is being opened and does not respond; retry later"
            )
        try:
            if self._reader is None:
                self._reader = self.open()
            return self._reader
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close what was opened for reading."""
        if self._reader is not None:
            self._reader.close()
