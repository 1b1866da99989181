"""The OpenAPI description of Pointsman: its own paths, and its additions to OpenRouter's.

FastAPI describes the paths that it serves. The other paths are served without it, for speed, and
described here: the relayed ones from the table of dialects, so that none can be missing.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from types import GenericAlias, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, create_model

from ..ledger.receipt import Receipt
from ..ledger.wanted import NAMES
from ..wire.dialect import DIALECTS, Dialect

Described = dict[str, Any]

DESCRIPTION = (
    "Pointsman enforces your provider policy per model, and records which provider served each "
    "request, with evidence. Paths under /v1 are OpenRouter's, relayed under your policies; paths "
    "under /pointsman are Pointsman's own."
)
TAGS = [
    {"name": "relayed", "description": "OpenRouter's API, relayed under your policies"},
    {"name": "receipts", "description": "What was served, and what it adds up to"},
    {"name": "audits", "description": "Whether endpoints behave like a reference"},
    {"name": "policies", "description": "What would be sent, and why"},
    {"name": "state", "description": "Is Pointsman alive, ready, and what has it counted"},
]

# The filters; the same ones for receipts and stats.
FILTERS: Mapping[str, str] = {
    "model": "The client asked for this model or alias, or it was sent, or it served; * and ? work",
    "alias": "The client asked for this alias; * and ? work",
    "provider": "This provider served; its slug",
    "quantization": "An endpoint listed with this label served; none: no label is listed",
    "caller": "This caller asked",
    "user_agent": "This tool asked; * and ? work",
    "rule": "This rule took part",
    "verdict": "kept, broken, unproven, or none: nothing was judged",
    "status": "The client got this HTTP status",
    "failed": "true: an error, a broken off, unfinished or empty answer; false: not",
    "refused": "true: Pointsman refused the request; false: it did not",
    "ending": "How it ended: complete, empty, unfinished, upstream_error, ...",
    "defect": "The answer has this defect, one of this group, any, or none",
    "session": "A session's digest, as receipts have it",
    "path": "A path; * and ? work",
    "dialect": "An API: chat, responses, messages, ...",
    "audit": "Those that this audit sent, or any audit, which are left out otherwise",
    "since": "From then on: 90m, 12h, 7d ago, or an ISO date or time",
    "until": "Before then",
}


def parameters(**own: str) -> Described:
    """The parameters that FastAPI documents for a path with the filters and its `own` ones."""
    told = {**own, **{name: FILTERS[name] for name in NAMES}}
    return {
        "parameters": [
            {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
            for name, text in told.items()
        ]
    }


@cache
def receipt_shape() -> type[BaseModel]:
    """A receipt as JSON; from the record's own fields, so that none can be missing."""
    fields: dict[str, Any] = {
        field.name: (_as_json(field.type), ...) for field in msgspec.structs.fields(Receipt)
    }
    return create_model("Receipt", __doc__="The record of one request", **fields)


@cache
def receipts_shape() -> type[BaseModel]:
    """A page of receipts, the newest first."""
    fields: dict[str, Any] = {"receipts": (GenericAlias(list, receipt_shape()), ...)}
    return create_model("Receipts", **fields)


class Detail(BaseModel):
    """What is wrong with a request to Pointsman's own API."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorBody(BaseModel):
    """An error of Pointsman's own, in OpenAI's shape."""

    error: Detail


def _as_json(kind: Any) -> Any:
    """The type that a field has in JSON: ISO times, costs as numbers, lists for tuples."""
    if kind is datetime:
        return datetime
    if kind is Decimal:
        return float
    origin, inside = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return Union[tuple(_as_json(each) for each in inside)]  # noqa: UP007 - of a tuple
    if origin is tuple:
        element: Any = _as_json(inside[0])
        return list[element]
    return dict[str, Any] if origin is Mapping else kind


def with_what_is_not_framed(described: Described) -> Described:
    """The description with the paths that FastAPI does not serve."""
    paths = {**{_path_of(row): {"post": _relayed(row)} for row in DIALECTS.values()}, **_PLAIN}
    return {**described, "paths": {**paths, **described["paths"]}}


def _path_of(row: Dialect) -> str:
    return f"{'/api' if row.beside_base else '/v1'}{row.path}"


def _relayed(row: Dialect) -> Described:
    kinds = ["application/json", *(["multipart/form-data"] if row.takes_forms else [])]
    return {
        "tags": ["relayed"],
        "operationId": f"relay_{row.path.strip('/').replace('/', '_')}",
        "summary": f"OpenRouter's {row.path}, under your policies",
        "description": (
            "The body is sent as it came, except for what a policy sets, strips or narrows; the "
            "answer is passed on byte for byte. A receipt is left."
        ),
        "parameters": [
            {
                "name": "x-pointsman-dry-run",
                "in": "header",
                "description": "Any value but 0 and false: nothing is sent, and the answer is the "
                "explanation of /pointsman/explain",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "object"}} for kind in kinds},
        },
        "responses": {
            "200": {
                "description": "OpenRouter's answer",
                "headers": _HEADERS,
                "content": {"application/json": {}, "text/event-stream": {}},
            },
            **{status: _error(told) for status, told in _REFUSALS.items()},
        },
    }


def _error(told: str) -> Described:
    schema = {"$ref": "#/components/schemas/ErrorBody"}
    return {"description": told, "content": {"application/json": {"schema": schema}}}


_HEADERS: Described = {
    name: {"description": told, "schema": {"type": "string"}}
    for name, told in {
        "x-pointsman-receipt": "The receipt's id",
        "x-pointsman-rule": "The rules that took part",
        "x-pointsman-book": "The policy version",
    }.items()
}
_REFUSALS = {
    "400": "The request can't be read",
    "401": "No key, or not one of Pointsman's",
    "403": "The policy refuses the request, or contradicts it; nothing was sent",
    "404": "The model is not known, or no endpoint is left; with the policy's part in it",
    "502": "OpenRouter can't be reached; or the answer broke the policy and was withheld",
    "503": "Pointsman is stopping, or has no room; ask again after Retry-After",
    "504": "OpenRouter took too long",
}
_JSON_OBJECT: Described = {"content": {"application/json": {"schema": {"type": "object"}}}}


def _plain(tag: str, summary: str, answer: str, **more: Any) -> Described:
    return {
        "tags": [tag],
        "summary": summary,
        "responses": {"200": {"description": answer, **_JSON_OBJECT}},
        **more,
    }


_ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
_PLAIN: Described = {
    "/v1/models": {"get": _plain("relayed", "OpenRouter's models, your aliases first", "The list")},
    "/v1/models/{id}": {
        "get": _plain("relayed", "One model, or one alias", "The model", parameters=_ID)
    },
    "/v1/messages/count_tokens": {
        "post": _plain(
            "relayed",
            "Count tokens, or estimate them",
            "The number; with x-pointsman-estimate it is an estimate",
            requestBody={"required": True, **_JSON_OBJECT},
        )
    },
    "/health": {"get": _plain("state", "The process answers", "It is alive")},
    "/ready": {
        "get": {
            **_plain("state", "How Pointsman stands", "Ready, or degraded and still serving"),
            "responses": {
                "200": {"description": "Ready, or degraded and still serving", **_JSON_OBJECT},
                "503": {"description": "Pointsman is stopping, or starting", **_JSON_OBJECT},
            },
        }
    },
    "/metrics": {
        "get": {
            "tags": ["state"],
            "summary": "Metrics for Prometheus",
            "responses": {"200": {"description": "The metrics", "content": {"text/plain": {}}}},
        }
    },
    "/pointsman/explain": {
        "post": _plain(
            "policies",
            "What would be sent for a request, and why",
            "The explanation; nothing was sent",
            requestBody={"required": True, **_JSON_OBJECT},
            parameters=[
                {"name": name, "in": "query", "description": told, "schema": schema}
                for name, told, schema in (
                    ("caller", "As if this caller asked", {"type": "string"}),
                    ("user_agent", "As if this tool asked", {"type": "string"}),
                    (
                        "header",
                        "As if the request had these headers: name:value",
                        {"type": "array", "items": {"type": "string"}},
                    ),
                )
            ],
        )
    },
}
