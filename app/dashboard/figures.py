"""Stats to what a template shows: periods, tiles, bars. PURE.

Positions are percentages, since a page may not carry styles of its own.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from app.dashboard import formats
from app.ledger.stats import Figures, Verdicts
from app.wording import plural


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time up to now, and how finely it is drawn."""

    word: str
    label: str
    length: timedelta
    points: int  # at most


PERIODS = (
    Period("1h", "1 hour", timedelta(hours=1), 30),
    Period("24h", "24 hours", timedelta(days=1), 30),
    Period("7d", "7 days", timedelta(days=7), 35),
    Period("30d", "30 days", timedelta(days=30), 35),
)
_BY_WORD = {period.word: period for period in PERIODS}


def period_of(word: str | None) -> Period:
    """The period of that name; a day, for any other."""
    return _BY_WORD.get(word or "", _BY_WORD["24h"])


# --- tiles ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that matters, with what puts it into proportion."""

    label: str
    value: str
    note: str
    tone: Literal["", "good", "bad", "unsure"] = ""


def now_tiles(figures: Figures) -> tuple[Tile, ...]:
    """How things stand."""
    return (
        Tile("Requests", formats.count(figures.requests), _failures(figures)),
        kept_tile(figures.verdicts),
        Tile("First token", formats.duration(figures.ttft_p50_ms), _tail(figures)),
        Tile("Cost", formats.dollars(figures.cost_usd), _unit_price(figures)),
    )


def money_tiles(figures: Figures) -> tuple[Tile, ...]:
    """What it costs, and what saves or wastes."""
    return (
        Tile("Cost", formats.dollars(figures.cost_usd), plural(figures.requests, "request")),
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


def kept_tile(verdicts: Verdicts) -> Tile:
    """How much of what was judged is kept; anything broken comes first."""
    judged = verdicts.kept + verdicts.broken + verdicts.unproven
    if not judged:
        return Tile("Policy kept", formats.UNKNOWN, "no answers judged yet")
    share = formats.percent(verdicts.kept / judged)
    if verdicts.broken:
        note = (
            f"{formats.count(verdicts.broken)} broken, {formats.count(verdicts.unproven)} unproven"
        )
        return Tile("Policy kept", share, note, "bad")
    if verdicts.unproven:
        return Tile("Policy kept", share, f"{formats.count(verdicts.unproven)} unproven", "unsure")
    return Tile("Policy kept", share, f"all {formats.count(judged)} judged", "good")


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
    """One stretch of a bar, of 100."""

    kind: str
    start: float
    width: float
    count: int


def verdict_parts(verdicts: Verdicts) -> tuple[Part, ...]:
    """The verdicts as stretches of one bar; what was not judged is left out."""
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
