"""The read endpoints: models, endpoints, providers, generation records, the key (contract §5)."""

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.simulator.catalog import Row
from app.simulator.refusals import Refusal
from app.simulator.router import Router
from app.simulator.switches import Switches
from app.simulator.validation import check_key


def models(request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /models."""
    wanted = request.query_params.get("output_modalities")
    listed = [
        model.listed for model in router.catalog.models if wanted is None or wanted in model.outputs
    ]
    body = {"data": listed, "total_count": len(listed), "links": {"next": None}}
    return JSONResponse(body, headers={"Cache-Control": "public, max-age=300"})


def models_count(_request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /models/count."""
    return JSONResponse({"data": {"count": len(router.catalog.models)}})


def endpoints(request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /models/{author}/{slug}/endpoints; percentiles only for who shows a key."""
    model = router.catalog.find("{author}/{slug}".format(**request.path_params))
    if model is None:
        raise Refusal(404, "Model not found")
    keyed = "authorization" in request.headers or "x-api-key" in request.headers
    told = ("id", "name", "created", "description", "architecture")
    body = {key: model.listed.get(key) for key in told}
    return JSONResponse(
        {"data": {**body, "endpoints": [_public(row, keyed) for row in model.rows]}}
    )


def _public(row: Row, keyed: bool) -> dict[str, Any]:  # noqa: FBT001 - private
    hidden = {} if keyed else {"latency_last_30m": None, "throughput_last_30m": None}
    return {**row.listed, **hidden}


def zdr_endpoints(_request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /endpoints/zdr."""
    rows = (row for model in router.catalog.models for row in model.rows if row.hidden.get("zdr"))
    return JSONResponse({"data": [_public(row, keyed=False) for row in rows]})


def providers(_request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /providers."""
    unknown: dict[str, object] = {
        "privacy_policy_url": None,
        "terms_of_service_url": None,
        "status_page_url": None,
        "headquarters": None,
        "datacenters": [],
    }
    found = sorted(router.catalog.providers().items())
    return JSONResponse({"data": [{"name": name, "slug": slug, **unknown} for slug, name in found]})


def generation(request: Request, router: Router, switches: Switches, now: float) -> Response:
    """GET /generation?id=: the record of what was served, once it has been written."""
    check_key(dict(request.headers))
    identity = request.query_params.get("id", "")
    found = router.served.get(identity)
    if found is None or now < found[2] + switches.generation_delay:
        raise Refusal(404, f"Generation {identity} not found")
    ask, routed, created = found
    completion = routed.completion
    responses = [
        {
            "endpoint_id": hashlib.sha256(row.tag.encode()).hexdigest()[:32],
            "provider_name": row.name,
            "model_permaslug": row.model.canonical,
            "status": status,
            "latency": 250,
            "is_byok": False,
        }
        for row, status in routed.attempts
    ]
    usage = completion.usage
    record = {
        "id": completion.id,
        "api_type": ask.dialect,
        "created_at": created,
        "model": completion.row.model.canonical,
        "provider_name": completion.row.name,
        "provider_responses": responses,
        "streamed": bool(ask.body.get("stream")),
        "cancelled": False,
        "finish_reason": completion.finish_reason,
        "tokens_prompt": usage.prompt_tokens,
        "tokens_completion": usage.completion_tokens,
        "native_tokens_prompt": usage.prompt_tokens,
        "native_tokens_completion": usage.completion_tokens,
        "native_tokens_cached": usage.cached_tokens,
        "native_tokens_reasoning": usage.reasoning_tokens,
        "latency": 250,
        "generation_time": 1000,
        "usage": float(usage.cost),
        "total_cost": float(usage.cost),
        "upstream_inference_cost": float(usage.cost),
        "is_byok": False,
        "session_id": ask.body.get("session_id"),
    }
    return JSONResponse({"data": record})


def key(request: Request, _router: Router, _switches: Switches, _now: float) -> Response:
    """GET /key."""
    check_key(dict(request.headers))
    told = {
        "label": "sk-or-v1-sim...",
        "limit": None,
        "limit_remaining": None,
        "usage": 0,
        "is_free_tier": False,
        "is_management_key": False,
        "allowed_data_regions": ["global"],
        "rate_limit": {"requests": -1, "interval": "10s"},
    }
    return JSONResponse({"data": told})


def credits_(request: Request, _router: Router, _switches: Switches, _now: float) -> Response:
    """GET /credits: for management keys alone."""
    check_key(dict(request.headers))
    raise Refusal(403, "Only management keys can fetch credits for an account")
