"""GET /tools: OpenRouter's server tools as a machine-readable list (openrouter.md §A2.1)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .pages import page
from .refusals import Refusal
from .router import Router
from .switches import Switches
from .tool_list import BY_TYPE, EVERYWHERE, TOOLS
from .validation import check_key

_MOST = 1000


def tools(request: Request, router: Router, switches: Switches, _now: float) -> Response:
    """GET /tools."""
    _check(request, switches)
    wanted = request.query_params.get("api_format")
    if wanted is not None and wanted not in EVERYWHERE:
        known = "|".join(f'"{each}"' for each in EVERYWHERE)
        raise Refusal(400, f"api_format: Invalid option: expected one of {known}")
    listed = [
        _shown(tool.listed(), router) for tool in TOOLS if wanted is None or wanted in tool.formats
    ]
    shown, more = page(request, listed, usual=_MOST, most=_MOST)
    if more and wanted:
        more = f"{more}&api_format={wanted}"
    return JSONResponse({"data": shown, "links": {"next": more}, "total_count": len(listed)})


def tool(request: Request, router: Router, switches: Switches, _now: float) -> Response:
    """GET /tools/{name}, by its id or by any other of its spellings."""
    _check(request, switches)
    found = BY_TYPE.get(request.path_params["name"])
    if found is None:
        raise Refusal(404, "Resource not found")
    listed = _shown(found.listed(), router)
    natively = {
        model.id: [row.provider for row in model.rows if found.id in _native(row.listed)]
        for model in router.catalog.models
    }
    models = [{"slug": slug, "providers": hosts} for slug, hosts in natively.items() if hosts]
    listed["native_support"] |= {"models": models}
    return JSONResponse({"data": listed})


def _check(request: Request, switches: Switches) -> None:
    if switches.tools_need_key:
        check_key(dict(request.headers))


def _shown(listed: dict[str, Any], router: Router) -> dict[str, Any]:
    """An item with its counts: the endpoints that have the tool themselves."""
    having = [
        row
        for model in router.catalog.models
        for row in model.rows
        if listed["id"] in _native(row.listed)
    ]
    counts = {"endpoint_count": len(having), "model_count": len({row.model.id for row in having})}
    return {**listed, "native_support": counts}


def _native(row: Any) -> Any:
    return row.get("native_tools") or {}
