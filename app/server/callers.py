"""Callers and their keys.

If caller keys are set, every request must carry one, as a bearer token or as `x-api-key`; one valid
key is enough, whatever the other header contains. It identifies the caller and is not forwarded.
Without caller keys, every program that reaches this address may call.

Wrong keys are rate-limited by address, and right ones never: many callers may share an address.
"""

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv6Address, ip_address

from pydantic import SecretStr

from ..errors import TooManyWrongKeys, UnknownCallerKey
from .brake import Brake

WRONG_KEYS_A_MINUTE = 20
WRONG_KEYS_A_MINUTE_LOOPBACK = 200

_BEARER = b"bearer "
_MOST_SHOWN = 8  # more would be a list of guesses
_NETWORK_BYTES = 8  # of an IPv6 address: the rest is a host's own choice


class Callers:
    """The callers that are admitted, identified by digests of their keys."""

    def __init__(
        self,
        keys: Mapping[str, SecretStr],
        *,
        operators: Collection[str] = (),
        brake: Brake | None = None,
    ) -> None:
        """`operators` are the callers that may also read other callers' receipts."""
        self._digests = {
            name: _digest(key.get_secret_value().encode()) for name, key in keys.items()
        }
        self._operators = frozenset(operators)
        self._brake = Brake() if brake is None else brake

    def admit(
        self, headers: Iterable[tuple[bytes, bytes]], address: str | None = None
    ) -> str | None:
        """The name of the caller whose key is among those sent; None if no keys are set.

        Raises `UnknownCallerKey`, and `TooManyWrongKeys` if the address has recently sent many.
        Each key sent is compared with all known keys, in constant time (T-44).
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
            self._refuse(address)
        return names[0]

    def may_read_of(self, caller: str | None) -> str | None:
        """The one caller whose receipts `caller` may read; None: those of all.

        If keys are set and the request has no caller, it is a name that no caller has.
        """
        reads_all = not self._digests or caller in self._operators
        return None if reads_all else caller or ""

    def proof_of(self, caller: str, session_id: str) -> str | None:
        """A proof that a session was begun with the key that the caller has now.

        None: there is no such caller.
        """
        digest = self._digests.get(caller)
        return None if digest is None else hmac.digest(digest, session_id.encode(), "sha256").hex()

    def _refuse(self, address: str | None) -> None:
        place, a_minute = _place(address)
        seconds = self._brake.note(place, a_minute=a_minute)
        if seconds:
            raise TooManyWrongKeys(
                f"this address sent more than {a_minute} requests without a valid caller key "
                f"within a minute; wait {seconds} seconds, or send a valid one now",
                seconds=seconds,
            )
        raise UnknownCallerKey(
            "this Pointsman requires a caller key; send one of POINTSMAN_CALLER_KEYS "
            "as 'Authorization: Bearer ...' or as 'x-api-key'"
        )


def shown_keys(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """The keys that a request carries, bearer tokens first; the first eight of them.

    Many clients send a placeholder in one header and the key in the other.
    """
    bearer: list[bytes] = []
    plain: list[bytes] = []
    for name, value in headers:
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            bearer.append(value[len(_BEARER) :].strip())
        elif name == b"x-api-key":
            plain.append(value.strip())
    return [key for key in (*bearer, *plain) if key][:_MOST_SHOWN]


def _place(address: str | None) -> tuple[str, int]:
    """The network that is rate-limited as one, and how many wrong keys it may send in a minute."""
    try:
        known = ip_address(address or "")
    except ValueError:  # a socket in a file system
        return "here", WRONG_KEYS_A_MINUTE_LOOPBACK
    if isinstance(known, IPv6Address):
        if known.ipv4_mapped is not None:
            known = known.ipv4_mapped
        elif not known.is_loopback:
            return known.packed[:_NETWORK_BYTES].hex(), WRONG_KEYS_A_MINUTE
    if known.is_loopback:
        return "here", WRONG_KEYS_A_MINUTE_LOOPBACK
    return str(known), WRONG_KEYS_A_MINUTE


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
