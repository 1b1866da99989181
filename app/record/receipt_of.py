"""From an exchange that has ended to its receipt: facts gathered, the verdict judged."""

import hashlib
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec.structs import replace

from ..budget.accounts import Asker
from ..catalog.catalog import Catalog
from ..errors import Drained, RequestError, UpstreamCut, UpstreamError
from ..ledger.bounds import bounded
from ..ledger.listed import Listed
from ..ledger.receipt import Ending, Receipt
from ..policy.route import Route
from ..policy.slug import read_slug, stands_for_others
from ..policy.verdict.attempts import Tried
from ..policy.verdict.broken import why_broken
from ..policy.verdict.cost import Bill
from ..policy.verdict.evidence import Rests
from ..policy.verdict.judge import Served, Verdict, judge, stricter
from ..wire.observation import Attempt, Observation, Usage
from ..wire.outcome import outcome_of
from .exchange import Asked, Exchange

_FIRST_ERROR_STATUS = 400
_SAME_SECONDS = 10.0  # a listing fetched this shortly before a request counts as newer
_MESSAGE_LIMIT = 300
_LONGEST_PATH = 256
NO_POLICY = "no policy on this route"
_OWN_WISH = " (no policy applies: judged by the request's own preferences)"

# Whose fault decides how it ended; the first that fits.
_ENDINGS: tuple[tuple[type[Exception], Ending], ...] = (
    (UpstreamCut, "upstream_cut"),
    (UpstreamError, "upstream_error"),
    (Drained, "draining"),
    (RequestError, "refused"),
)


class Judged(NamedTuple):
    """Everything observed of an answer, the verdict on it, and the listing that it came from."""

    seen: Observation
    verdict: Verdict
    listed: Listed | None  # None: the verdict, and the labels beside it, came from no listing


def judged(exchange: Exchange, catalog: Catalog, *, now: float) -> Judged:
    """The observation and verdict of an ended exchange; `now` is the steady clock's."""
    observer = exchange.answer.observer
    seen = observer.close() if observer else Observation()
    verdict = verdict_of(exchange, seen, catalog, now=now)
    return Judged(seen, verdict, _listed_for(verdict))


def unsettled(verdict: Verdict, exchange: Exchange) -> Rests | None:
    """The listing to fetch again before it counts against a provider; nearly always None."""
    rests = verdict.rests_on
    return rests if rests and rests.fetched_at < trusted_from(exchange) else None


def trusted_from(exchange: Exchange) -> float:
    """The earliest fetch time, by the steady clock, of a listing that can prove a violation."""
    return exchange.arrival.since - _SAME_SECONDS


def _listed_for(verdict: Verdict) -> Listed | None:
    used = verdict.verdict is not None or verdict.quantizations_listed
    if verdict.listing is None or verdict.listing.kept is None or not used:
        return None
    kept, fetched_at = verdict.listing.kept, max(verdict.listing.fetched_at, 0.0)
    return Listed(kept.model, kept.digest, datetime.fromtimestamp(fetched_at, UTC), kept.body)


def receipt_of(exchange: Exchange, judged: Judged, defects: tuple[str, ...] = ()) -> Receipt:
    """The receipt of one ended exchange, within the ledger's bounds."""
    seen, verdict, listed = judged
    if verdict.rests_on is not None:
        verdict = verdict.as_of(trusted_from(exchange))
    usage = seen.usage or Usage()
    arrival, asked, sent, answer = exchange.arrival, exchange.asked, exchange.sent, exchange.answer
    route, held = asked.route, asked.is_held
    session, stay = asked.session, sent.stay if sent else None
    code, message = _error(exchange, seen)
    receipt = Receipt(
        id=arrival.id,
        started_at=arrival.started_at,
        caller=arrival.caller,
        user_agent=arrival.user_agent,
        path=arrival.path[:_LONGEST_PATH],
        dialect=arrival.dialect.name if arrival.dialect else None,
        model_asked=asked.model,
        alias=route.alias if route else None,
        model_sent=sent.model_sent if sent else None,
        rules=route.rules if route else (),
        book=exchange.book,
        preferences_sent=sent.preferences if sent else None,
        overruled=tuple(map(asdict, sent.overruled)) if sent else (),
        streamed=asked.streamed,
        status=exchange.status,
        generation_id=seen.generation_id or answer.generation_id,
        provider=verdict.provider,
        model_served=seen.model,
        quantizations_listed=verdict.quantizations_listed,
        verdict=verdict.verdict,
        reason=verdict.reason if held or not verdict.verdict else verdict.reason + _OWN_WISH,
        evidence=verdict.evidence,
        attempts=tuple(map(Attempt._asdict, _attempts(asked, seen, answer.status))),
        router_strategy=seen.metadata.strategy if seen.metadata else None,
        cache_status=answer.cache_status,
        ttfb_ms=arrival.milliseconds_to(answer.first_byte),
        ttft_ms=arrival.milliseconds_to(answer.first_token),
        duration_ms=arrival.milliseconds_to(exchange.ended),
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        tokens_per_second=_speed(usage.completion_tokens, answer.first_token, exchange.ended),
        cost_usd=usage.cost_usd,
        finish_reason=seen.finish_reason,
        error_code=code,
        error_message=message,
        ending=_ending(exchange, seen),
        bytes_in=exchange.bytes_in,
        bytes_out=exchange.bytes_out,
        session=session_digest(session.key if session else None),
        session_source=session.source if session else None,
        subagent=session_digest(session.subagent if session else None),
        affinity=stay.affinity if stay else None,
        pinned_to=stay.pinned_to if stay else None,
        pin_reason=stay.reason if stay else None,
        native_finish_reason=seen.native_finish_reason,
        service_tier=seen.service_tier,
        region=seen.metadata.region if seen.metadata else None,
        cache_write_tokens=usage.cache_write_tokens,
        is_byok=_is_byok(seen),
        upstream_cost_usd=usage.upstream_cost_usd,
        unread=seen.unreadable,
        token_prices=verdict.token_prices,
        tool_calls=seen.tool_calls,
        defects=defects,
        max_tokens_asked=asked.wants.max_tokens,
        context_tokens=asked.wants.context_tokens,
        tools_offered=asked.wants.tools,
        response_format=asked.wants.response_format,
        modalities=asked.wants.modalities,
        explanation=exchange.explanation,
        listing=listed.digest if listed else None,
        audit=arrival.audit,
    )
    return bounded(_with_facts(receipt, route) if route and sent and route.bars else receipt)


def _with_facts(receipt: Receipt, route: Route) -> Receipt:
    """The receipt with the scores and audits that the policy's bars applied, or why none were.

    Under `merge: fill`, a bar is not applied where the request has a list of its own.
    """
    bars, sent = route.bars, receipt.preferences_sent or {}
    if route.merge == "fill":
        ours = route.preferences
        bars = tuple(bar for bar in bars if sent.get(bar.becomes) == ours.get(bar.becomes))
    doubts = dict.fromkeys(f"; {bar.told}" for bar in bars if bar.doubt)
    sources = dict.fromkeys(bar.source for bar in bars if bar.source)
    reason = "".join((receipt.reason or "", *doubts))
    return replace(receipt, reason=reason, evidence=(*receipt.evidence, *sources))


def _ending(exchange: Exchange, seen: Observation) -> Ending:
    for kind, ending in _ENDINGS:
        if isinstance(exchange.error, kind):
            return ending
    if not exchange.complete:
        return "caller_left"
    failed = exchange.status is not None and exchange.status >= _FIRST_ERROR_STATUS
    if failed or seen.error:
        return "upstream_error"
    dialect, observed = exchange.arrival.dialect, exchange.answer.observer is not None
    if not observed or dialect is None:
        return "complete"
    return outcome_of(seen, dialect, stops=exchange.asked.wants.stops)


def _error(exchange: Exchange, seen: Observation) -> tuple[str | None, str | None]:
    """The error as a code and a message.

    Only OpenRouter's own wording of upstream's errors is kept: a provider's text in
    `metadata.raw` may quote the prompt (T-47).
    """
    if isinstance(exchange.error, RequestError):
        return exchange.error.code, str(exchange.error)[:_MESSAGE_LIMIT]
    if seen.error is not None:
        return seen.error.code or _unnamed(exchange.status), seen.error.message[:_MESSAGE_LIMIT]
    return None, None


def _unnamed(status: int | None) -> str:
    """A code for an error that has none: the status, unless the status is not an error."""
    return str(status) if status is not None and status >= _FIRST_ERROR_STATUS else "error"


def verdict_of(exchange: Exchange, seen: Observation, catalog: Catalog, *, now: float) -> Verdict:
    """The verdict on the part of an answer that was `seen`, which may be only its beginning.

    A `broken` verdict names the violated clauses, with file and line.
    """
    verdict = _verdict_of(exchange, seen, catalog, now)
    sent, route = exchange.sent, exchange.asked.route
    if verdict.verdict != "broken" or sent is None or route is None:
        return verdict  # nearly always
    clauses = why_broken(verdict, sent.preferences or {}, route.origins)
    return replace(verdict, reason=verdict.reason + clauses)


def _verdict_of(exchange: Exchange, seen: Observation, catalog: Catalog, now: float) -> Verdict:
    asked, sent, answer = exchange.asked, exchange.sent, exchange.answer
    if exchange.arrival.dialect is None:
        return Verdict(verdict=None, reason=NO_POLICY)
    if sent is None or answer.observer is None:
        return Verdict(verdict=None, reason="nothing was routed")
    usage = seen.usage or Usage()
    model = _answering(asked, seen, catalog)
    served = Served(
        status=answer.status,
        model=model,
        named_by_body=seen.provider_names,
        named_by_router=seen.metadata.selected if seen.metadata else None,
        attempted=_attempted(asked, seen, answer.status, catalog),
        bill=_bill(usage),
        is_byok=_is_byok(seen),
        billed=usage.is_byok is not None or usage.upstream_prompt_cost is not None,
        failed=seen.failed,
        server_tools=asked.server_tools or usage.server_tools,
        cache_hit=(answer.cache_status or "").upper() == "HIT",
        unreadable=seen.unreadable,
        unprovable=asked.unprovable or (seen.metadata.unclear if seen.metadata else None),
        inner=asked.inner,
        partly_read=seen.partly_read,
    )
    held_to = sent.terms.with_tiers() if asked.tiered else sent.terms
    verdict = judge(served, held_to, catalog, now=now)
    if asked.terms_for is None or seen.model is None:
        return verdict
    terms = asked.terms_for(model)
    terms = terms.with_tiers() if asked.tiered else terms
    if terms == held_to:
        return verdict
    asked_for = held_to.unchecked
    unasked = ", ".join(each for each in terms.unchecked if each not in asked_for)
    return stricter(verdict, judge(served, terms, catalog, now=now), model, unasked)


def _answering(asked: Asked, seen: Observation, catalog: Catalog) -> str:
    """The model that answered; under the name under which it was sent, if it was sent."""
    sent = asked.models_sent
    if seen.model is not None and asked.terms_for is not None:
        own = catalog.own_name(seen.model)
        named = (name for name in sent if not stands_for_others(read_slug(name)))
        return next((name for name in named if catalog.own_name(name) == own), own)
    meant = catalog.meant(seen.model, sent)
    return meant[0] if meant else seen.model or sent[0]


def _is_byok(seen: Observation) -> bool | None:
    """Whether an own key of the account was used, according to the bill or the router metadata."""
    billed = seen.usage.is_byok if seen.usage else None
    routed = seen.metadata.is_byok if seen.metadata else None
    return routed if billed is None or routed else billed


def _attempts(asked: Asked, seen: Observation, status: int) -> tuple[Attempt, ...]:
    """Every provider that was tried, each as often as it was, in order.

    An error names the attempts before it, which router metadata may list as well, and the one
    that failed last.
    """
    told = seen.metadata.attempts if seen.metadata else ()
    error = seen.error
    if error is None:
        return told
    listed = {(each.provider.lower(), each.status) for each in told}
    told += tuple(
        each for each in error.previous if (each.provider.lower(), each.status) not in listed
    )
    # With server tools, an answer may name a provider that it did not come from.
    by_answer = seen.provider if seen.failed and not asked.server_tools else None
    last = error.provider or by_answer
    if last is None or any(each.failed and each.provider.lower() == last.lower() for each in told):
        return told
    return (*told, Attempt(last, seen.model, _status(error.code, status)))


def _status(code: str, status: int) -> int | None:
    """The status of an attempt that ended in an error; inside a 200 its code may be one."""
    if status >= _FIRST_ERROR_STATUS:
        return status
    return int(code) if re.fullmatch(r"[45]\d\d", code, re.ASCII) else None


def _attempted(asked: Asked, seen: Observation, status: int, catalog: Catalog) -> tuple[Tried, ...]:
    """Every provider that received the prompt but did not serve, under upstream's name for it."""
    if not (seen.metadata or seen.error):
        return ()
    sent = asked.models_sent
    failed = [
        (each.provider, each.model)
        for each in _attempts(asked, seen, status)
        if each.failed or not _is_by(each.provider, seen)
    ]
    if seen.failed and seen.provider and not asked.server_tools:
        failed.append((seen.provider, seen.model))
    return tuple(Tried(name, catalog.meant(model, sent) or sent) for name, model in failed)


def _is_by(provider: str, seen: Observation) -> bool:
    """Whether, as far as is known, this is the provider that served."""
    selected = seen.metadata.selected if seen.metadata else None
    served = {name.lower() for name in (*seen.provider_names, selected) if name}
    return not served or provider.lower() in served


def _bill(usage: Usage) -> Bill | None:
    """The bill, if upstream reported all of it and charged it to OpenRouter's own account."""
    prompt, completion = usage.upstream_prompt_cost, usage.upstream_completion_cost
    if usage.is_byok or prompt is None or completion is None:
        return None
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return Bill(
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens or 0,
        written_tokens=usage.cache_write_tokens,
        completion_tokens=usage.completion_tokens,
        prompt_cost=prompt,
        completion_cost=completion,
    )


def _speed(tokens: int | None, first_token: float | None, ended: float | None) -> float | None:
    """Tokens per second from the first token to the end of the stream."""
    if not tokens or first_token is None or ended is None or ended <= first_token:
        return None
    return round(tokens / (ended - first_token), 2)


def asker_of(exchange: Exchange) -> Asker:
    """For whom a request counts under budgets, as its receipt will say."""
    arrival, session = exchange.arrival, exchange.asked.session
    digest = session_digest(session.key) if session else None
    return Asker(arrival.caller, arrival.user_agent, digest)


def session_digest(session: str | None) -> str | None:
    """A digest of a session's key, or of a subagent's or parent's.

    Enough to distinguish two, not enough to recover one.
    """
    return (
        None
        if session is None
        else hashlib.sha256(session.encode(errors="surrogatepass")).hexdigest()[:16]
    )
