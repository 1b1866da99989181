"""Sessions as trails: a column for each turn, in its host's colour, with its cached share. PURE."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..ledger.session_stats import Trail, Turn
from ..shown import one_line
from ..wording import plural
from . import formats
from .address import Address
from .names import UNNAMED_GREY, colour_of

MOST = 8  # sessions on a page
_LEAST_COLUMNS = 20  # so that a few turns don't fill a line
_SHOWN = 8  # characters of a session's digest


@dataclass(frozen=True, slots=True)
class Step:
    """One turn: its column, and the share of its prompt that came from a cache, of 100."""

    x: float
    width: float
    colour: int
    cached: float
    title: str


@dataclass(frozen=True, slots=True)
class Host:
    """A host of a trail, for its legend."""

    name: str
    colour: int


@dataclass(frozen=True, slots=True)
class Row:
    """One session."""

    name: str
    href: str
    tool: str
    steps: tuple[Step, ...]
    hosts: tuple[Host, ...]
    told: str  # the same in words
    cost: str


def trails_of(trails: Sequence[Trail], address: Address) -> tuple[Row, ...]:
    """The rows of a page; widths are such that one turn is equally wide in all of them."""
    longest = max((len(each.turns) for each in trails), default=0)
    width = 100 / max(longest, _LEAST_COLUMNS)
    return tuple(_row(each, width, address) for each in trails)


def _row(trail: Trail, width: float, address: Address) -> Row:
    named = dict.fromkeys(turn.provider for turn in trail.turns)
    figures = trail.figures
    parts = [
        plural(figures.turns, "turn"),
        plural(figures.flips, "flip"),
        f"{formats.percent(figures.cached_share)} cached",
    ]
    if figures.lost_usd:
        parts.append(f"{formats.dollars(figures.lost_usd)} lost")
    return Row(
        trail.session[:_SHOWN],
        address.receipts(session=trail.session),
        one_line(trail.user_agent or ""),
        tuple(
            Step(at * width, width * 0.86, _colour(turn), _cached(turn) * 100, _said(turn))
            for at, turn in enumerate(trail.turns)
        ),
        tuple(
            Host(name or "not named", colour_of(name) if name else UNNAMED_GREY) for name in named
        ),
        ", ".join(parts),
        formats.dollars(figures.cost_usd),
    )


def _colour(turn: Turn) -> int:
    return colour_of(turn.provider) if turn.provider else UNNAMED_GREY


def _cached(turn: Turn) -> float:
    return min((turn.cached or 0) / turn.prompt, 1.0) if turn.prompt else 0.0


def _said(turn: Turn) -> str:
    cached = formats.percent(_cached(turn)) if turn.cached is not None else "unknown"
    return f"{turn.provider or 'provider not named'}: {turn.prompt:,} tokens, cached {cached}"
