"""The Pointsman that answers at the configured address, asked over HTTP."""

import http.client
import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ..errors import SettingsError
from ..ledger.receipt import Receipt
from ..settings import Settings
from .words import local_address

_SECONDS = 5.0
WRITTEN_SECONDS = 5.0  # a receipt is written within one
_LOOK_AGAIN_SECONDS = 0.05
_MOST_READ = 4_000_000  # bytes


class Running:
    """A Pointsman at an address, whether or not it is there."""

    def __init__(self, settings: Settings, key: str | None = None) -> None:
        """`key` is the caller key that is shown to it."""
        shown, self._port = local_address(settings.host), settings.port
        self._host = shown.strip("[]")
        self._headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self.address = f"http://{shown}:{self._port}"
        self._connection: http.client.HTTPConnection | None = None

    def is_there(self) -> bool:
        """Whether a Pointsman answers there that takes requests."""
        if not self._port:
            return False
        alive, ready = (self._json(path) for path in ("/health", "/ready"))
        book = ready.get("book")
        return alive.get("status") == "alive" and isinstance(book, dict) and "revision" in book

    def must_admit(self) -> None:
        """Raise `SettingsError` if it asks for a caller key, and this is not one."""
        if self._ask("/pointsman/receipts?limit=1")[0] in {401, 429}:
            has = "does not accept this caller key" if self._headers else "asks for a caller key"
            raise SettingsError(
                f"the Pointsman at {self.address} {has}; give one with --key or POINTSMAN_KEY"
            )

    def receipts(self, ids: Iterable[str]) -> Iterator[Receipt | None]:
        """The receipts with these ids, as soon as they are written; None for one that is not."""
        until = time.monotonic() + WRITTEN_SECONDS
        for each in ids:
            status, body = self._ask(f"/pointsman/receipts/{each}")
            while status == http.client.NOT_FOUND and time.monotonic() < until:
                time.sleep(_LOOK_AGAIN_SECONDS)
                status, body = self._ask(f"/pointsman/receipts/{each}")
            try:
                yield msgspec.json.decode(body, type=Receipt) if status == http.client.OK else None
            except msgspec.DecodeError:
                yield None

    def _json(self, path: str) -> dict[str, Any]:
        status, body = self._ask(path)
        try:
            found = json.loads(body) if status == http.client.OK else None
        except (ValueError, RecursionError):
            found = None
        return found if isinstance(found, dict) else {}

    def _ask(self, path: str) -> tuple[int, bytes]:
        """One GET: status and body; status 0 without an answer."""
        connection = self._connection
        if connection is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_SECONDS)
            self._connection = connection
        try:
            connection.request("GET", path, headers=self._headers)
            answer = connection.getresponse()
            body = answer.read(_MOST_READ)
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, b""
        if not answer.isclosed():  # there is more than what was read
            self.close()
        return answer.status, body

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
