"""A receipt as one line of a list. PURE."""

from dataclasses import dataclass

from ..ledger.receipt import Receipt, iso, paid_usd
from .formats import UNKNOWN, dollars, duration

_COST_DIGITS = 4  # aligns the decimal points
_LONGEST_WORD = 24

ENDINGS = {
    "complete": "complete",
    "empty": "finished without an answer",
    "unfinished": "stopped before the answer was finished",
    "caller_left": "client disconnected",
    "upstream_cut": "OpenRouter broke off",
    "upstream_error": "OpenRouter answered with an error",
    "draining": "cut when Pointsman stopped",
    "refused": "refused by Pointsman; nothing was sent",
}
# Pointsman's own words for what OpenRouter did, where it answered with no error.
_BY_CODE = {
    "upstream_unreachable": "OpenRouter was not reached",
    "upstream_timeout": "OpenRouter did not answer in time",
    "upstream_garbage": "OpenRouter's answer could not be read",
    "first_token_deadline": "did not begin within the rule's deadline",
    "stall_deadline": "paused for longer than the rule's deadline",
    "total_deadline": "not complete within the rule's deadline",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list of receipts."""

    id: str
    started_at: str
    verdict: str | None
    reason: str | None
    model: str
    provider: str | None
    served: str  # the listing of the provider, or why there is none
    trouble: bool  # no provider served, or the answer was cut off
    caller: str | None
    tool: str | None  # the user agent
    tool_word: str  # its first word
    ttft: str
    cost: str
    status: str


def row_of(receipt: Receipt) -> Row:
    """A receipt in one line."""
    served, trouble = _served(receipt)
    return Row(
        id=receipt.id,
        started_at=iso(receipt.started_at),
        verdict=receipt.verdict,
        reason=receipt.reason,
        model=_model(receipt),
        provider=receipt.provider,
        served=served,
        trouble=trouble,
        caller=receipt.caller,
        tool=receipt.user_agent,
        tool_word=_word(receipt.user_agent),
        ttft=duration(receipt.ttft_ms),
        cost=dollars(paid_usd(receipt), _COST_DIGITS),
        status=str(receipt.status or UNKNOWN),
    )


def ended(receipt: Receipt) -> str:
    """How a request ended, in a few words."""
    if receipt.ending == "upstream_error" and receipt.error_code in _BY_CODE:
        return _BY_CODE[receipt.error_code]
    return ENDINGS[receipt.ending]


def _model(receipt: Receipt) -> str:
    if receipt.alias:
        return f"{receipt.alias} \N{RIGHTWARDS ARROW} {receipt.model_sent or UNKNOWN}"
    return receipt.model_asked or UNKNOWN


def _served(receipt: Receipt) -> tuple[str, bool]:
    """The provider's listing, or why no provider served; and whether that is a problem."""
    if receipt.provider is None:
        code = receipt.error_code or ""
        why = code if code and not code.isdecimal() else ended(receipt)
        return why, receipt.ending != "complete"
    served = " or ".join(receipt.quantizations_listed) or "not listed"
    if receipt.ending != "complete":
        return f"{served} ({ended(receipt)})", True
    return served, False


def _word(user_agent: str | None) -> str:
    """The tool's name: `OpenAI/Python 1.2` is `OpenAI/Python`."""
    if not user_agent or not user_agent.strip():
        return UNKNOWN
    word = user_agent.split()[0]
    return word if len(word) <= _LONGEST_WORD else f"{word[: _LONGEST_WORD - 1]}…"
