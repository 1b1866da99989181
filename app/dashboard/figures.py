"""Stats as periods, tiles and bars for templates. PURE.

Positions are percentages, since pages may not contain inline styles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from ..ledger.stats import Figures, Verdicts
from ..wording import plural
from . import formats


@dataclass(frozen=True, slots=True)
class Period:
    """A period up to now; its word is one that filters accept."""

    word: str
    label: str


PERIODS = (
    Period("1h", "1 hour"),
    Period("24h", "24 hours"),
    Period("7d", "7 days"),
    Period("30d", "30 days"),
)
USUAL = "24h"
USUAL_OF_SCORES = "7d"  # faults are rare, so that a day shows few
_MONTH = timedelta(days=30)


# --- tiles ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tile:
    """One important figure, with details that put it into proportion."""

    label: str
    value: str
    note: str
    tone: Literal["", "good", "bad", "unsure"] = ""
    href: str = ""


Receipts = Callable[..., str]  # the URL of the receipts that match some filters


def now_tiles(figures: Figures, receipts: Receipts) -> tuple[Tile, ...]:
    """The tiles for the current state."""
    every = receipts()
    return (
        Tile("Requests", formats.count(figures.requests), _failures(figures), href=every),
        kept_tile(figures.verdicts, receipts),
        Tile("First token", formats.duration(figures.ttft_p50_ms), _tail(figures), href=every),
        Tile("Cost", formats.dollars(figures.cost_usd), _unit_price(figures), href=every),
    )


def money_tiles(figures: Figures, length: timedelta, receipts: Receipts) -> tuple[Tile, ...]:
    """The tiles for the cost, the cost per month at this rate, and savings and losses.

    `length` is the time in which the cost arose.
    """
    every = receipts()
    return (
        Tile(
            "Cost",
            formats.dollars(figures.cost_usd),
            plural(figures.requests, "request"),
            href=every,
        ),
        Tile(
            "At this pace",
            formats.dollars(per_month(figures.cost_usd, length)),
            f"per month (30 days), from {formats.span(length)}",
        ),
        Tile(
            "Per 1,000 tokens",
            formats.dollars(figures.cost_per_1k_tokens),
            f"{formats.count(figures.prompt_tokens)} prompt, "
            f"{formats.count(figures.completion_tokens)} completion",
        ),
        Tile(
            "From the cache",
            formats.percent(figures.cached_share),
            f"{formats.count(figures.cached_tokens)} prompt tokens were cached",
        ),
        Tile(
            "Provider flips",
            formats.count(figures.flips),
            f"{formats.dollars(figures.flip_usd)} for {formats.count(figures.flip_tokens)} tokens "
            "that a cache had",
            "unsure" if figures.flips else "",
        ),
    )


def per_month(cost: Decimal, length: timedelta) -> Decimal | None:
    """The cost of thirty days at the rate of another period; None: its length is zero."""
    return cost * Decimal(_MONTH / length) if length else None


def kept_tile(verdicts: Verdicts, receipts: Receipts) -> Tile:
    """The share of judged requests that kept the policy; broken ones come first, with a link."""
    judged = verdicts.kept + verdicts.broken + verdicts.unproven
    if not judged:
        return Tile("Policy kept", formats.UNKNOWN, "no answers judged yet")
    share = formats.percent(verdicts.kept / judged)
    if verdicts.broken:
        note = (
            f"{formats.count(verdicts.broken)} broken, {formats.count(verdicts.unproven)} unproven"
        )
        return Tile("Policy kept", share, note, "bad", receipts(verdict="broken"))
    if verdicts.unproven:
        note, href = f"{formats.count(verdicts.unproven)} unproven", receipts(verdict="unproven")
        return Tile("Policy kept", share, note, "unsure", href)
    note = f"all {formats.count(judged)} judged"
    return Tile("Policy kept", share, note, "good", receipts(verdict="kept"))


def _tail(figures: Figures) -> str:
    slow = figures.ttft_p95_ms
    return f"median; 95 of 100 within {formats.duration(slow)}" if slow else "no measurements yet"


def _unit_price(figures: Figures) -> str:
    price = figures.cost_per_1k_tokens
    return "no cost yet" if price is None else f"{formats.dollars(price)} per 1,000 tokens"


def _failures(figures: Figures) -> str:
    parts = [
        f"{formats.count(number)} {word}"
        for number, word in ((figures.errors, "failed"), (figures.refused, "refused by Pointsman"))
        if number
    ]
    return ", ".join(parts) or "no failures, no refusals"


# --- bars -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One segment of a bar, of 100."""

    kind: str
    start: float
    width: float
    count: int


def verdict_parts(verdicts: Verdicts) -> tuple[Part, ...]:
    """The verdicts as segments of one bar; requests that were not judged are left out."""
    counts = {"kept": verdicts.kept, "unproven": verdicts.unproven, "broken": verdicts.broken}
    whole = sum(counts.values())
    parts: list[Part] = []
    start = 0.0
    for kind, number in counts.items():
        if number:
            width = 100 * number / whole
            parts.append(Part(kind, start, width, number))
            start += width
    return tuple(parts)
