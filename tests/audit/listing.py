"""Endpoints of a listing, for tests of plans."""

from decimal import Decimal
from typing import Any

from app.catalog.endpoint import Endpoint

PARAMETERS = ("max_tokens", "reasoning", "temperature")


def endpoint(tag: str, quantization: str | None = None, **fields: Any) -> Endpoint:
    """An endpoint that can be audited, at $0.30 and $1.00 per million tokens."""
    given: dict[str, Any] = {
        "tag": tag,
        "provider_name": tag.partition("/")[0].title(),
        "quantization": quantization,
        "prompt_price": Decimal("0.0000003"),
        "completion_price": Decimal("0.000001"),
        "cache_read_price": None,
        "price_varies": False,
        "context_length": None,
        "max_completion_tokens": None,
        "supported_parameters": PARAMETERS,
        "status": 0,
        "uptime": 99.0,
        "tier": None,
    }
    return Endpoint(**given | fields)
