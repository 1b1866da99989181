"""Sources of a catalog: OpenRouter, the simulator, or a file; each returns a snapshot."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from ..catalog.catalog import Catalog, listing_key
from ..catalog.snapshot import Snapshot, read_snapshot
from ..errors import SettingsError, UpstreamError, reason_of
from ..openrouter.client import connect
from ..openrouter.listings import rows_at
from ..settings import Settings
from ..wire.headers import to_upstream
from ..wire.listing import MOST_ENDPOINTS, MOST_MODELS, NotAListing

LIVE, SIMULATED = "live", "simulated"
MOST_FETCHED = 60  # models whose listings one command fetches
_AT_ONCE = 4  # to go easy on OpenRouter: no client waits for the answer


class Rows(Protocol):
    """Returns the rows of a listing; None if there is none. May raise `NotAListing`."""

    async def __call__(self, path: str, *, most: int) -> list[Any] | None:
        """Return the rows at a path, at most `most`."""
        ...


Wanted = Callable[[Catalog], Sequence[str]]  # the models to fetch, from the list of all


@dataclass(frozen=True, slots=True)
class Source:
    """A snapshot, its catalog, and the number of models left out of it."""

    name: str
    snapshot: Snapshot
    catalog: Catalog
    left_out: int = 0


def open_catalog(source: str, settings: Settings, wanted: Wanted) -> Source:
    """Return the catalog that `--catalog` names. Raises `SettingsError` if there is none."""
    left_out = 0
    if source == LIVE:
        snapshot, left_out = asyncio.run(_live(settings, wanted))
    elif source == SIMULATED:
        snapshot = simulated_snapshot()
    else:
        snapshot = _from_file(Path(source))
    try:
        fetched_at = datetime.fromisoformat(snapshot.fetched_at).timestamp()
    except ValueError:
        raise SettingsError(
            f'{source}: fetched_at is "{snapshot.fetched_at}", which is not an ISO 8601 time'
        ) from None
    return Source(source, snapshot, snapshot.catalog(fetched_at), left_out)


def _from_file(file: Path) -> Snapshot:
    try:
        return read_snapshot(file.read_bytes(), str(file))
    except OSError as error:
        raise SettingsError(
            f"can't read the catalog {file}: {reason_of(error)}; "
            f"use --catalog {LIVE}, {SIMULATED} or a file"
        ) from None


def simulated_snapshot() -> Snapshot:
    """The simulator's catalog as in its listings, without data that these hide."""
    from ..simulator.catalog import Catalog as SimulatedCatalog  # noqa: PLC0415 - 100 ms

    simulated = SimulatedCatalog.read(None)
    return Snapshot(
        fetched_at=_now(),
        models=[model.listed for model in simulated.models],
        endpoints={model.id: [row.listed for row in model.rows] for model in simulated.models},
        providers=[{"slug": slug, "name": name} for slug, name in simulated.providers().items()],
    )


async def _live(settings: Settings, wanted: Wanted) -> tuple[Snapshot, int]:
    openrouter = connect(
        settings.upstream_url,
        connect_timeout=settings.connect_timeout,
        read_timeout=min(settings.read_timeout, 60.0),
    )
    key = settings.openrouter_api_key.get_secret_value() if settings.openrouter_api_key else None
    headers = to_upstream((), key=key, router_metadata=False)
    try:
        return await fetch(partial(rows_at, openrouter, headers=headers), wanted)
    except UpstreamError as error:
        raise SettingsError(f"can't fetch the catalog: {error}") from None
    finally:
        await openrouter.aclose()


async def fetch(rows: Rows, wanted: Wanted) -> tuple[Snapshot, int]:
    """Return a snapshot read through `rows`, and the number of wanted models it leaves out.

    Raises `SettingsError` for an answer that is not a listing, and `UpstreamError`.
    """
    models = await _rows(rows, "/models?output_modalities=all", MOST_MODELS)
    providers = await _rows(rows, "/providers", MOST_MODELS)
    if not models:
        raise SettingsError("can't fetch the catalog: /models did not answer with a list of models")
    listed = Snapshot(fetched_at=_now(), models=models, endpoints={}, providers=providers or [])
    keys = list(dict.fromkeys(map(listing_key, wanted(listed.catalog(0.0)))))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def listing(model: str) -> list[Any] | None:
        async with turn:
            path = f"/models/{quote(model, safe='/~:')}/endpoints"
            return await _rows(rows, path, MOST_ENDPOINTS)

    looked_at = keys[:MOST_FETCHED]
    listings = await asyncio.gather(*map(listing, looked_at))
    found = {
        model: each for model, each in zip(looked_at, listings, strict=True) if each is not None
    }
    snapshot = msgspec.structs.replace(listed, endpoints=found)
    return snapshot, len(keys) - len(looked_at)


async def _rows(rows: Rows, path: str, most: int) -> list[Any] | None:
    try:
        return await rows(path, most=most)
    except NotAListing as error:
        raise SettingsError(f"can't fetch the catalog: {path} is not a listing: {error}") from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
