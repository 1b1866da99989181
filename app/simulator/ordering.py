"""Order the remaining rows for the attempts.

Without an `order`, a sort or a tier, the default order applies: traffic shares, see shares.py, or
the older lottery by 1/price².

Rows for which the account has its own key come before all others, even if an order without
fallbacks excludes them; every earlier filter applies to them too (openrouter.md §1.6, §7 step 10).
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from .ask import Ask
from .catalog import Row
from .naming import Candidate
from .routing import Funnel, admitted_tiers, has_own_key, matches
from .shares import drawn

# Older lottery: the number of cheapest rows that share the load; a guess (openrouter.md §7).
_LOAD_BALANCED = 4


def ordered(funnel: Funnel, random: Random, sticky: Row | None) -> list[Row]:
    """The rows in the order of attempts. Raises `Refusal` if no fallback may be used."""
    ask, provider = funnel.ask, funnel.ask.provider
    rows = [row for row in funnel.left if not row.listed.get("status")]
    rows += [row for row in funnel.left if row not in rows]
    funnel.left = rows
    funnel.note("Apply Status Sorting")
    rows = _arranged(ask, funnel.candidate, rows, random)
    listed: list[Row] = []
    if provider.get("order"):
        listed = [row for row in rows if _place(ask, row) is not None]
        rows = _manually(ask, rows)
        funnel.left = rows
        if listed:
            funnel.note("Apply Manual Order")
    elif sticky is not None:
        rows = sorted(rows, key=lambda row: row is not sticky)
    funnel.left = _preferred(provider, rows)
    own = [row for row in funnel.left if has_own_key(ask, row)]
    if provider.get("allow_fallbacks") is False and not ask.switches.disobey:
        _without_fallbacks(funnel, listed if provider.get("order") else funnel.left[:1], own)
    if own:
        funnel.left = [*own, *(row for row in funnel.left if row not in own)]
        funnel.note("Add BYOK Endpoints")
    return funnel.left


def _without_fallbacks(funnel: Funnel, kept: Sequence[Row], own: Sequence[Row]) -> None:
    """Keep only rows that may serve; raises the 404 at zero, unless rows with own keys follow."""
    step = "Filter by Fallback"
    if kept or not own:
        funnel.keep(step, lambda row: row in kept)
    else:
        funnel.left = []
        funnel.note(step)


def _place(ask: Ask, row: Row) -> int | None:
    display = ask.switches.display_names_match
    places = (
        n
        for n, entry in enumerate(ask.provider["order"])
        if matches(entry, row, display_names=display)
    )
    return next(places, None)


def _manually(ask: Ask, rows: Sequence[Row]) -> list[Row]:
    """Listed rows in list order, then the others unchanged; unknown names are ignored."""
    last = len(ask.provider["order"])
    places = {id(row): place for row in rows if (place := _place(ask, row)) is not None}
    return sorted(rows, key=lambda row: places.get(id(row), last))


def _arranged(ask: Ask, candidate: Candidate, rows: list[Row], random: Random) -> list[Row]:
    by = _sort(ask)
    if by is None and ask.service_tier in _TIER_SORTS:
        tiers = admitted_tiers(ask, candidate)
        by = _TIER_SORTS[ask.service_tier]
        rows = sorted(rows, key=_BY[by])
        return sorted(rows, key=lambda row: tiers.index(row.tier) if row.tier in tiers else 9)
    by = by or {"nitro": "throughput", "floor": "price"}.get(candidate.suffix)
    if by is None and (candidate.suffix == "exacto" or (ask.tools and ask.switches.auto_exacto)):
        by = "exacto"
    if by is None and ask.provider.get("only") and not ask.switches.only_keeps_shares:
        by = "price"
    if by is not None:
        return sorted(rows, key=_BY[by])
    legacy = ask.switches.default_order == "legacy"
    return _balanced(rows, random) if legacy else drawn(ask, rows, random)


def _sort(ask: Ask) -> str | None:
    by: Any = ask.provider.get("sort")
    return by.get("by") if isinstance(by, dict) else by


def across_models(ask: Ask, rows: list[Row]) -> list[Row]:
    """The rows of several models as one list, for `sort.partition` "none"."""
    by = _sort(ask)
    arranged = _preferred(ask.provider, rows if by is None else sorted(rows, key=_BY[by]))
    return sorted(arranged, key=lambda row: not has_own_key(ask, row))


def _balanced(rows: list[Row], random: Random) -> list[Row]:
    """One of the cheapest healthy rows, weighted by 1/price²; after it the rest by price.

    Rows that have been failing come last of all.
    """
    cheapest = sorted((row for row in rows if not row.listed.get("status")), key=_price)
    pool = cheapest[:_LOAD_BALANCED] or rows[:1]
    weights = [1 / max(_price(row), 1e-9) ** 2 for row in pool]
    first = random.choices(pool, weights)[0]
    rest = sorted(rows, key=lambda row: (bool(row.listed.get("status")), _price(row)))
    return [first, *(row for row in rest if row is not first)]


def _price(row: Row) -> float:
    return float(row.price("prompt") + row.price("completion"))


def _latency(row: Row) -> float:
    return row.percentile("latency") or 1e9


def _slowness(row: Row) -> float:
    return -(row.percentile("throughput") or 0)


_BY = {"price": _price, "latency": _latency, "throughput": _slowness, "exacto": _slowness}
_TIER_SORTS = {
    "priority": "throughput",
    "fast": "throughput",
    "ultrafast": "throughput",
    "flex": "price",
}


def _preferred(provider: Any, rows: list[Row]) -> list[Row]:
    """Move rows that miss a preferred value to the end, in their order."""
    wishes = (
        ("preferred_min_throughput", "throughput", lambda value, wish: value >= wish),
        ("preferred_max_latency", "latency", lambda value, wish: value <= wish * 1000),
    )
    for name, figure, fits in wishes:
        wish = provider.get(name)
        if wish is None:
            continue
        cutoffs = wish if isinstance(wish, dict) else {"p50": wish}
        cutoffs = {at: cutoff for at, cutoff in cutoffs.items() if cutoff is not None}
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
