"""Receipt: the record of one request. PURE.

A receipt records the caller, the model requested, the provider that served it, and whether the
policy was kept. It never contains a prompt, a completion, a key or a header's value.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, Literal

import msgspec

Ending = Literal[
    "complete",
    "empty",
    "unfinished",
    "caller_left",
    "upstream_cut",
    "upstream_error",
    "draining",
    "refused",
]
VerdictWord = Literal["kept", "broken", "unproven"]
# The request was sent, and its client stayed, but got no whole answer. Everything that counts
# failures asks `has_failed`; where there is no receipt, as in SQL, it asks for these endings.
FAILED: frozenset[Ending] = frozenset({"upstream_error", "upstream_cut", "empty", "unfinished"})

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_TIME_DIGITS = 10  # even, like the next: made two at a time
_RANDOM_DIGITS = 12


NAMED_BY_END = 100_000  # newest receipts that are searched for the end of an id


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request, from arrival to end. Times in milliseconds, money in USD, sizes in bytes."""

    id: str
    started_at: datetime  # UTC
    caller: str | None = None
    user_agent: str | None = None
    path: str
    dialect: str | None = None
    model_asked: str | None = None
    alias: str | None = None
    model_sent: str | None = None
    rules: tuple[str, ...] = ()
    book: str | None = None  # the book's revision
    preferences_sent: Mapping[str, Any] | None = None
    overruled: tuple[Mapping[str, Any], ...] = ()
    streamed: bool = False
    status: int | None = None
    generation_id: str | None = None
    provider: str | None = None  # a slug
    model_served: str | None = None
    quantizations_listed: tuple[str, ...] = ()
    verdict: VerdictWord | None = None  # None: nothing was routed, or no policy applied to it
    reason: str | None = None
    evidence: tuple[str, ...] = ()
    attempts: tuple[Mapping[str, Any], ...] = ()
    router_strategy: str | None = None
    cache_status: str | None = None
    ttfb_ms: float | None = None
    ttft_ms: float | None = None
    duration_ms: float | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    tokens_per_second: float | None = None
    cost_usd: Decimal | None = None
    finish_reason: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    ending: Ending
    bytes_in: int = 0
    bytes_out: int = 0
    session: str | None = None  # a digest
    # From the answer.
    native_finish_reason: str | None = None  # in the provider's own words
    service_tier: str | None = None
    region: str | None = None
    cache_write_tokens: int | None = None
    is_byok: bool | None = None
    upstream_cost_usd: Decimal | None = None  # charged by the provider; see docs/http.md
    unread: str | None = None  # why a part of the answer could not be read
    tool_calls: int | None = None
    defects: tuple[str, ...] = ()
    # From the request.
    max_tokens_asked: int | None = None
    context_tokens: int | None = None  # an estimate
    tools_offered: int | None = None
    response_format: str | None = None
    modalities: tuple[str, ...] = ()
    # The session, and what it kept to.
    session_source: str | None = None
    subagent: str | None = None  # a digest
    pinned_to: str | None = None
    pin_reason: str | None = None
    affinity: str | None = None
    explanation: Mapping[str, Any] | None = None  # of a routing 404, as the client got it
    # As listed for the endpoint that served; USD per million tokens. None: it can't be told.
    token_prices: Mapping[str, str] | None = None
    listing: str | None = None  # the digest of the listing that it was judged by
    audit: str | None = None  # the id of the audit that sent it; None: a client did
    # `record`: from OpenRouter's record, read later. None: from the answer, if there is a cost.
    cost_source: str | None = None


FIELDS = Receipt.__struct_fields__

# Kept as JSON where there is more than one value.
TUPLES = frozenset(
    {
        *("rules", "overruled", "quantizations_listed", "evidence", "attempts"),
        *("defects", "modalities"),
    }
)
OBJECTS = frozenset({"preferences_sent", "explanation", "token_prices"})
MONEY = ("cost_usd", "upstream_cost_usd")


def has_failed(receipt: Receipt) -> bool:
    """Whether a request failed: OpenRouter had it, and its client got no whole answer."""
    return receipt.ending in FAILED


def paid_usd(receipt: Receipt) -> Decimal | None:
    """What a request cost in USD: OpenRouter's charge, and with an own key also the provider's.

    With an own key (`is_byok`), `cost_usd` is only OpenRouter's fee. Without one, the provider's
    charge is the same money seen from below, and is not added. None: no cost was reported.
    """
    if not receipt.is_byok or receipt.upstream_cost_usd is None:
        return receipt.cost_usd
    return (receipt.cost_usd or Decimal(0)) + receipt.upstream_cost_usd


def as_json_object(receipt: Receipt) -> dict[str, Any]:
    """Return the receipt in JSON types: an ISO time with milliseconds, money as numbers."""
    named = {name: getattr(receipt, name) for name in FIELDS}
    named["started_at"] = iso(receipt.started_at)
    for name in MONEY:
        if named[name] is not None:
            named[name] = float(named[name])
    for name in TUPLES:
        named[name] = list(named[name])
    return named


def quantization_of(receipt: Receipt) -> str | None:
    """The listed quantization as one text: `bf16 or fp8` if undecided; None: not listed.

    The order in which they are listed makes no difference.
    """
    return " or ".join(sorted(receipt.quantizations_listed)) or None


def iso(moment: datetime) -> str:
    """A UTC time as text: 2026-11-21T09:30:00.125Z."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def new_receipt_id(now: float, random: Random) -> str:
    """Return a new id; later ids sort after earlier ones. `now` in seconds since the epoch."""
    return (
        "rcp_"
        + _base32(int(now * 1000), _TIME_DIGITS)
        + _base32(random.getrandbits(5 * _RANDOM_DIGITS), _RANDOM_DIGITS)
    )


def _base32(number: int, digits: int) -> str:
    places = range(5 * (digits - 2), -1, -10)
    return "".join([_PAIRS[number >> place & 1023] for place in places])
