"""Who is calling, and may they.

With caller keys set, every caller must show one, as a bearer token or as `x-api-key`; the key
gives the caller its name and goes no further. Without any, everybody who can reach us may call.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from pydantic import SecretStr

from app.errors import UnknownCallerKey

_BEARER = b"bearer "


class Callers:
    """The callers that are let in, known by digests of their keys."""

    def __init__(self, keys: Mapping[str, SecretStr]) -> None:
        self._digests = {
            name: _digest(key.get_secret_value().encode()) for name, key in keys.items()
        }

    def admit(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """The caller's name; None when no keys are set.

        Raises `UnknownCallerKey`. All keys are compared, in constant time each (T-44).
        """
        if not self._digests:
            return None
        shown = _digest(shown_key(headers))
        names = [
            name for name, digest in self._digests.items() if hmac.compare_digest(digest, shown)
        ]
        if not names:
            raise UnknownCallerKey(
                "this Pointsman asks for a caller key: send one of those in POINTSMAN_CALLER_KEYS "
                "as 'Authorization: Bearer ...' or as 'x-api-key'"
            )
        return names[0]


def shown_key(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The key a request shows, or nothing."""
    key = b""
    for name, value in headers:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            return value[len(_BEARER) :].strip()
        if name == b"x-api-key":
            key = value.strip()
    return key


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
