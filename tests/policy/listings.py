"""Listings for tests: rows as OpenRouter writes them, and the composed one among the fixtures."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.catalog.catalog import EMPTY, Catalog
from app.catalog.endpoint import Endpoint, read_endpoint

MODEL = "acme/sim-1"
NOW = 1_795_000_000.0
_FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter" / "endpoints"


def rows_of(fixture: str) -> list[dict[str, Any]]:
    """The rows of a listing among the fixtures."""
    text = (_FIXTURES / fixture).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(text)["data"]["endpoints"]
    return rows


COMPOSED = rows_of("COMPOSED_routing_edge_cases.json")


def row(tag: str, name: str, quantization: str | None = "fp8", **pricing: Any) -> dict[str, Any]:
    """One row; prices in USD per token, as text."""
    return {
        "tag": tag,
        "provider_name": name,
        "quantization": quantization,
        "pricing": {"prompt": "0.000001", "completion": "0.000002"} | pricing,
    }


def endpoint(tag: str, name: str, quantization: str | None = "fp8", **pricing: Any) -> Endpoint:
    """The endpoint of such a row."""
    read = read_endpoint(row(tag, name, quantization, **pricing))
    assert read is not None
    return read


def listed(rows: Iterable[dict[str, Any]], *, age: float = 60.0) -> Catalog:
    """A catalog that fetched these rows `age` seconds ago."""
    return EMPTY.with_listing(MODEL, list(rows), NOW - age)
