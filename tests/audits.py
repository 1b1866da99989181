"""Audits as the ledger keeps them, for tests of what they mean."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from app.audit import results
from app.ledger.audits import Audit, EndpointVerdict
from app.ledger.store import Store

MODEL = "qwen/qwen3-coder"
DRAWN = results.Drawn(pool="abc", seed=7, prompts=50, answers=2, tokens=16)
_USUAL: Mapping[str, dict[str, Any]] = {
    "same": {"reason": "no_larger_difference", "ratio": 1.01, "ruled_out": 0.1},
    "undecided": {"reason": "on_the_edge", "ratio": 0.9},
    "different": {"reason": "parts_sooner", "ratio": 0.54},
}


def compared(tag: str, verdict: results.Verdict, **fields: Any) -> results.Compared:
    usual = _USUAL[verdict]
    ratio = usual["ratio"]
    named = {
        "tag": tag,
        "provider": tag.partition("/")[0],
        "label": "fp8",
        "verdict": verdict,
        "prompts": 50,
        "ratio_low": ratio - 0.1,
        "ratio_high": ratio + 0.1,
        "own_reference": 0.92,
        "own": 0.9,
        "p_adjusted": 0.02,
        "could_find": 0.2,
        **usual,
    }
    return results.Compared(**{**named, **fields})


def result(
    *found: results.Compared, model: str = MODEL, reference: str = "alibaba", **fields: Any
) -> results.Audit:
    named: dict[str, Any] = {
        "model": model,
        "day": "2026-11-21",
        "closed": False,
        "drawn": DRAWN,
        "reference": results.Reference(
            tag=reference, provider=reference.partition("/")[0], label="bf16", chosen="author"
        ),
        "compared": found,
        "spent_usd": Decimal("0.031"),
    }
    return results.Audit(**{**named, **fields})


def kept(
    store: Store, found: results.Audit, name: str = "aud_1", at: datetime | None = None
) -> None:
    """Keep a finished audit in a ledger."""
    at = at or datetime.now(UTC)
    audit = Audit(
        id=name,
        model=found.model,
        started_at=at,
        ended_at=at,
        state="finished",
        plan={"plan": {"endpoints": [{}] * (1 + len(found.compared)), "prompts": 50, "answers": 2}},
        result=msgspec.to_builtins(found),
    )
    verdicts = [
        EndpointVerdict(
            audit=name,
            model=found.model,
            tag=each.tag,
            at=at,
            verdict=each.verdict,
            found=msgspec.to_builtins(each),
        )
        for each in found.compared
    ]
    store.keep_audit(audit, verdicts)
