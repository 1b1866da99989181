"""Which of the rows that are left is tried first, and what comes after it."""

from collections.abc import Sequence
from random import Random
from typing import Any

from app.simulator.ask import Ask, Candidate
from app.simulator.catalog import Row
from app.simulator.routing import Funnel, matches

# How many of the cheapest rows share the load; not published, so a guess (contract §7).
_LOAD_BALANCED = 4


def ordered(funnel: Funnel, random: Random, sticky: str | None) -> list[Row]:
    """The rows in the order of attempts. Raises `Refusal` where no fallback may be used."""
    ask, provider = funnel.ask, funnel.ask.provider
    rows = [row for row in funnel.left if not row.listed.get("status")]
    rows += [row for row in funnel.left if row not in rows]
    funnel.left = rows
    funnel.note("Apply Status Sorting")
    if provider.get("order"):
        rows = _manually(ask, rows)
        funnel.left = rows
        funnel.note("Apply Manual Order")
    else:
        rows = _arranged(ask, funnel.candidate, rows, random)
        if sticky is not None:
            rows = sorted(rows, key=lambda row: row.tag != sticky)
    rows = _preferred(provider, rows)
    funnel.left = rows
    if provider.get("allow_fallbacks") is False:
        if provider.get("order"):
            listed = [row for row in rows if _place(ask, row) is not None]
            funnel.keep("Filter by Fallback", lambda row: row in listed)
        elif len(rows) > 1:
            funnel.keep("Filter by Fallback", lambda row: row is rows[0])
    return funnel.left


def _place(ask: Ask, row: Row) -> int | None:
    display = ask.switches.display_names_match
    places = (
        n
        for n, entry in enumerate(ask.provider["order"])
        if matches(entry, row, display_names=display)
    )
    return next(places, None)


def _manually(ask: Ask, rows: Sequence[Row]) -> list[Row]:
    """Listed rows in the order of the list, the others behind; unknown entries mean nothing."""
    last = len(ask.provider["order"])
    places = {id(row): place for row in rows if (place := _place(ask, row)) is not None}
    return sorted(rows, key=lambda row: places.get(id(row), last))


def _arranged(ask: Ask, candidate: Candidate, rows: list[Row], random: Random) -> list[Row]:
    by = ask.provider.get("sort") or {"nitro": "throughput", "floor": "price"}.get(candidate.suffix)
    by = by.get("by") if isinstance(by, dict) else by
    if by is None and (candidate.suffix == "exacto" or ask.tools):
        by = "exacto"
    if by == "price":
        return sorted(rows, key=_price)
    if by == "latency":
        return sorted(rows, key=lambda row: row.percentile("latency") or 1e9)
    if by in {"throughput", "exacto"}:
        return sorted(rows, key=lambda row: -(row.percentile("throughput") or 0))
    return _balanced(rows, random)


def _balanced(rows: list[Row], random: Random) -> list[Row]:
    """One of the cheapest healthy rows, weighted by 1/price²; the rest by price behind it."""
    cheapest = sorted((row for row in rows if not row.listed.get("status")), key=_price)
    pool = cheapest[:_LOAD_BALANCED] or rows[:1]
    weights = [1 / max(_price(row), 1e-9) ** 2 for row in pool]
    first = random.choices(pool, weights)[0]
    return [first, *(row for row in sorted(rows, key=_price) if row is not first)]


def _price(row: Row) -> float:
    return float(row.price("prompt") + row.price("completion"))


def _preferred(provider: Any, rows: list[Row]) -> list[Row]:
    """Rows that miss a preferred figure go last, in their order."""
    wishes = (
        ("preferred_min_throughput", "throughput", lambda value, wish: value >= wish),
        ("preferred_max_latency", "latency", lambda value, wish: value <= wish * 1000),
    )
    for name, figure, fits in wishes:
        wish = provider.get(name)
        if wish is None:
            continue
        cutoffs = wish if isinstance(wish, dict) else {"p50": wish}
        rows = sorted(
            rows,
            key=lambda row, cutoffs=cutoffs, figure=figure, fits=fits: (
                not all(  # type: ignore[misc]
                    (value := row.percentile(figure, at)) is not None and fits(value, cutoff)
                    for at, cutoff in cutoffs.items()
                )
            ),
        )
    return rows
