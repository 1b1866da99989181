"""Explains what would be sent, and why: each changed field with its clauses.

It calls the same functions as a real request, so the explanation is exact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ...catalog.preset import Preset, Unusable
from ...errors import PolicyRefusal
from ..affinity import Stay, Turn
from ..apply import Outgoing, apply
from ..audited import KEY as AUDITED
from ..cap import Capped, Market, capped
from ..deadlines import in_force
from ..other_routes import Carriage
from ..overruled import Overruled
from ..refuse import stripped
from ..request import Request
from ..requirements import LIMITS
from ..route import Route
from ..routed import Routed
from ..rule import Clause
from ..score_floor import KEY as SCORE_FLOOR
from ..sides import Behind, held
from ..slices import split
from ..slug import read_slug
from . import forecast
from .forecast import Forecast


@dataclass(frozen=True, slots=True)
class Explained:
    """One field of the request as it would be sent."""

    field: str  # provider.only, model, session_id
    asked: Any  # None: not in the request
    sent: Any  # None: it would be left out
    behind: Behind  # the source of the value


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one request."""

    route: Route
    fields: tuple[Explained, ...]
    overruled: tuple[Overruled, ...]
    provider: Mapping[str, Any] | None  # the whole object as it would be sent
    refusal: PolicyRefusal | None  # the answer, where nothing would be sent
    by: Routed
    stay: Stay | None = None  # how the conversation would be kept at its host
    capped: Capped | None = (
        None  # what it costs at most, where a rule has a cap and prices are known
    )


def explain(
    by: Routed,
    on: Carriage | None = None,
    turn: Turn | None = None,
    market: Market | None = None,
    dialect: str = "chat",
) -> Explanation:
    """Explain a request that has been routed. `on`, `turn` and errors are those of `apply`.

    A cap of the cost is applied if `market` has the prices.
    """
    request, route = by.request, by.route
    within: Capped | None = None
    try:
        outgoing = apply(request, route, by.presets, on, turn)
        if route.cap is not None and market is not None:
            outgoing, within = capped(outgoing, by, dialect, market)
    except PolicyRefusal as refusal:
        return Explanation(route, (), (), None, refusal, by)
    fields = (*_other_fields(request, outgoing, route), *_provider_fields(by, outgoing))
    sent, stay = outgoing.preferences, outgoing.stay
    return Explanation(route, fields, outgoing.overruled, sent, None, by, stay, within)


def _provider_fields(by: Routed, outgoing: Outgoing) -> list[Explained]:
    request, route = by.request, by.route
    asked, sent = request.provider or {}, outgoing.preferences or {}
    sides = forecast.sides_asked(request, route)
    replaced = Behind(route.origins.get("merge", ())) if route.merge == "replace" else None
    kept = Behind(route.origins.get("affinity", ()))
    moved = outgoing.stay.fields if outgoing.stay else ()
    return [
        Explained(
            f"provider.{field}",
            asked.get(field),
            sent.get(field),
            kept
            if field in moved
            else held(field, sent.get(field), sides) or replaced or Behind(request=True),
        )
        for field in {**sent, **asked}
    ]


def _other_fields(request: Request, outgoing: Outgoing, route: Route) -> list[Explained]:
    """Every other field that would be changed before sending."""
    _, fields = split(outgoing.body)
    return [
        Explained(
            field,
            _read(request.fields.get(field)),
            _read(fields.get(field)),
            Behind(_clauses_of(field, request, route)),
        )
        for field in outgoing.changed
        if field != "provider"
    ]


def _clauses_of(field: str, request: Request, route: Route) -> tuple[Clause, ...]:
    """The clauses that set or strip a field; otherwise those by which a model is renamed.

    A model is renamed by an alias, or by stripping its preset or its `:online`.
    """
    clause = route.set.get(field) or stripped(route).get(field)
    if clause:
        return (clause,)
    if field in LIMITS:
        return route.origins.get("max_request_usd", ())
    if field == "session_id":  # sent as a hint
        return route.origins.get("affinity", ())
    names = [read_slug(name) for name in request.models]
    used = {"preset": any(name.preset for name in names), "models": not request.names_model}
    used["plugins"] = any("online" in name.variants for name in names)
    stripping = (clause for each, clause in route.strip.items() if used.get(each))
    return (*route.origins.get("model", ()), *stripping)


def _read(raw: msgspec.Raw | None) -> Any:
    """A field's value; a value that Pointsman can't read is shown as its text."""
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return bytes(raw or b"").decode(errors="replace")


def as_json_object(
    explanation: Explanation, book: str, funnels: Iterable[Forecast] | None = None
) -> dict[str, Any]:
    """The explanation for machines; `book` is the revision that it applies to.

    With a catalog there are `funnels`, one for each model whose endpoints are known.
    """
    told = {} if funnels is None else {"funnel": list(map(forecast.as_json_object, funnels))}
    route, refusal = explanation.route, explanation.refusal
    return {
        "model_asked": route.model_asked,
        "alias": route.alias,
        "model_sent": None if refusal else route.model_sent,
        "rules": route.rules,
        "book": book,
        "merge": route.merge,
        "on_violation": route.on_violation,
        "router_metadata": route.router_metadata,
        "deadlines": [*map(_clause, in_force(route.deadlines, route.origins))],
        "affinity": route.affinity,
        "pinned_to": explanation.stay.pinned_to if explanation.stay else None,
        "pin_reason": explanation.stay.reason if explanation.stay else None,
        "presets": [_preset(each) for each in explanation.by.presets.values()],
        "inner_models": [each._asdict() for each in explanation.by.carried.inner],
        "not_provable": explanation.by.unprovable,
        "scores": [bar.told for bar in route.bars if bar.key == SCORE_FLOOR],
        "audits": [bar.told for bar in route.bars if bar.key == AUDITED],
        "provider": explanation.provider,
        "fields": [
            {
                "field": field.field,
                "asked": field.asked,
                "sent": field.sent,
                "from": [_clause(clause) for clause in field.behind.clauses],
                "from_request": field.behind.request,
            }
            for field in explanation.fields
        ],
        "strip_headers": [
            {"header": entry, "from": _clause(clause)}
            for entry, clause in route.strip_headers.items()
        ],
        "overruled": [
            {
                "field": item.place,
                "asked": item.asked,
                "sent": item.sent,
                "rule": item.rule,
                "why": item.why,
            }
            for item in explanation.overruled
        ],
        "max_request": _cap(route, explanation.capped),
        "refused": {"code": refusal.code, "message": str(refusal)} if refusal else None,
        **told,
    }


def _preset(preset: Preset | Unusable) -> dict[str, Any]:
    """A preset's layer, with its version; or why the preset is unusable."""
    if isinstance(preset, Unusable):
        return {"preset": preset.slug, "unusable": preset.why}
    return {"preset": preset.slug, "version": preset.version, "provider": preset.provider}


def _cap(route: Route, within: Capped | None) -> dict[str, Any] | None:
    """The cap of the request's cost, and the figures if prices are known."""
    if route.cap is None:
        return None
    bound = within.bound if within else None
    told: dict[str, Any] = {
        "usd": float(route.cap.usd),
        "clamp": route.cap.clamp,
        "from": _clause(route.cap.clause),
        "limit": within.limit if within else None,
        "at_most": None,
    }
    if within is None or bound is None or bound.usd is None:
        return told
    at_most = {
        "usd": float(bound.usd + within.tools_usd),
        "model": bound.model,
        "endpoint": bound.endpoint.tag,
        "prompt_tokens": bound.prompt_tokens,
        "output_tokens": bound.output_tokens,
        "fees_usd": float(bound.fees),
        "tools_usd": float(within.tools_usd),
    }
    return {**told, "at_most": at_most}


def _clause(clause: Clause) -> dict[str, Any]:
    return {
        "rule": clause.rule,
        "file": clause.file,
        "line": clause.line,
        "key": clause.key,
        "value": clause.value,
    }
