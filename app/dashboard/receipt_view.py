"""A receipt in full, with its evidence. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.dashboard.formats import (
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
from app.dashboard.receipt_row import Row, ended, row_of
from app.ledger.receipt import Receipt, as_json_object

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
            ("Response cache", receipt.cache_status),
        ),
        _section(
            "Request",
            ("Model", receipt.model_asked),
            ("Alias", receipt.alias),
            ("Sent as", receipt.model_sent),
            ("Path", receipt.path),
            ("Streamed", "yes" if receipt.streamed else "no"),
            ("Caller", receipt.caller),
            ("User agent", receipt.user_agent),
            ("Session", receipt.session),
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
            (
                "Cached share",
                percent((receipt.cached_tokens or 0) / (receipt.prompt_tokens or 1))
                if cached
                else None,
            ),
            ("Completion", _known(count, receipt.completion_tokens)),
            ("of it reasoning", _known(count, receipt.reasoning_tokens)),
            ("Cost", _known(dollars, receipt.cost_usd)),
        ),
        _section(
            "Result",
            ("Status", receipt.status),
            ("Ending", ended(receipt)),
            ("Finish reason", receipt.finish_reason),
            ("Error", receipt.error_code),
            ("Message", receipt.error_message),
            ("Sent", size(receipt.bytes_in)),
            ("Answered", size(receipt.bytes_out)),
        ),
    )
    policy = _section(
        "Policy", ("Rules", ", ".join(receipt.rules)), ("Policy version", receipt.book)
    )
    if sent is not None:
        facts = (*policy.facts, Fact("Preferences sent", json_lines(sent), block=True))
        policy = Section(policy.title, facts)
    return tuple(section for section in (*sections[:2], policy, *sections[2:]) if section.facts)


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
