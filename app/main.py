"""The composition root: builds the app from its settings, opens the rooms and closes them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp

from app import __version__
from app.api.block import Block
from app.api.callers import Callers
from app.api.count_tokens import CountTokens
from app.api.door import Door
from app.api.drift_log import DriftLog
from app.api.error_replies import ledger_unreadable
from app.api.explain import Explain
from app.api.fork import App, Fork
from app.api.health import health_routes
from app.api.holding import Holding
from app.api.inference import Inference
from app.api.known_models import KnownModels
from app.api.models import Models
from app.api.passthrough import Passthrough
from app.api.receipts import receipt_routes
from app.api.records import Records
from app.api.routing_errors import RoutingErrors
from app.api.stats import stats_routes
from app.api.traffic import Traffic
from app.api.v1 import V1
from app.dashboard.on_demand import OnDemand
from app.dashboard.sign_in import SignIn
from app.errors import LedgerError, SettingsError
from app.ledger.keep import Keep
from app.ledger.writer import Writer
from app.openrouter.catalog_copies import CatalogCopies
from app.openrouter.catalog_feed import CatalogFeed
from app.openrouter.client import OpenRouter, connect
from app.policy_folder import PolicyFolder, policy_folder
from app.settings import Settings
from app.telemetry.tallies import Tallies
from app.telemetry.telemetry import Telemetry, Traces
from app.wire.headers import to_upstream

if TYPE_CHECKING:
    from app.ledger.store import Store

_MOST_LISTED = 50  # models that the policies name in full
_LISTED_EVERY_SECONDS, _LISTED_APART_SECONDS = 60.0, 0.2


def create_app(settings: Settings) -> FastAPI:
    """A ready-to-serve app. Raises `PolicyFileError` when the policies can't be used."""
    policies = PolicyFolder(policy_folder(settings.policies))
    openrouter = connect(
        settings.upstream_url,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        transport=settings.transport,
    )
    key = settings.openrouter_api_key
    drift = DriftLog(policies)
    feed = CatalogFeed(
        partial(_read, openrouter, key.get_secret_value() if key else None),
        copies=CatalogCopies(settings.state / "catalog", settings.upstream_url),
        changed=drift.changed,
    )
    ledger = _Ledger(
        settings.ledger(), Keep(age=settings.ledger_keep, megabytes=settings.ledger_max_mb)
    )
    writer = Writer(ledger.open)
    telemetry = Telemetry(Tallies(KnownModels(policies, feed).name_of), _traces(settings))
    records = Records(feed=feed, submit=writer.submit, telemetry=telemetry)
    body_limit = int(settings.max_body_mb * 1_000_000)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        writer.start()
        chores = [
            asyncio.create_task(policies.keep_fresh()),
            asyncio.create_task(_keep_listed(feed, policies)),
        ]
        yield
        for chore in chores:
            chore.cancel()
        await feed.close()
        await openrouter.aclose()
        writer.close(timeout=5.0)
        ledger.close()
        telemetry.close()

    app = App(
        title="Pointsman",
        lifespan=lifespan,
        docs_url=None,  # its pages would load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.traffic = traffic = Traffic()
    app.add_exception_handler(LedgerError, ledger_unreadable)
    app.include_router(
        health_routes(policies=policies, writer=writer, traffic=traffic, feed=feed, drift=drift)
    )
    app.include_router(receipt_routes(ledger.reader))
    app.include_router(stats_routes(ledger.reader))
    callers = Callers(settings.caller_keys)
    sign_in = SignIn(callers.admit, asks=bool(settings.caller_keys))

    def make_dashboard() -> ASGIApp:
        from app.dashboard.pages import dashboard  # noqa: PLC0415 - see OnDemand
        from app.dashboard.shell import Sources  # noqa: PLC0415

        sources = Sources(
            store=ledger.reader,
            policies=policies,
            catalog=lambda: feed.current,
            writer=writer,
            leaving=lambda: traffic.draining,
            drifts=lambda: tuple(drift.latest),
        )
        return dashboard(sources, sign_in.routes())

    def make_metrics() -> ASGIApp:
        from app.api.metrics import Metrics, Sources  # noqa: PLC0415 - see OnDemand

        return Metrics(
            telemetry.tallies,
            Sources(
                policies=policies,
                writer=writer,
                traffic=traffic,
                feed=feed,
                drift=drift,
                records=records,
            ),
        )

    app.router.routes.append(Route("/metrics", OnDemand(make_metrics), methods=["GET"]))
    pages = OnDemand(make_dashboard)
    app.router.routes.append(Route("/dashboard", pages))
    app.router.routes.append(Route("/dashboard/{page:path}", pages))
    # Whatever is not ours is OpenRouter's: plain ASGI, past FastAPI's routing machinery.
    explain = Explain(policies=policies, feed=feed, records=records, body_limit=body_limit)
    app.router.routes.append(Route("/pointsman/explain", explain, methods=["POST"]))
    v1 = V1(
        explain=explain,
        inference=Inference(
            policies=policies,
            openrouter=openrouter,
            feed=feed,
            records=records,
            holding=Holding(
                Block(feed, limit=body_limit),
                RoutingErrors(policies, feed, enabled=settings.explain_errors),
            ),
            key=key,
            body_limit=body_limit,
        ),
        models=Models(
            policies=policies, openrouter=openrouter, feed=feed, records=records, key=key
        ),
        count_tokens=CountTokens(
            openrouter=openrouter,
            records=records,
            key=key.get_secret_value() if key else None,
            body_limit=body_limit,
        ),
        passthrough=Passthrough(
            openrouter=openrouter, records=records, key=key, body_limit=body_limit
        ),
    )
    app.router.default = v1
    app.entrance = Door(
        Fork(app.inside, v1=v1),
        callers=callers,
        hosts=(settings.host, *settings.allowed_hosts),
        origins=settings.allowed_origins,
        refuse=sign_in.or_ask(records.refuse),
        traffic=traffic,
        pages=sign_in,
    )
    return app


def _traces(settings: Settings) -> Traces | None:
    """OpenTelemetry, where it is wanted. Raises `SettingsError` where it is not installed."""
    if not settings.otel:
        return None
    try:
        from app.telemetry.tracing import Tracing  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(
            f"POINTSMAN_OTEL is set, and {error.name} is not installed: "
            "pip install 'pointsman[otel]', or unset it"
        ) from None
    return Tracing(upstream_url=settings.upstream_url, version=__version__)


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


class _Ledger:
    """Opens the store when it is first wanted: SQLAlchemy's import is half of a start-up."""

    def __init__(self, url: str, keep: Keep) -> None:
        self._url = url
        self._keep = keep
        self._reader: Store | None = None
        self._lock = Lock()

    def open(self) -> "Store":
        """A store of one's own."""
        from app.ledger.store import Store  # noqa: PLC0415 - see the class

        return Store.open(self._url, self._keep)

    def reader(self) -> "Store":
        """The store that all readers share; asked from worker threads."""
        with self._lock:
            if self._reader is None:
                self._reader = self.open()
            return self._reader

    def close(self) -> None:
        """Close what was opened for reading."""
        if self._reader is not None:
            self._reader.close()
