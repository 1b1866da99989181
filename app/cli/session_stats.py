"""`pointsman stats --sessions`: what changes of hosts do to conversations, and what they cost."""

from collections import defaultdict
from itertools import pairwise

from rich.text import Text

from ..ledger.session_stats import (
    MOST_TURNS,
    SessionDimension,
    SessionFigures,
    SessionStats,
    session_stats_as_json,
)
from .stats import Column, dollars, figures_table, names_of, number, percent
from .terminal import Console, print_json

COMPARED: tuple[SessionDimension, ...] = ("rule", "affinity")
_HEADINGS = {"user_agent": "tool"}


def print_session_stats(
    stats: SessionStats, *, as_json: bool, console: Console | None = None
) -> None:
    """Print groups and their total: as a table, or as one JSON object."""
    if as_json:
        print_json(session_stats_as_json(stats))
        return
    console = console or Console()
    if not stats.total.turns:
        console.print(
            "No turn of a session matches. docs/sessions.md has what each tool sends; "
            "POINTSMAN_GUESS_SESSIONS=1 guesses sessions of the others."
        )
        return
    rows = [(names_of(each.names), each.figures, 0.0) for each in stats.groups]
    headings = [_HEADINGS.get(each, each) for each in stats.by]
    console.print(figures_table(headings, rows, stats.total, _COLUMNS, console.width))
    for line in (*_comparisons(stats), *_notes(stats)):
        console.print(Text(line, style="dim"))


def _comparisons(stats: SessionStats) -> list[str]:
    """For each rule, the figures before and after its affinity was changed."""
    if stats.by != COMPARED:
        return []
    by_rule: dict[str, list[tuple[str, SessionFigures]]] = defaultdict(list)
    for (rule, affinity), figures in stats.groups:
        by_rule[rule or "no rule"].append((affinity or "off", figures))
    told = []
    for rule, found in by_rule.items():
        found.sort(key=lambda each: str(each[1].since))
        for (was, before), (now, after) in pairwise(found):
            told.append(
                f"{rule}: {was} -> {now}: cached {_change(before.cached_share, after.cached_share)}"
                f", cold {_change(before.cold_share, after.cold_share)}"
                f", flips {_change(_flips(before), _flips(after))} of turns"
            )
    return told or [
        "no rule had two kinds of affinity in this time, so there is nothing to compare"
    ]


def _change(before: float | None, after: float | None) -> str:
    return f"{percent(before)} -> {percent(after)}"


def _flips(figures: SessionFigures) -> float:
    return figures.flips / figures.turns


def _notes(stats: SessionStats) -> list[str]:
    notes = []
    if stats.total.not_priced:
        share = percent(stats.total.not_priced / stats.total.turns)
        notes.append(
            f"saved and lost are without {share} of the turns: "
            "the prices of the endpoint that served can't be told"
        )
    if "rule" in stats.by:
        notes.append("a turn counts for each rule that applied, and once in the total")
    if stats.cut:
        notes.append(f"the newest {MOST_TURNS:,} turns; older ones are left out")
    return notes


def _text(text: str, style: str = "") -> Text:
    return Text(text, style=style)


def _lost(figures: SessionFigures, _: float) -> Text:
    if not figures.lost_tokens:
        return _text("-", "dim")
    return _text(f"{number(figures.lost_tokens)}, {dollars(figures.lost_usd)}")


def _written(figures: SessionFigures, _: float) -> Text:
    if not figures.written_tokens:
        return _text("-", "dim")
    return _text(f"{number(figures.written_tokens)}, {dollars(figures.written_usd)}")


_COLUMNS: tuple[Column[SessionFigures], ...] = (
    Column("sessions", lambda figures, _: _text(number(len(figures.sessions))), 2),
    Column("turns", lambda figures, _: _text(number(figures.turns))),
    Column("flips", lambda figures, _: _text(number(figures.flips) if figures.flips else "-")),
    Column("cold", lambda figures, _: _text(percent(figures.cold_share))),
    Column("cached", lambda figures, _: _text(percent(figures.cached_share))),
    Column("saved", lambda figures, _: _text(dollars(figures.saved_usd)), 1),
    Column("lost", _lost, 1),
    Column("written", _written, 3),
    Column("cost", lambda figures, _: _text(dollars(figures.cost_usd)), 1),
)
