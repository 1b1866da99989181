"""The server of these settings, asked over HTTP as a tool would ask it."""

from collections.abc import Mapping
from typing import Any

import httpx2

from ..settings import Settings
from .words import local_address

_PATIENCE_SECONDS = 5.0
LARGEST = 4_000_000  # bytes of an answer; all metrics take a tenth of it


def address_of(settings: Settings) -> str:
    """The address without a path, such as http://127.0.0.1:4477."""
    return f"http://{local_address(settings.host)}:{settings.port}"


def caller_headers(settings: Settings) -> dict[str, str]:
    """The headers by which our own requests are admitted: an operator's key, if there is one."""
    names = [*settings.operators, *settings.caller_keys]
    for name in names:
        if name in settings.caller_keys:
            return {"authorization": f"Bearer {settings.caller_keys[name].get_secret_value()}"}
    return {}


def readiness(settings: Settings) -> Mapping[str, Any] | None:
    """What `/ready` answers; None if no Pointsman answers there."""
    answer = _get(settings, "/ready", {})
    try:
        told = None if answer is None else answer.json()
    except ValueError:
        return None
    return told if isinstance(told, dict) and "status" in told and "book" in told else None


def metrics(settings: Settings) -> str | None:
    """What `/metrics` answers; None if no Pointsman answers there, or not to our key."""
    answer = _get(settings, "/metrics", caller_headers(settings))
    if answer is None or answer.status_code != httpx2.codes.OK:
        return None
    return answer.text if "pointsman_requests" in answer.text else None


def _get(settings: Settings, path: str, headers: Mapping[str, str]) -> httpx2.Response | None:
    """The whole answer to a GET; None if there is none, or if it is larger than any of ours."""
    try:
        with (
            httpx2.Client(timeout=_PATIENCE_SECONDS, trust_env=False) as client,
            client.stream("GET", address_of(settings) + path, headers=headers) as answer,
        ):
            body = bytearray()
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    return None
            return httpx2.Response(answer.status_code, content=bytes(body))
    except httpx2.RequestError:
        return None
