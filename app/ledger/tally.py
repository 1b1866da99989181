"""Tally: a row of whole numbers, the sums over the receipts of one key. PURE.

Rule 1  Tallies of parts add up, field by field, to the tally of the whole; so hours add up to
        days, providers to the total, and each batch is added to the existing tallies.
Rule 2  Sums are exact up to 2^63 - 1, which is 9.2 million dollars, and stop there. No receipt,
        however odd its numbers, can make one wrap round, turn into a float or raise an error.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from .bounds import MOST_WHOLE
from .histogram import of_one
from .receipt import Receipt, has_failed, paid_usd, quantization_of

PICO = Decimal(10) ** 12
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

    def names(self, by: Sequence[str]) -> Iterable[tuple[str | None, ...]]:
        """The groups that this key belongs to: one, or one for each rule if `by` has "rule"."""
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


class Flip(NamedTuple):
    """A session moved to another provider and lost its cached tokens at the previous one."""

    provider: str  # the previous one
    tokens: int  # of the prompt, that the previous provider would have had in its cache
    picodollars: int | None  # their cost, by the receipt's own average; None: it has no price


class Tally(NamedTuple):
    """The sums over receipts; the last two fields are packed histograms."""

    requests: int = 0
    errors: int = 0  # failed requests
    refused: int = 0  # by Pointsman; nothing was sent
    prompt_tokens: int = 0
    told_tokens: int = 0  # prompt tokens where upstream also reported how many were cached
    cached_tokens: int = 0
    completion_tokens: int = 0
    priced_tokens: int = 0  # prompt and completion, where upstream reported the cost
    cost_pico: int = 0  # what was paid: see `paid_usd`
    flips: int = 0
    flip_tokens: int = 0
    flip_pico: int = 0
    ttft: int = 0
    speed: int = 0


SUMS = Tally._fields[:-2]
HISTOGRAMS = Tally._fields[-2:]
NOTHING = Tally()


def tally_of(receipt: Receipt, flip: Flip | None) -> Tally:
    """Return the tally of one receipt."""
    prompt = _tokens(receipt.prompt_tokens)
    completion = _tokens(receipt.completion_tokens)
    paid = paid_usd(receipt)
    return Tally(
        requests=1,
        errors=int(has_failed(receipt)),
        refused=int(receipt.ending == "refused"),
        prompt_tokens=prompt,
        told_tokens=0 if receipt.cached_tokens is None else prompt,
        cached_tokens=_tokens(receipt.cached_tokens),
        completion_tokens=completion,
        priced_tokens=prompt + completion if paid is not None else 0,
        cost_pico=_picodollars(paid),
        flips=int(flip is not None),
        flip_tokens=flip.tokens if flip else 0,
        flip_pico=(flip.picodollars or 0) if flip else 0,
        ttft=of_one(receipt.ttft_ms),
        speed=of_one(receipt.tokens_per_second),
    )


def gained(before: Receipt, after: Receipt) -> Tally:
    """Return what a receipt that is counted adds to its tally once more is known of it."""
    known = zip(tally_of(before, None), tally_of(after, None), strict=True)
    return Tally(*(now - then for then, now in known))


def total(tallies: Iterable[Iterable[int]]) -> Tally:
    """The sum of tallies."""
    rows = tuple(tallies)
    if len(rows) == 1:
        return Tally(*rows[0])
    return Tally(*map(sum, zip(*rows, strict=True))) if rows else NOTHING


class Turn(NamedTuple):
    """One served request of a session: the fields that its next request is compared with."""

    provider: str
    prompt_tokens: int | None
    cached_tokens: int | None

    @property
    def cached_share(self) -> float | None:
        """The share of the prompt that came from the cache; None if upstream didn't report it."""
        if not self.prompt_tokens or self.cached_tokens is None:
            return None
        return min(1.0, max(0.0, self.cached_tokens / self.prompt_tokens))


def flip_between(
    before: Turn, after: Turn, cost: Decimal | None, completion: int | None
) -> Flip | None:
    """Return the flip from one turn of a session to the next; None if the provider is the same.

    The lost tokens are the drop in the cached share times the later prompt's tokens. Their price
    is the average cost of a token in the later request, prompt and completion together, since a
    receipt has no finer price. Without a drop, or without cache data, nothing is lost.
    """
    if before.provider == after.provider:
        return None
    was, now = before.cached_share, after.cached_share
    prompt = _tokens(after.prompt_tokens)
    lost = 0 if was is None or now is None else round(max(0.0, was - now) * prompt)
    if cost is None:
        return Flip(before.provider, lost, None)
    tokens = prompt + _tokens(completion)
    spent = _picodollars(cost) * lost // tokens if lost else 0
    return Flip(before.provider, lost, min(spent, MOST_WHOLE))


def _tokens(number: int | None) -> int:
    return min(max(number or 0, 0), MOST_WHOLE)


def _picodollars(cost: Decimal | None) -> int:
    if cost is None or not cost.is_finite():
        return 0
    return min(max(round(cost * PICO), 0), MOST_WHOLE)
