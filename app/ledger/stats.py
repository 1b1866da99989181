"""Stats: the sums over receipts, as answers for people, pages and programs. PURE.

`Store.stats` and `Store.series` return these. Each figure is defined in docs/ledger.md.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from .histogram import Histogram
from .receipt import iso
from .tally import NOTHING, PICO, Tally, total
from .wanted import VerdictFilter

Tallied = Literal["provider", "quantization", "model", "caller", "rule"]
Detail = Literal["user_agent", "session"]  # counted from the receipts one by one
Dimension = Literal[Tallied, Detail]
DIMENSIONS: tuple[Tallied, ...] = get_args(Tallied)
DETAILS: frozenset[str] = frozenset(get_args(Detail))


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The number of requests with each verdict; `none`: there was nothing to judge."""

    kept: int = 0
    broken: int = 0
    unproven: int = 0
    none: int = 0

    def __add__(self, other: "Verdicts") -> "Verdicts":
        return Verdicts(
            self.kept + other.kept,
            self.broken + other.broken,
            self.unproven + other.unproven,
            self.none + other.none,
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums over some receipts. Figures of disjoint parts add up to those of the whole."""

    tally: Tally = NOTHING
    verdicts: Verdicts = field(default_factory=Verdicts)

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(total((self.tally, other.tally)), self.verdicts + other.verdicts)

    @property
    def requests(self) -> int:
        """All requests, including refused and failed ones."""
        return self.tally.requests

    @property
    def refused(self) -> int:
        """Requests that Pointsman refused; nothing was sent."""
        return self.tally.refused

    @property
    def errors(self) -> int:
        """Requests that failed, as `app/ledger/receipt.py:has_failed` says."""
        return self.tally.errors

    @property
    def error_rate(self) -> float | None:
        """Errors per request that was sent."""
        return _ratio(self.tally.errors, self.tally.requests - self.tally.refused)

    @property
    def ttft(self) -> Histogram:
        """The distribution of milliseconds to the first token."""
        return Histogram(self.tally.ttft)

    @property
    def speed(self) -> Histogram:
        """The distribution of tokens per second."""
        return Histogram(self.tally.speed)

    @property
    def ttft_p50_ms(self) -> float | None:
        """Half of the answers began sooner."""
        return self.ttft.percentile(50)

    @property
    def ttft_p95_ms(self) -> float | None:
        """All but one in twenty answers began sooner."""
        return self.ttft.percentile(95)

    @property
    def tokens_per_second_p50(self) -> float | None:
        """Half of the answers were slower."""
        return self.speed.percentile(50)

    @property
    def prompt_tokens(self) -> int:
        """Tokens of prompts, including cached ones."""
        return self.tally.prompt_tokens

    @property
    def cached_tokens(self) -> int:
        """Tokens of prompts that came from a provider's cache."""
        return self.tally.cached_tokens

    @property
    def completion_tokens(self) -> int:
        """Tokens of answers, reasoning included."""
        return self.tally.completion_tokens

    @property
    def cached_share(self) -> float | None:
        """Cached tokens per prompt token, where upstream reported both."""
        return _ratio(self.tally.cached_tokens, self.tally.told_tokens)

    @property
    def cost_usd(self) -> Decimal:
        """What was paid, as far as upstream reported it: see `paid_usd`."""
        return self.tally.cost_pico / PICO

    @property
    def cost_per_1k_tokens(self) -> Decimal | None:
        """Cost of a thousand tokens, prompt and completion together, where a cost was reported."""
        if not self.tally.priced_tokens:
            return None
        return self.tally.cost_pico / PICO * 1000 / self.tally.priced_tokens

    @property
    def flips(self) -> int:
        """Requests of a session that went to another provider than the previous request."""
        return self.tally.flips

    @property
    def flip_tokens(self) -> int:
        """Prompt tokens that were not read from the cache because of flips."""
        return self.tally.flip_tokens

    @property
    def flip_usd(self) -> Decimal:
        """The cost of those tokens, by each request's average; without a reported cost it is 0."""
        return self.tally.flip_pico / PICO


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one group: a provider, a model by a caller, or another grouping."""

    names: tuple[str | None, ...]  # one for each dimension; None: no provider served, no caller ...
    figures: Figures
    share: float  # of all requests that were counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Groups, most requests first, and their total.

    Grouped by rule, a request counts for each rule that applied, but once in the total.
    """

    since: datetime | None  # as counted: earlier than requested if the receipts are deleted
    until: datetime | None
    by: tuple[Dimension, ...]
    groups: tuple[Group, ...]
    total: Figures


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one group, one for each bucket of time."""

    names: tuple[str | None, ...]
    points: tuple[Figures, ...]
    shares: tuple[float, ...]  # of all requests in the bucket; 0 where there were none


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Figures over time: buckets of equal length, without gaps."""

    bucket: timedelta
    starts: tuple[datetime, ...]
    by: tuple[Dimension, ...]
    lines: tuple[Line, ...]  # most requests first
    total: tuple[Figures, ...]


def dimensions(text: str) -> tuple[Tallied, ...]:
    """The dimensions in a text such as `provider,quantization`, each once; those of tallies.

    Raises `ValueError` for any other.
    """
    words = dict.fromkeys(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        if word not in DIMENSIONS:
            raise ValueError(f"{word!r} is not one of {', '.join(DIMENSIONS)}")
    return tuple(name for word in words for name in DIMENSIONS if name == word)


def stats_as_json(stats: Stats) -> dict[str, Any]:
    """Return stats in JSON types: ISO times, money as numbers."""
    return {
        "since": stats.since and iso(stats.since),
        "until": stats.until and iso(stats.until),
        "by": list(stats.by),
        "groups": [
            {
                **dict(zip(stats.by, group.names, strict=True)),
                "share": group.share,
                **figures_as_json(group.figures),
            }
            for group in stats.groups
        ],
        "total": figures_as_json(stats.total),
    }


def figures_as_json(figures: Figures) -> dict[str, Any]:
    """The figures by name, as numbers."""
    named: dict[str, Any] = {name: _number(getattr(figures, name)) for name in FIGURES}
    verdicts = figures.verdicts
    named["verdicts"] = {name: getattr(verdicts, name) for name in get_args(VerdictFilter)}
    return named


FIGURES = (
    *("requests", "refused", "errors", "error_rate"),
    *("ttft_p50_ms", "ttft_p95_ms", "tokens_per_second_p50"),
    *("prompt_tokens", "cached_tokens", "completion_tokens", "cached_share"),
    *("cost_usd", "cost_per_1k_tokens", "flips", "flip_tokens", "flip_usd"),
)


def _number(value: Decimal | float | None) -> float | None:
    return float(value) if isinstance(value, Decimal) else value


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
