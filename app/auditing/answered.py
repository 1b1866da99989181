"""What becomes of a reply: an answer that counts, one that is dropped, or another try. PURE."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from ..audit.answers import TOKENS, hashed
from ..audit.plan import Planned
from ..audit.results import Drop
from ..errors import UpstreamGarbage, UpstreamTimeout, UpstreamUnreachable
from ..ledger.audits import Answer
from ..ledger.receipt import Receipt, paid_usd
from .order import Job
from .sending import Reply

_OK = 200
_TOKENS = ("prompt_tokens", "completion_tokens", "reasoning_tokens")
_UNANSWERED = frozenset(
    each.code for each in (UpstreamUnreachable, UpstreamTimeout, UpstreamGarbage)
)
BUSY = frozenset({429, 503})  # statuses after which OpenRouter may say when to come back


def body_of(model: str, endpoint: Planned, prompt: str) -> bytes:
    """The request that asks an endpoint one prompt.

    There is no seed and no top_p: together with `require_parameters` they would shut out endpoints.
    """
    fields: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "temperature": 0,
        "max_tokens": TOKENS,
        "provider": {
            "only": [endpoint.tag],
            "allow_fallbacks": False,
            "require_parameters": True,
        },
    }
    if endpoint.reasoning_off:
        fields["reasoning"] = {"enabled": False}
    return msgspec.json.encode(fields)


def has_failed(reply: Reply) -> bool:
    """Whether a request has to be tried again: there is no whole answer, or no receipt of it."""
    return reply.status != _OK or reply.text is None or reply.receipt is None


def failure_of(reply: Reply) -> str:
    """How a request failed, to end a sentence: with which status, or without any."""
    if reply.status is None or (reply.receipt and reply.receipt.error_code in _UNANSWERED):
        return "without an answer from OpenRouter"
    return "without a whole answer" if reply.status == _OK else f"with status {reply.status}"


def cost_of(reply: Reply) -> Decimal | None:
    """What a request has cost, at a provider's own charge too where the account has its key.

    None: not told, as where a request ended without an answer. OpenRouter charges nothing for an
    error of its own; a lost connection is none, and the request may have been served.
    """
    receipt = reply.receipt
    if receipt is None:
        return None
    cost = paid_usd(receipt)
    if cost is None and reply.status not in (None, _OK) and receipt.generation_id is None:
        return None if receipt.error_code in _UNANSWERED else Decimal(0)
    return cost


def drop_of(endpoint: Planned, receipt: Receipt) -> Drop | None:
    """Why a whole answer does not count; None: it does.

    Without evidence of the provider that served, an answer is not attributed to the endpoint.
    """
    if (receipt.cache_status or "").upper() == "HIT":
        return "cached"
    if receipt.provider != endpoint.tag.partition("/")[0]:
        return "other_provider"
    if not (receipt.prompt_tokens or receipt.completion_tokens):
        return "no_usage"
    return None


@dataclass(frozen=True, slots=True)
class Asked:
    """One prompt, asked: which, of which endpoint, in which audit."""

    audit: str
    endpoint: Planned
    job: Job

    def answer(self, reply: Reply, key: bytes, cost: Decimal) -> Answer:
        """The answer to keep: hashes by the key, and no text."""
        receipt = reply.receipt
        if receipt is None or has_failed(reply):
            return self._kept(receipt, cost, dropped="failed")
        dropped = drop_of(self.endpoint, receipt)
        hashes = b"" if dropped or reply.text is None else hashed(reply.text, key)
        return self._kept(receipt, cost, dropped=dropped, hashes=hashes)

    def _kept(
        self, receipt: Receipt | None, cost: Decimal, *, dropped: Drop | None, hashes: bytes = b""
    ) -> Answer:
        told: dict[str, Any] = {}
        if receipt is not None:
            told = {name: getattr(receipt, name) for name in _TOKENS}
            told["receipt"] = receipt.id
        return Answer(
            audit=self.audit,
            tag=self.endpoint.tag,
            prompt=self.job.prompt,
            round=self.job.round,
            hashes=hashes,
            cost_usd=cost,
            dropped=dropped,
            **told,
        )
