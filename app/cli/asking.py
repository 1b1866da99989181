"""Requests that commands send to OpenRouter themselves: listings, records, a request."""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from ..catalog.catalog import EMPTY, Catalog, listing_key
from ..errors import SettingsError
from ..openrouter.client import OpenRouter, Upstream, connect, read_whole
from ..openrouter.listings import rows_at
from ..settings import Settings
from ..wire.headers import RawHeaders, to_upstream
from ..wire.listing import LARGEST, MOST_ENDPOINTS, MOST_MODELS, NotAListing


@dataclass(frozen=True, slots=True)
class Asking:
    """An open connection to OpenRouter, with the operator's key."""

    openrouter: OpenRouter
    headers: RawHeaders

    async def catalog(self, model: str) -> Catalog:
        """Return a catalog that contains this model, as far as it is listed."""
        rows = await self._rows(f"/models/{listing_key(model)}/endpoints", MOST_ENDPOINTS)
        return EMPTY if rows is None else EMPTY.with_listing(model, rows, time.time())

    async def named(self, catalog: Catalog, *, outputs: str | None = None) -> Catalog:
        """Return the catalog with every model's other names, if the list of models can be read.

        The list has models with text output, unless `outputs` names other kinds, with commas.
        """
        path = "/models" if outputs is None else f"/models?output_modalities={outputs}"
        return catalog.with_models(await self._rows(path, MOST_MODELS))

    async def zdr_tags(self, model: str) -> frozenset[str] | None:
        """Return the tags of the model's endpoints with zero data retention; None if not listed."""
        rows = await self._rows("/endpoints/zdr", MOST_MODELS)
        if rows is None:
            return None
        named = (row for row in rows if isinstance(row, dict))
        return frozenset(str(row.get("tag")) for row in named if _is_of(model, row))

    async def _rows(self, path: str, most: int) -> list[Any] | None:
        """Return the rows of a listing; None if there is no listing."""
        try:
            return await rows_at(self.openrouter, path, self.headers, most=most)
        except NotAListing:
            return None

    async def post(self, path: str, body: bytes) -> Upstream:
        """Send a request, and ask for the router's metadata with the answer."""
        told = [*self.headers, (b"content-type", b"application/json")]
        headers = [*told, (b"x-openrouter-metadata", b"enabled")]
        return await self.openrouter.open("POST", path, b"", headers, body)

    async def answer(self, path: str, fields: Mapping[str, Any]) -> tuple[int, bytes]:
        """Send a request with these fields; return the status and body of the answer."""
        upstream = await self.post(path, msgspec.json.encode(fields))
        try:
            return upstream.status, await read_whole(upstream, most=LARGEST)
        finally:
            await upstream.aclose()


def _is_of(model: str, row: dict[str, Any]) -> bool:
    return listing_key(str(row.get("model_id"))) == listing_key(model)


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[Asking]:
    """Open a connection to OpenRouter. Raises `SettingsError` without a key."""
    if settings.openrouter_api_key is None:
        raise SettingsError("this command asks OpenRouter; set OPENROUTER_API_KEY")
    key = settings.openrouter_api_key.get_secret_value()
    openrouter = connect(
        settings.upstream_url,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        transport=settings.transport,
    )
    try:
        yield Asking(openrouter, to_upstream((), key=key, router_metadata=False))
    finally:
        await openrouter.aclose()
