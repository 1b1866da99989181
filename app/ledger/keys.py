"""Key: which receipts are counted together. PURE."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.ledger.receipt import Receipt, quantization_of
from app.ledger.stats import Dimension

OTHERS = "(others)"  # counted together for lack of room; no model or provider has this name


class Key(NamedTuple):
    """Receipts that agree in all of these share one tally."""

    provider: str | None = None
    quantization: str | None = None
    model: str | None = None
    caller: str | None = None
    rules: tuple[str, ...] = ()
    verdict: str | None = None

    @property
    def number(self) -> int:
        """A digest in 63 bits: the same in every process, so it needs no central assignment."""
        digest = hashlib.blake2b(json.dumps(self).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1

    @property
    def folded(self) -> "Key":
        """The key, without the names that clients and upstream choose."""
        provider = self.provider and OTHERS
        return self._replace(provider=provider, quantization=None, model=OTHERS)

    def names(self, by: Sequence[Dimension]) -> Iterable[tuple[str | None, ...]]:
        """The groups this key belongs to: one, or one for each rule where `by` has rules."""
        return itertools.product(
            *(self.rules or (None,) if each == "rule" else (getattr(self, each),) for each in by)
        )


def key_of(receipt: Receipt) -> Key:
    """Return the key under which a receipt is counted."""
    return Key(
        provider=receipt.provider,
        quantization=quantization_of(receipt),
        model=receipt.model_asked if receipt.model_sent is None else receipt.model_sent,
        caller=receipt.caller,
        rules=tuple(receipt.rules),
        verdict=receipt.verdict,
    )
