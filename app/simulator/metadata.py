"""Router metadata: the router's own report of its decisions (openrouter.md §4)."""

from collections.abc import Sequence
from typing import Any

from .ask import Ask
from .catalog import Row
from .refusals import Refusal
from .routed import Routed
from .router import model_field
from .routing import has_own_key


def metadata_field(ask: Ask, routed: Routed) -> dict[str, Any]:
    """`openrouter_metadata`, if the request asked for it."""
    return {"openrouter_metadata": metadata(ask, routed)} if ask.wants_metadata else {}


def metadata(ask: Ask, routed: Routed) -> dict[str, Any]:
    """The router's report (openrouter.md §4)."""
    row = routed.completion.row
    told: dict[str, Any] = {
        "requested": ask.requested,
        "strategy": routed.strategy,
        "region": "iad",
        "summary": f"available={len(routed.available)}, selected={row.name}",
        "attempt": len(routed.attempts),
        **byok_field(ask, row, of_usage=False),
        "endpoints": {
            "total": len(routed.available),
            "available": [
                {"provider": r.name, "model": _offered_model(ask, r), "selected": r is row}
                for r in routed.available
            ],
        },
    }
    if len(routed.attempts) > 1:
        told["summary"] = (
            f"available={len(routed.available)}, attempts={len(routed.attempts)}, "
            f"selected={row.name}"
        )
        told["attempts"] = attempts_made(ask, routed.attempts)
    if routed.pipeline:
        told["pipeline"] = [*routed.pipeline]
    return told


def attempts_made(ask: Ask, attempts: Sequence[tuple[Row, int]]) -> list[dict[str, Any]]:
    """Every host that received the prompt, with the status it returned."""
    return [
        {"provider": row.name, **model_field(ask.switches.attempts_name, row), "status": status}
        for row, status in attempts
    ]


def _offered_model(ask: Ask, row: Row) -> str:
    """Both the plain id and the dated slug have been seen (openrouter.md §4)."""
    return row.model.id if ask.switches.attempts_name == "id" else row.model.canonical


def byok_field(ask: Ask, row: Row | None, *, of_usage: bool) -> dict[str, Any]:
    """`is_byok` of a usage or of the metadata, in the form set by the switches."""
    told = ask.switches.byok_field == "both" or (
        ask.switches.byok_field == "metadata" and not of_usage
    )
    return {"is_byok": row is not None and has_own_key(ask, row)} if told else {}


def failed_metadata(ask: Ask, refusal: Refusal) -> dict[str, Any]:
    """The router's report of a failure; it also lists rows that the filters removed."""
    available = [
        {"provider": row.name, "model": candidate.model.canonical, "selected": False}
        for candidate in ask.candidates
        for row in candidate.model.rows
    ]
    summary, attempts = f"available={len(available)}", len(refusal.attempts)
    told: dict[str, Any] = {
        "requested": ask.requested,
        "strategy": ask.candidates[0].strategy,
        "region": "iad",
        "summary": f"{summary}, attempts={attempts}" if attempts else summary,
        "attempt": attempts,
        **byok_field(ask, refusal.attempts[-1][0] if attempts else None, of_usage=False),
        "endpoints": {"total": len(available), "available": available},
    }
    if attempts:
        told["attempts"] = attempts_made(ask, refusal.attempts)
    return told
