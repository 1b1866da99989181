"""A receipt as one line of a list. PURE."""

from dataclasses import dataclass

from app.dashboard.formats import UNKNOWN, dollars, duration, rate, words
from app.ledger.receipt import Receipt, iso

_COST_DIGITS = 4  # so that points stand under points

ENDINGS = {
    "complete": "complete",
    "caller_left": "client disconnected",
    "upstream_cut": "OpenRouter broke off",
    "upstream_error": "OpenRouter answered with an error",
    "draining": "cut when Pointsman stopped",
    "refused": "refused by Pointsman; nothing was sent",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list of receipts."""

    id: str
    started_at: str
    verdict: str | None
    reason: str | None
    model: str
    served: str
    trouble: bool  # nobody served, or not to the end
    ttft: str
    duration: str
    speed: str
    tokens: str
    cost: str
    caller: str
    rules: str


def row_of(receipt: Receipt) -> Row:
    """A receipt in one line."""
    served, trouble = _served(receipt)
    return Row(
        id=receipt.id,
        started_at=iso(receipt.started_at),
        verdict=receipt.verdict,
        reason=receipt.reason,
        model=_model(receipt),
        served=served,
        trouble=trouble,
        ttft=duration(receipt.ttft_ms),
        duration=duration(receipt.duration_ms),
        speed=rate(receipt.tokens_per_second),
        tokens=_tokens(receipt),
        cost=dollars(receipt.cost_usd, _COST_DIGITS),
        caller=receipt.caller or UNKNOWN,
        rules=words(receipt.rules),
    )


def _model(receipt: Receipt) -> str:
    if receipt.alias:
        return f"{receipt.alias} \N{RIGHTWARDS ARROW} {receipt.model_sent or UNKNOWN}"
    return receipt.model_asked or UNKNOWN


def _served(receipt: Receipt) -> tuple[str, bool]:
    """Who served, at which listed quantization; or why nobody did."""
    if receipt.provider is None:
        code = receipt.error_code or ""
        why = code if code and not code.isdecimal() else ENDINGS[receipt.ending]
        return f"{receipt.status or ''} {why}".strip(), receipt.ending != "complete"
    served = ", ".join((receipt.provider, *receipt.quantizations_listed))
    if receipt.ending != "complete":
        return f"{served} ({ENDINGS[receipt.ending]})", True
    return served, False


def _tokens(receipt: Receipt) -> str:
    if receipt.prompt_tokens is None:
        return UNKNOWN
    return f"{receipt.prompt_tokens:,} + {receipt.completion_tokens or 0:,}"
