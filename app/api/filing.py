"""From an exchange that has ended to its receipt: facts gathered, the verdict judged."""

from dataclasses import asdict

from app.api.exchange import Exchange, session_digest
from app.catalog.catalog import Catalog, model_key
from app.errors import RequestError, UpstreamCut, UpstreamError
from app.ledger.receipt import Ending, Receipt
from app.policy.cost import Bill
from app.policy.verdict import Served, Verdict, judge
from app.wire.observation import Attempt, Observation, Usage

_FIRST_ERROR_STATUS = 400
_MESSAGE_LIMIT = 300
_OWN_WISH = " (no policy speaks for it: judged by the caller's own preferences)"

# Whose fault decides how it ended; the first that fits.
_ENDINGS: tuple[tuple[type[Exception], Ending], ...] = (
    (UpstreamCut, "upstream_cut"),
    (UpstreamError, "upstream_error"),
    (RequestError, "refused"),
)


def receipt_of(exchange: Exchange, catalog: Catalog, *, now: float) -> Receipt:
    """The receipt of one ended exchange; `now` is the wall clock, for the catalog's age."""
    seen = exchange.observer.close() if exchange.observer else Observation()
    usage = seen.usage or Usage()
    verdict = verdict_of(exchange, seen, catalog, now=now)
    route, outgoing = exchange.route, exchange.outgoing
    code, message = _error(exchange, seen)
    held = route is not None and route.matched
    return Receipt(
        id=exchange.id,
        started_at=exchange.started_at,
        caller=exchange.caller,
        user_agent=exchange.user_agent,
        path=exchange.path,
        dialect=exchange.dialect.name if exchange.dialect else None,
        model_asked=exchange.model_asked,
        alias=route.alias if route else None,
        model_sent=outgoing.model_sent if outgoing else None,
        rules=route.rules if route else (),
        book=exchange.book,
        preferences_sent=outgoing.preferences if outgoing else None,
        overruled=tuple(map(asdict, outgoing.overruled)) if outgoing else (),
        streamed=exchange.streamed,
        status=exchange.status,
        generation_id=seen.generation_id or exchange.header_generation_id,
        provider=verdict.provider,
        model_served=seen.model,
        quantizations_listed=verdict.quantizations_listed,
        verdict=verdict.verdict,
        reason=verdict.reason if held or not verdict.verdict else verdict.reason + _OWN_WISH,
        evidence=verdict.evidence,
        attempts=tuple(map(Attempt._asdict, _attempts(seen))),
        router_strategy=seen.metadata.strategy if seen.metadata else None,
        cache_status=exchange.cache_status,
        ttfb_ms=exchange.milliseconds_to(exchange.first_byte),
        ttft_ms=exchange.milliseconds_to(exchange.first_token),
        duration_ms=exchange.milliseconds_to(exchange.ended),
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        tokens_per_second=_speed(usage.completion_tokens, exchange.first_token, exchange.ended),
        cost_usd=usage.cost_usd,
        finish_reason=seen.finish_reason,
        error_code=code,
        error_message=message,
        ending=_ending(exchange, seen),
        bytes_in=exchange.bytes_in,
        bytes_out=exchange.bytes_out,
        session=session_digest(exchange.session),
    )


def _ending(exchange: Exchange, seen: Observation) -> Ending:
    for kind, ending in _ENDINGS:
        if isinstance(exchange.error, kind):
            return ending
    if not exchange.complete:
        return "caller_left"
    failed = exchange.status is not None and exchange.status >= _FIRST_ERROR_STATUS
    return "upstream_error" if failed or seen.error else "complete"


def _error(exchange: Exchange, seen: Observation) -> tuple[str | None, str | None]:
    """What went wrong, as a code and a message.

    Of upstream's errors only OpenRouter's own wording is kept: what a provider says in
    `metadata.raw` may quote the prompt (T-47).
    """
    if isinstance(exchange.error, RequestError):
        return exchange.error.code, str(exchange.error)[:_MESSAGE_LIMIT]
    if seen.error is not None:
        return seen.error.code or str(exchange.status), seen.error.message[:_MESSAGE_LIMIT]
    return None, None


def verdict_of(exchange: Exchange, seen: Observation, catalog: Catalog, *, now: float) -> Verdict:
    """The verdict on what has been `seen` of an answer; it may be only its beginning."""
    outgoing, status = exchange.outgoing, exchange.upstream_status
    if outgoing is None or exchange.observer is None or status is None:
        return Verdict(verdict=None, reason="nothing was routed")
    usage = seen.usage or Usage()
    selected = seen.metadata.selected if seen.metadata else None
    answering = _answering(exchange.models_sent, seen.model)
    served = Served(
        status=status,
        model=answering,
        named_by_body=seen.provider_names,
        named_by_router=selected.provider if selected else None,
        attempted=_attempted(seen, answering if len(exchange.models_sent) > 1 else None),
        bill=_bill(usage),
        server_tools=exchange.server_tools or usage.server_tools,
        cache_hit=exchange.cache_status == "HIT",
    )
    return judge(served, outgoing.terms, catalog, now=now)


def _answering(sent: tuple[str, ...], named: str | None) -> str:
    """Which of the models sent has answered; with one there is no question."""
    if len(sent) == 1 or named is None:
        return sent[0]
    near = (model for model in sent if model_key(model) == model_key(named))
    return named if named in sent else next(near, named)


def _attempts(seen: Observation) -> tuple[Attempt, ...]:
    told = seen.metadata.attempts if seen.metadata else ()
    return told or (seen.error.previous if seen.error else ())


def _attempted(seen: Observation, model: str | None) -> tuple[str, ...]:
    """Every provider that got the prompt and did not serve, by the name upstream gave it.

    With a `model`, only attempts at that one: another model has other endpoints to be judged by.
    """
    if not (seen.metadata or seen.error):
        return ()
    failed = [
        attempt.provider
        for attempt in _attempts(seen)
        if attempt.failed and (model is None or model_key(attempt.model or "") == model_key(model))
    ]
    if seen.error and seen.error.provider:
        failed.append(seen.error.provider)
    return tuple(failed)


def _bill(usage: Usage) -> Bill | None:
    """The bill, where upstream told all of it and charged it to OpenRouter's own account."""
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
