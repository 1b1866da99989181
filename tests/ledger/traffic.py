"""Made-up traffic, and figures counted the slow and obvious way to compare with."""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.ledger.receipt import Receipt
from tests.ledger.receipts import receipt

HOSTS: tuple[tuple[str | None, tuple[str, ...]], ...] = (
    ("novita", ("fp8",)),
    ("deepinfra", ("bf16", "fp4")),
    ("moonshotai", ("unknown",)),
    (None, ()),
)
RULES = ((), ("base",), ("base", "private"))
ENDINGS = ("complete", "complete", "complete", "caller_left", "upstream_error", "refused")


def traffic(count: int, *, days: float, seed: int = 0, start: float = 0.0) -> list[Receipt]:
    """Receipts spread over so many days, in the order of their times."""
    chance = random.Random(seed)
    moments = sorted(start + chance.uniform(0, days * 86_400) for _ in range(count))
    return [_one(round(moment, 3), chance) for moment in moments]


def _one(seconds: float, chance: random.Random) -> Receipt:
    provider, quantizations = chance.choice(HOSTS)
    model = chance.choice(("qwen/qwen3-coder", "moonshotai/kimi-k2"))
    served = provider is not None
    prompt = chance.randrange(1, 100_000)
    fields: dict[str, Any] = {
        "caller": chance.choice((None, "aider", "cline")),
        "model_asked": model,
        "model_sent": model if served else None,
        "rules": chance.choice(RULES),
        "provider": provider,
        "quantizations_listed": quantizations,
        "verdict": chance.choice(("kept", "broken", "unproven")) if served else None,
        "ending": chance.choice(ENDINGS),
        "session": chance.choice((None, "s1", "s2")),
    }
    if served:
        fields |= {
            "ttft_ms": chance.lognormvariate(6, 1),
            "tokens_per_second": chance.lognormvariate(4, 0.5),
            "prompt_tokens": prompt,
            "cached_tokens": chance.choice((None, 0, prompt // 2, prompt)),
            "completion_tokens": chance.randrange(1, 3000),
            "cost_usd": chance.choice((None, Decimal(chance.randrange(1, 10**9)) / 10**10)),
            "is_byok": chance.choice((None, False, False, True)),
            "upstream_cost_usd": chance.choice((None, Decimal(chance.randrange(10**9)) / 10**10)),
        }
    return receipt(seconds, **fields)


def group_of(one: Receipt, name: str) -> tuple[str | None, ...]:
    """In which groups a receipt counts."""
    if name == "rule":
        return one.rules or (None,)
    return (
        {
            "provider": one.provider,
            "quantization": " or ".join(sorted(one.quantizations_listed)) or None,
            "model": one.model_sent or one.model_asked,
            "caller": one.caller,
        }[name],
    )


def within(
    receipts: Iterable[Receipt], since: datetime | None, until: datetime | None
) -> Iterator[Receipt]:
    """Those that began in time."""
    for one in receipts:
        if (since is None or one.started_at >= since) and (until is None or one.started_at < until):
            yield one


def sums(receipts: Iterable[Receipt]) -> dict[str, Any]:
    """What they add up to."""
    these = list(receipts)
    own = [one for one in these if one.is_byok]  # the provider's charge comes on top
    charges = [*(one.cost_usd for one in these), *(one.upstream_cost_usd for one in own)]
    return {
        "requests": len(these),
        "refused": sum(one.ending == "refused" for one in these),
        "errors": sum(one.ending in {"upstream_error", "upstream_cut"} for one in these),
        "prompt_tokens": sum(one.prompt_tokens or 0 for one in these),
        "cached_tokens": sum(one.cached_tokens or 0 for one in these),
        "completion_tokens": sum(one.completion_tokens or 0 for one in these),
        "cost_usd": sum((charge or Decimal(0) for charge in charges), Decimal(0)),
    }
