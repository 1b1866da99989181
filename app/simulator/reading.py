"""Read endpoints: models, endpoints, providers, generation records, the key (openrouter.md §5)."""

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .catalog import Row
from .pages import page
from .refusals import Refusal
from .router import Router
from .routing import has_own_key
from .switches import Switches
from .usage import number
from .validation import check_key


def models(request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /models."""
    wanted = request.query_params.get("output_modalities", "text").split(",")
    listed = [
        {
            "supported_voices": None,
            **model.listed,
            "links": {"details": f"/api/v1/models/{model.canonical}/endpoints"},
        }
        for model in router.catalog.models
        if "all" in wanted or not set(wanted).isdisjoint(model.outputs)
    ]
    shown, more = page(request, listed, usual=len(listed), most=len(listed))
    body = {"data": shown, "total_count": len(listed), "links": {"next": more}}
    return JSONResponse(body, headers={"Cache-Control": "public, max-age=300"})


def models_count(_request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /models/count."""
    return JSONResponse({"data": {"count": len(router.catalog.models)}})


def endpoints(request: Request, router: Router, switches: Switches, _now: float) -> Response:
    """GET /models/{author}/{slug}/endpoints; percentiles only for requests with a key."""
    model = router.catalog.find("{author}/{slug}".format(**request.path_params))
    if model is None:
        raise Refusal(404, "Model not found")
    keyed = _keyed(request)
    told = ("id", "name", "created", "description", "architecture")
    body = {key: model.listed.get(key) for key in told}
    rows = [_public(row, keyed) for row in model.rows]
    if router.listings_read[model.id]:
        later = switches.relisted
        rows = [
            {**row, "quantization": later[row["tag"]]} if row["tag"] in later else row
            for row in rows
        ]
    router.listings_read[model.id] += 1
    return JSONResponse({"data": {**body, "endpoints": rows}})


def _keyed(request: Request) -> bool:
    return "authorization" in request.headers or "x-api-key" in request.headers


def _public(row: Row, keyed: bool) -> dict[str, Any]:  # noqa: FBT001 - private
    hidden = {} if keyed else {"latency_last_30m": None, "throughput_last_30m": None}
    return {**_ALSO_LISTED, **row.listed, **hidden}


# Fields that every row shows, even if a catalog file omits them.
_ALSO_LISTED: dict[str, Any] = {
    "native_tools": {},
    "service_tier": None,
    "supports_voice_cloning": False,
    "supports_multiple_audio_references": False,
    "supports_image_reference": False,
}


def zdr_endpoints(request: Request, router: Router, _switches: Switches, _now: float) -> Response:
    """GET /endpoints/zdr."""
    own = (model for model in router.catalog.models if model.stands_for is None)
    rows = (row for model in own for row in model.rows if row.hidden.get("zdr"))
    return JSONResponse({"data": [_public(row, _keyed(request)) for row in rows]})


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
    """GET /generation?id=: the record of the served request, once it has been written."""
    key = check_key(dict(request.headers))
    identity = request.query_params.get("id", "")
    found, asked_by = router.served.get(identity), router.asked_by.get(identity, key)
    if found is None or asked_by != key or now < found[2] + switches.generation_delay:
        raise Refusal(404, f"Generation {identity} not found")
    ask, routed, created = found
    completion = routed.completion
    left = identity in router.left_early
    stopped = router.stopped(routed)
    ending = [(completion.row, 499)] if stopped else routed.attempts[-1:]
    attempts = [*routed.attempts[:-1], *ending] if routed.attempts else []
    spent = routed.spent * (not stopped)
    cost = number(routed.charged * (not stopped))
    responses = [
        {
            "endpoint_id": _endpoint_id(row),
            "provider_name": row.name,
            "model_permaslug": row.model.canonical,
            "status": status,
            "latency": 250,
            "is_byok": has_own_key(ask, row),
            "routed_service_tier": row.tier,
        }
        for row, status in attempts
    ]
    usage = completion.usage
    record = {
        **dict.fromkeys(_NOT_SIMULATED),
        **dict.fromkeys(_NONE_HAPPENED, 0),
        "id": completion.id,
        "api_type": "completions" if ask.dialect == "chat" else ask.dialect,
        "created_at": datetime.fromtimestamp(created, UTC).isoformat(),
        "data_region": "global",
        "model": completion.row.model.canonical,
        "provider_name": completion.row.name,
        "provider_responses": responses,
        "streamed": bool(ask.body.get("stream")),
        "cancelled": left,
        "finish_reason": None if stopped else completion.finish_reason,
        "native_finish_reason": None if stopped else completion.native_finish_reason,
        "service_tier": completion.row.tier,
        "tokens_prompt": usage.prompt_tokens,
        "tokens_completion": usage.completion_tokens,
        "native_tokens_prompt": usage.prompt_tokens,
        "native_tokens_completion": usage.completion_tokens,
        "native_tokens_cached": usage.cached_tokens,
        "native_tokens_reasoning": usage.reasoning_tokens,
        "latency": 250,
        "generation_time": 1000,
        "usage": cost,
        "total_cost": cost,
        "upstream_inference_cost": number(spent),
        "is_byok": has_own_key(ask, completion.row),
        "session_id": ask.body.get("session_id"),
        "response_cache_source_id": routed.stored.source or None if routed.stored else None,
        "preset_id": ask.preset.id if ask.preset else None,
    }
    return JSONResponse({"data": record})


_NOT_SIMULATED = (
    "app_id",
    "cache_discount",
    "external_user",
    "http_referer",
    "origin",
    "request_id",
    "router",
    "upstream_id",
    "user_agent",
    "web_search_engine",
    "workspace_id",
)
_NONE_HAPPENED = (
    "moderation_latency",
    "native_tokens_completion_images",
    "num_fetches",
    "num_input_audio_prompt",
    "num_media_completion",
    "num_media_prompt",
    "num_search_results",
)


def _endpoint_id(row: Row) -> str:
    """A stable identity of the row, different for two rows with the same tag."""
    place = row.model.rows.index(row)
    return str(uuid5(NAMESPACE_URL, f"{row.model.id}/{place}/{row.tag}"))


def key(request: Request, router: Router, _switches: Switches, now: float) -> Response:
    """GET /key: what the key has spent here, by UTC days, weeks and months."""
    key = check_key(dict(request.headers))
    told = {
        "label": "sk-or-v1-sim...",
        "expires_at": None,
        "creator_user_id": "user_simulated",
        **router.spending.told(key, now),
        "include_byok_in_limit": False,
        "is_free_tier": False,
        "is_management_key": False,
        "is_provisioning_key": False,
        "allowed_data_regions": ["global"],
        "rate_limit": {"requests": -1, "interval": "10s", "note": "Deprecated."},
    }
    return JSONResponse({"data": told})


def credits_(request: Request, _router: Router, _switches: Switches, _now: float) -> Response:
    """GET /credits: only for management keys."""
    check_key(dict(request.headers))
    raise Refusal(403, "Only management keys can fetch credits for an account")
