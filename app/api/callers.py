"""Callers and their keys.

With caller keys set, every request must show one, as a bearer token or as `x-api-key`; one that is
right is enough, whatever stands in the other place. It gives the caller its name and is not sent
on. Without caller keys, every program that reaches this address may call.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from pydantic import SecretStr

from app.errors import UnknownCallerKey

_BEARER = b"bearer "
_MOST_SHOWN = 8  # more would be a list of guesses


class Callers:
    """The callers that are let in, known by digests of their keys."""

    def __init__(self, keys: Mapping[str, SecretStr]) -> None:
        self._digests = {
            name: _digest(key.get_secret_value().encode()) for name, key in keys.items()
        }

    def admit(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """The name of the caller whose key is among those shown; None when no keys are set.

        Raises `UnknownCallerKey`. Each key shown is compared with all that are known, in constant
        time (T-44).
        """
        if not self._digests:
            return None
        names = [
            name
            for shown in map(_digest, shown_keys(headers))
            for name, known in self._digests.items()
            if hmac.compare_digest(known, shown)
        ]
        if not names:
            raise UnknownCallerKey(
                "this Pointsman asks for a caller key: send one of those in POINTSMAN_CALLER_KEYS "
                "as 'Authorization: Bearer ...' or as 'x-api-key'"
            )
        return names[0]


def shown_keys(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """The keys that a request shows, bearer tokens first; the first eight of them.

    Many clients send a placeholder in one place beside the key in the other.
    """
    bearer: list[bytes] = []
    plain: list[bytes] = []
    for name, value in headers:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            bearer.append(value[len(_BEARER) :].strip())
        elif name == b"x-api-key":
            plain.append(value.strip())
    return [key for key in (*bearer, *plain) if key][:_MOST_SHOWN]


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
