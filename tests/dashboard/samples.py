"""What the pages are shown with: a policy, and receipts of the last hours."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.audit.results import Refused, Verdict
from app.ledger.audits import Audit
from app.ledger.receipt import Receipt, new_receipt_id
from app.ledger.store import Store
from tests.audits import compared, kept, result

POLICY = """\
version: 1
rules:
  - {name: careful, models: ["*"], quantization_floor: fp8, data_collection: deny}
  - {name: impossible, models: [deepseek/deepseek-v4.1-flash], max_price: {prompt: 0.01}}
aliases:
  precise-coder: {model: qwen/qwen3-coder, rule: careful}
"""

# What a hostile caller or upstream may put wherever it can.
HOSTILE = "<script>alert('x')</script>\"onmouseover=alert(1) {{7*7}} \u202egnp.exe"

_RANDOM = random.Random(5)


def sample(minutes_ago: float = 1, **fields: Any) -> Receipt:
    """A receipt of a request that a provider answered."""
    started_at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    named = {
        "id": new_receipt_id(started_at.timestamp(), _RANDOM),
        "started_at": started_at,
        "path": "/v1/chat/completions",
        "dialect": "chat",
        "ending": "complete",
        "model_asked": "qwen/qwen3-coder",
        "model_sent": "qwen/qwen3-coder",
        "rules": ("careful",),
        "book": "3f9a1c0d2b11",
        "streamed": True,
        "status": 200,
        "provider": "novita",
        "quantizations_listed": ("fp8",),
        "verdict": "kept",
        "reason": "served by Novita (novita/fp8), listed as fp8",
        "evidence": ("router_metadata", "body.provider", "catalog"),
        "ttfb_ms": 310.0,
        "ttft_ms": 420.0,
        "duration_ms": 2300.0,
        "prompt_tokens": 1200,
        "cached_tokens": 800,
        "completion_tokens": 140,
        "tokens_per_second": 71.5,
        "cost_usd": Decimal("0.00042"),
    }
    return Receipt(**{**named, **fields})


def samples() -> list[Receipt]:
    """A day of several providers, models, verdicts and endings."""
    served = [
        sample(
            minutes_ago=7 * at,
            provider=("novita", "together", "deepinfra")[at % 3],
            verdict=("kept", "kept", "kept", "unproven", "broken")[at % 5],
            model_sent=("qwen/qwen3-coder", "moonshotai/kimi-k2")[at % 2],
            ttft_ms=_RANDOM.lognormvariate(6, 0.4),
            tokens_per_second=_RANDOM.lognormvariate(4, 0.3),
            session=("a", "b")[at % 2],
        )
        for at in range(60)
    ]
    refused = sample(
        3,
        ending="refused",
        status=403,
        provider=None,
        verdict=None,
        error_code="policy_conflict",
        quantizations_listed=(),
    )
    return [*served, refused]


def audited(store: Store) -> None:
    """Two audits of a model a week apart, by whose end an endpoint had changed, and one begun."""
    now = datetime.now(UTC)
    refused = (
        Refused(tag="google-vertex", provider="google-vertex", label=None, reason="no_temperature"),
        Refused(tag="targon/fp8", provider="targon", label="fp8", reason="degraded"),
    )
    words: tuple[tuple[int, Verdict], ...] = ((8, "same"), (1, "different"))
    for days, word in words:
        found = result(
            compared("novita/fp8", word),
            compared("deepinfra/fp4", "different", label="fp4", ratio=0.31, ratio_low=0.2,
                     ratio_high=0.42, checks=("template",), dropped={"cached": 3}),
            compared("together/fp8", "undecided", ratio=0.93),
            compared("groq", "undecided", label=None, reason="too_few_answers", ratio=None,
                     ratio_low=None, ratio_high=None, prompts=12),
            compared("cerebras/fp16", "same", label="fp16", ratio=1.02),
            refused=refused,
        )  # fmt: skip
        kept(store, found, f"aud_{days}", now - timedelta(days=days))
    begun = Audit(
        id="aud_now", model="moonshotai/kimi-k2", started_at=now - timedelta(days=20), plan={}
    )
    store.keep_audit(begun)
