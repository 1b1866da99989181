"""Endpoints read from rows that are known to be readable."""

from typing import Any

from app.catalog.endpoint import Endpoint, read_endpoint


def read(listed: dict[str, Any]) -> Endpoint:
    endpoint = read_endpoint(listed)
    assert endpoint is not None
    return endpoint
