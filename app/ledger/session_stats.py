"""Session stats: what changes of hosts do to conversations, counted turn by turn. PURE.

A conversation is a session, or a subagent of it, with one model and one caller; a turn is one of
its requests that was answered. Each figure is defined in docs/ledger.md.

Rule 1  Money is a token count times the listed price of the endpoint that served it, never an
        average. Where that price can't be told, the turn counts as not priced.
Rule 2  A turn says something about caches only if the one before it began less than `WARM` before,
        had `LEAST` tokens of prompt, and the answer reported the tokens read from a cache.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

from .receipt import iso

SessionDimension = Literal[
    "rule", "model", "user_agent", "provider", "caller", "affinity", "session"
]
SESSION_DIMENSIONS: tuple[SessionDimension, ...] = get_args(SessionDimension)
_ALSO: Mapping[str, SessionDimension] = {"tool": "user_agent"}
MOST_GROUPS = 1_000  # in an answer; the least costly ones are left out
MOST_IN_TRAIL = 60
MOST_TURNS = 200_000  # newest ones that are counted
WARM = timedelta(minutes=10)
LEAST = 1024  # tokens; providers cache no shorter prompt
_MILLION = Decimal(1_000_000)


class Turn(NamedTuple):
    """One answered request of a session."""

    session: str
    subagent: str | None
    model: str | None
    caller: str | None
    started_at: datetime
    provider: str | None
    user_agent: str | None
    rules: tuple[str, ...]
    affinity: str | None
    prompt: int
    cached: int | None  # None: not reported
    written: int
    cost: Decimal | None
    prices: Mapping[str, str] | None  # USD per million tokens
    wanted: bool  # whether it is counted itself, and not only the turn before one


@dataclass(slots=True)
class SessionFigures:
    """The sums over some turns."""

    sessions: set[str] = field(default_factory=set)
    since: datetime | None = None
    until: datetime | None = None
    turns: int = 0
    flips: int = 0  # another host than the turn before
    followed: int = 0  # turns that a cache could have helped: see rule 2
    cold: int = 0  # those of them that read nothing from a cache
    prompt_tokens: int = 0  # of turns that reported what was cached
    cached_tokens: int = 0
    written_tokens: int = 0
    lost_tokens: int = 0  # of the turn before's prompt, not read from a cache
    not_priced: int = 0  # turns whose endpoint's prices can't be told
    saved_usd: Decimal = Decimal(0)  # by reading tokens from caches
    lost_usd: Decimal = Decimal(0)
    written_usd: Decimal = Decimal(0)
    cost_usd: Decimal = Decimal(0)

    @property
    def cached_share(self) -> float | None:
        """Cached tokens per prompt token."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else None

    @property
    def cold_share(self) -> float | None:
        """Cold turns per turn that a cache could have helped."""
        return self.cold / self.followed if self.followed else None


class SessionGroup(NamedTuple):
    """The figures of one group."""

    names: tuple[str | None, ...]
    figures: SessionFigures


class Trail(NamedTuple):
    """One session: its figures, and its last turns in order."""

    session: str
    user_agent: str | None
    figures: SessionFigures
    turns: tuple[Turn, ...]  # at most `MOST_IN_TRAIL`


@dataclass(frozen=True, slots=True)
class SessionStats:
    """The groups, the most costly first, and all turns together."""

    by: tuple[SessionDimension, ...]
    groups: tuple[SessionGroup, ...]
    total: SessionFigures
    cut: bool = False  # whether older turns are left out, since there are too many


def session_dimensions(text: str) -> tuple[SessionDimension, ...]:
    """The dimensions in a text such as `rule,tool`, each once; a tool is a user agent.

    Raises `ValueError` for any other.
    """
    words = dict.fromkeys(word.strip() for word in text.split(",") if word.strip())
    known: dict[str, SessionDimension] = {each: each for each in SESSION_DIMENSIONS}
    known |= _ALSO
    for word in words:
        if word not in known:
            raise ValueError(f"{word!r} is not one of {', '.join(known)}")
    return tuple(dict.fromkeys(known[word] for word in words))


def count(turns: Iterable[Turn], by: Sequence[SessionDimension]) -> SessionStats:
    """Add up turns that come in the order in which they were written."""
    total = SessionFigures()
    groups: dict[tuple[str | None, ...], SessionFigures] = {}
    counted = 0
    for turn, last in _with_the_one_before(turns):
        counted += 1
        if not turn.wanted:
            continue
        _add(total, turn, last)
        for names in product(*(_names(turn, each) for each in by)):
            _add(groups.setdefault(names, SessionFigures()), turn, last)
    found = [SessionGroup(names, figures) for names, figures in groups.items()] if by else []
    found.sort(key=lambda each: (-each.figures.cost_usd, -each.figures.turns, str(each.names)))
    return SessionStats(tuple(by), tuple(found[:MOST_GROUPS]), total, counted >= MOST_TURNS)


def trails(turns: Iterable[Turn], most: int) -> tuple[Trail, ...]:
    """The most costly sessions, each with its last turns; `turns` in the order of writing."""
    figures: dict[str, SessionFigures] = {}
    last: dict[str, deque[Turn]] = {}
    for turn, previous in _with_the_one_before(turns):
        if turn.wanted:
            _add(figures.setdefault(turn.session, SessionFigures()), turn, previous)
            last.setdefault(turn.session, deque(maxlen=MOST_IN_TRAIL)).append(turn)
    dearest = sorted(
        figures, key=lambda each: (-figures[each].cost_usd, -figures[each].turns, each)
    )
    return tuple(
        Trail(each, last[each][-1].user_agent, figures[each], tuple(last[each]))
        for each in dearest[:most]
    )


def _with_the_one_before(turns: Iterable[Turn]) -> Iterator[tuple[Turn, Turn | None]]:
    """Each turn with the one before it in its conversation."""
    before: dict[tuple[str, str | None, str | None, str | None], Turn] = {}
    for turn in turns:
        conversation = turn[:4]
        yield turn, before.get(conversation)
        before[conversation] = turn


def _names(turn: Turn, dimension: SessionDimension) -> tuple[str | None, ...]:
    if dimension == "rule":
        return turn.rules or (None,)
    if dimension == "affinity":
        return (turn.affinity or "off",)
    return (getattr(turn, dimension),)


def _add(figures: SessionFigures, turn: Turn, last: Turn | None) -> None:
    figures.sessions.add(turn.session)
    figures.since = min(figures.since or turn.started_at, turn.started_at)
    figures.until = max(figures.until or turn.started_at, turn.started_at)
    figures.turns += 1
    figures.cost_usd += turn.cost or 0
    figures.written_tokens += turn.written
    lost = 0
    if last is not None and None not in (last.provider, turn.provider):
        figures.flips += last.provider != turn.provider
    if turn.cached is not None:
        figures.prompt_tokens += turn.prompt
        figures.cached_tokens += turn.cached
        if last is not None and _is_warm(last, turn):
            figures.followed += 1
            figures.cold += not turn.cached
            lost = max(min(last.prompt, turn.prompt) - turn.cached, 0)
            figures.lost_tokens += lost
    _add_money(figures, turn, lost)


def _is_warm(last: Turn, turn: Turn) -> bool:
    return last.prompt >= LEAST and turn.started_at - last.started_at <= WARM


def _add_money(figures: SessionFigures, turn: Turn, lost: int) -> None:
    prices = {name: Decimal(price) for name, price in (turn.prices or {}).items()}
    prompt = prices.get("prompt")
    if prompt is None:
        figures.not_priced += 1
        return
    off = prompt - prices.get("cache_read", prompt)
    figures.saved_usd += (turn.cached or 0) * off / _MILLION
    figures.lost_usd += lost * off / _MILLION
    figures.written_usd += turn.written * prices.get("cache_write", prompt) / _MILLION


def session_stats_as_json(stats: SessionStats) -> dict[str, Any]:
    """The same for machines: money as numbers, in USD."""
    return {
        "by": list(stats.by),
        "groups": [
            {**dict(zip(stats.by, group.names, strict=True)), **_figures_as_json(group.figures)}
            for group in stats.groups
        ],
        "total": _figures_as_json(stats.total),
        "cut": stats.cut,
    }


def _figures_as_json(figures: SessionFigures) -> dict[str, Any]:
    return {
        "sessions": len(figures.sessions),
        "since": figures.since and iso(figures.since),
        "until": figures.until and iso(figures.until),
        "turns": figures.turns,
        "flips": figures.flips,
        "followed": figures.followed,
        "cold": figures.cold,
        "cold_share": figures.cold_share,
        "prompt_tokens": figures.prompt_tokens,
        "cached_tokens": figures.cached_tokens,
        "cached_share": figures.cached_share,
        "written_tokens": figures.written_tokens,
        "lost_tokens": figures.lost_tokens,
        "not_priced": figures.not_priced,
        "saved_usd": float(figures.saved_usd),
        "lost_usd": float(figures.lost_usd),
        "written_usd": float(figures.written_usd),
        "cost_usd": float(figures.cost_usd),
    }
