"""Tally: a row of whole numbers that says what a set of receipts adds up to. PURE.

Rule 1  Tallies of parts add up, place by place, to the tally of the whole; so hours make days,
        providers make the total, and what one batch brings is added to what is there.
Rule 2  Sums are exact up to 2^63 - 1, which is 9.2 million dollars; there they stay. No receipt,
        however odd its numbers, can make one wrap round, turn into a float or raise.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from app.ledger.bounds import MOST_WHOLE
from app.ledger.histogram import of_one
from app.ledger.receipt import FAILED, Receipt

PICO = Decimal(10) ** 12


class Flip(NamedTuple):
    """A session went on at another provider; what it had in the old one's cache was lost."""

    provider: str  # who served before
    tokens: int  # of the prompt, that the old provider would have had in its cache
    picodollars: int | None  # what they cost, by the receipt's own average; None: it has no price


class Tally(NamedTuple):
    """What receipts add up to; the last two are packed histograms."""

    requests: int = 0
    errors: int = 0  # upstream answered with an error, or broke off
    refused: int = 0  # by us; nothing was sent
    prompt_tokens: int = 0
    told_tokens: int = 0  # prompt tokens where upstream also told how many were cached
    cached_tokens: int = 0
    completion_tokens: int = 0
    priced_tokens: int = 0  # prompt and completion, where upstream told the cost
    cost_pico: int = 0
    flips: int = 0
    flip_tokens: int = 0
    flip_pico: int = 0
    ttft: int = 0
    speed: int = 0


SUMS = Tally._fields[:-2]
HISTOGRAMS = Tally._fields[-2:]
NOTHING = Tally()


def tally_of(receipt: Receipt, flip: Flip | None) -> Tally:
    """What one receipt counts for."""
    prompt = _tokens(receipt.prompt_tokens)
    completion = _tokens(receipt.completion_tokens)
    priced = receipt.cost_usd is not None
    return Tally(
        requests=1,
        errors=int(receipt.ending in FAILED),
        refused=int(receipt.ending == "refused"),
        prompt_tokens=prompt,
        told_tokens=0 if receipt.cached_tokens is None else prompt,
        cached_tokens=_tokens(receipt.cached_tokens),
        completion_tokens=completion,
        priced_tokens=prompt + completion if priced else 0,
        cost_pico=_picodollars(receipt.cost_usd),
        flips=int(flip is not None),
        flip_tokens=flip.tokens if flip else 0,
        flip_pico=(flip.picodollars or 0) if flip else 0,
        ttft=of_one(receipt.ttft_ms),
        speed=of_one(receipt.tokens_per_second),
    )


def total(tallies: Iterable[Iterable[int]]) -> Tally:
    """The sum of tallies."""
    rows = tuple(tallies)
    if len(rows) == 1:
        return Tally(*rows[0])
    return Tally(*map(sum, zip(*rows, strict=True))) if rows else NOTHING


class Turn(NamedTuple):
    """One served request of a session, as far as the next one asks about it."""

    provider: str
    prompt_tokens: int | None
    cached_tokens: int | None

    @property
    def cached_share(self) -> float | None:
        """Which part of the prompt came from the cache; None where upstream didn't tell."""
        if not self.prompt_tokens or self.cached_tokens is None:
            return None
        return min(1.0, max(0.0, self.cached_tokens / self.prompt_tokens))


def flip_between(
    before: Turn, after: Turn, cost: Decimal | None, completion: int | None
) -> Flip | None:
    """The flip from one turn of a session to the next; None where the provider stayed.

    Lost are the points by which the cached share fell, of the later prompt's tokens. They are
    priced at what a token of the later request cost on average, prompt and completion together:
    a receipt tells no more. No fall, or no word on the cache: nothing lost.
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
