"""A catalog in a file: OpenRouter's own rows, so that a check can be run again without a network.

`{"format": "pointsman-catalog/1", "fetched_at": "2026-11-21T09:30:00+00:00", "models": [rows of
GET /models], "endpoints": {"author/model": [rows of its listing]}, "providers": [rows of GET
/providers]}`; `providers` may be missing.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ..errors import SettingsError
from .catalog import EMPTY, Catalog

FORMAT: Literal["pointsman-catalog/1"] = "pointsman-catalog/1"


class Snapshot(msgspec.Struct, frozen=True):
    """The rows as they were fetched."""

    fetched_at: str  # ISO 8601
    models: list[Any]
    endpoints: Mapping[str, list[Any]]
    providers: list[Any] = []
    format: Literal["pointsman-catalog/1"] = FORMAT

    def catalog(self, fetched_at: float) -> Catalog:
        """The catalog that the rows make; `fetched_at` in seconds since the epoch."""
        catalog = EMPTY.with_models(self.models).with_providers(self.providers)
        for model, rows in self.endpoints.items():
            catalog = catalog.with_listing(model, rows, fetched_at)
        return catalog


class _Head(msgspec.Struct):
    format: str = ""


def read_snapshot(text: bytes, name: str) -> Snapshot:
    """Read the snapshot in a file called `name`. Raises `SettingsError` if it is not one."""
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.format != FORMAT:
            raise SettingsError(f'{name}: the format is "{head.format}", not {FORMAT}; {_WAY_OUT}')
        return msgspec.json.decode(text, type=Snapshot)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{name} is not a catalog: {error}; {_WAY_OUT}") from None


_WAY_OUT = "write one with `pointsman catalog MODEL --save FILE`"


def written(snapshot: Snapshot) -> bytes:
    """The text of a snapshot's file."""
    return msgspec.json.format(_ENCODER.encode(snapshot), indent=1) + b"\n"


_ENCODER = msgspec.json.Encoder(decimal_format="number")  # as rows were sent
