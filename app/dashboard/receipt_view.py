"""A receipt in full, with its evidence. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..ledger.receipt import Receipt, as_json_object, paid_usd
from .formats import (
    UNKNOWN,
    count,
    dollars,
    duration,
    inline_json,
    json_lines,
    percent,
    rate,
    size,
)
from .receipt_row import Row, ended, row_of

_LEAST_SHOWN = 0.005  # of a request's time


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in a receipt; `block` is for values of several lines."""

    label: str
    value: str
    block: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Facts that belong together."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A phase of the request, for the bar: its start and end, of 100."""

    label: str
    start: float
    width: float
    value: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A receipt in full."""

    row: Row
    verdict: str | None
    headline: str
    sections: tuple[Section, ...]
    evidence: tuple[str, ...]
    attempts: tuple[Mapping[str, str], ...]
    overruled: tuple[Mapping[str, str], ...]
    timeline: tuple[Moment, ...]
    json: str


def whole_of(receipt: Receipt) -> Whole:
    """A receipt with all its facts."""
    row = row_of(receipt)
    return Whole(
        row=row,
        verdict=receipt.verdict,
        headline=_sentence(receipt.reason or ended(receipt)),
        sections=_sections(receipt),
        evidence=receipt.evidence,
        attempts=tuple(_attempt(each) for each in receipt.attempts),
        overruled=tuple(_overruled(each) for each in receipt.overruled),
        timeline=_timeline(receipt),
        json=json_lines(as_json_object(receipt)),
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sections(receipt: Receipt) -> tuple[Section, ...]:
    sent = receipt.preferences_sent
    cached = receipt.cached_tokens and receipt.prompt_tokens
    sections = (
        _section(
            "Provider",
            ("Provider", receipt.provider),
            ("Listed as", ", ".join(receipt.quantizations_listed)),
            ("Model", receipt.model_served),
            ("Generation", receipt.generation_id),
            ("Strategy", receipt.router_strategy),
            ("Region", receipt.region),
            ("Service tier", receipt.service_tier),
            ("Own key", _known(_yes, receipt.is_byok)),
            ("Response cache", receipt.cache_status),
        ),
        _section(
            "Request",
            ("Model", receipt.model_asked),
            ("Alias", receipt.alias),
            ("Sent as", receipt.model_sent),
            ("Path", receipt.path),
            ("API", receipt.dialect),
            ("Streamed", _yes(receipt.streamed)),
            ("Context, estimated", _known(count, receipt.context_tokens)),
            ("Most tokens asked for", _known(count, receipt.max_tokens_asked)),
            ("Tools offered", _known(count, receipt.tools_offered)),
            ("Response format", receipt.response_format),
            ("Output asked for", ", ".join(receipt.modalities)),
            ("Caller", receipt.caller),
            ("Audit", receipt.audit),
            ("User agent", receipt.user_agent),
        ),
        _section(
            "Session",
            ("Session", receipt.session),
            ("Named by", receipt.session_source),
            ("Subagent", receipt.subagent),
            ("Affinity", receipt.affinity),
            ("Pinned to", receipt.pinned_to),
            ("Why", receipt.pin_reason),
        ),
        _section(
            "Speed",
            ("First byte", _known(duration, receipt.ttfb_ms)),
            ("First token", _known(duration, receipt.ttft_ms)),
            ("Complete answer", _known(duration, receipt.duration_ms)),
            ("Tokens a second", _known(rate, receipt.tokens_per_second)),
        ),
        _section(
            "Tokens and cost",
            ("Prompt", _known(count, receipt.prompt_tokens)),
            ("of it cached", _known(count, receipt.cached_tokens)),
            ("of it written to the cache", _known(count, receipt.cache_write_tokens)),
            (
                "Cached share",
                percent((receipt.cached_tokens or 0) / (receipt.prompt_tokens or 1))
                if cached
                else None,
            ),
            ("Completion", _known(count, receipt.completion_tokens)),
            ("of it reasoning", _known(count, receipt.reasoning_tokens)),
            ("Cost", _known(dollars, paid_usd(receipt))),
            ("Cost read later", "from OpenRouter's record" if receipt.cost_source else None),
            ("OpenRouter's fee", _known(dollars, receipt.cost_usd) if receipt.is_byok else None),
            ("Provider's charge", _known(dollars, receipt.upstream_cost_usd)),
            ("Listed, a million tokens", _prices(receipt.token_prices)),
        ),
        _section(
            "Result",
            ("Status", receipt.status),
            ("Ending", ended(receipt)),
            ("Finish reason", receipt.finish_reason),
            ("in the provider's words", receipt.native_finish_reason),
            ("Tool calls", _known(count, receipt.tool_calls)),
            ("Defects", ", ".join(receipt.defects)),
            ("Not read", receipt.unread),
            ("Error", receipt.error_code),
            ("Message", receipt.error_message),
            ("Sent", size(receipt.bytes_in)),
            ("Answered", size(receipt.bytes_out)),
        ),
    )
    policy = _section(
        "Policy",
        ("Rules", ", ".join(receipt.rules)),
        ("Policy version", receipt.book),
        ("Judged by listing", receipt.listing),
    )
    if sent is not None:
        facts = (*policy.facts, Fact("Preferences sent", json_lines(sent), block=True))
        policy = Section(policy.title, facts)
    every = (*sections[:3], policy, *sections[3:], _explanation(receipt))
    return tuple(section for section in every if section.facts)


def _prices(prices: Mapping[str, str] | None) -> str | None:
    if prices is None:
        return None
    named = (f"{name.replace('_', ' ')} ${Decimal(price):f}" for name, price in prices.items())
    return ", ".join(named)


def _explanation(receipt: Receipt) -> Section:
    """Why no endpoint was left, as the client was told."""
    told = receipt.explanation or {}
    section = _section("Why no endpoint was left", ("Step", told.get("step")))
    sentences = "\n".join(map(str, told.get("told", ())))
    more = (Fact("Explanation", sentences, block=True),) if sentences else ()
    return Section(section.title, (*section.facts, *more))


def _yes(value: bool) -> str:  # noqa: FBT001 - a field's value
    return "yes" if value else "no"


def _known(shown: Any, value: Any) -> str | None:
    return None if value is None else shown(value)


def _section(title: str, *facts: tuple[str, object]) -> Section:
    """A section of those facts that are known."""
    known = tuple(Fact(label, str(value)) for label, value in facts if value not in {None, ""})
    return Section(title, known)


def _attempt(attempt: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: inline_json(attempt[name]) if attempt.get(name) is not None else UNKNOWN
        for name in ("provider", "model", "status")
    }


def _overruled(overruled: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: inline_json(overruled[name]) if overruled.get(name) is not None else UNKNOWN
        for name in ("field", "asked", "sent", "rule", "why")
    }


def _timeline(receipt: Receipt) -> tuple[Moment, ...]:
    """Waiting, thinking, answering, as shares of the whole."""
    whole = receipt.duration_ms
    if not whole:
        return ()
    ends = (
        ("until the first byte", receipt.ttfb_ms),
        ("until the first token", receipt.ttft_ms),
        ("until the end", whole),
    )
    moments: list[Moment] = []
    begin = 0.0
    for label, end in ends:
        if end is not None and end - begin > whole * _LEAST_SHOWN:
            until = min(end, whole)
            width = 100 * (until - begin) / whole
            moments.append(Moment(label, 100 * begin / whole, width, duration(until - begin)))
            begin = until
    return tuple(moments) if len(moments) > 1 else ()
