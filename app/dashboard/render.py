"""Renders templates to pages, with the headers that isolate a page from other sites.

Jinja is loaded for the first page: a proxy whose dashboard is not used does without it.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from ..ledger.wanted import DEFECT_FILTERS
from ..shown import shown
from ..wording import plural
from . import formats
from .assets import asset_url
from .figures import verdict_parts

if TYPE_CHECKING:
    from jinja2 import Environment

# `same-origin`, not `no-referrer`: with that, a browser would send `Origin: null` with a form.
PAGE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A whole page."""
    return HTMLResponse(fragment(template, **values), status_code=status, headers=PAGE_HEADERS)


def fragment(template: str, **values: Any) -> str:
    """A template's text."""
    return _templates().get_template(template).render(values)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - see above

    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,  # models, user agents and errors are outside text
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.globals |= {
        "asset": asset_url,
        "defects": DEFECT_FILTERS,
        "verdict_parts": verdict_parts,
    }
    templates.filters |= {
        "count": formats.count,
        "dollar_digits": formats.dollar_digits,
        "dollars": formats.dollars,
        "duration": formats.duration,
        "percent": formats.percent,
        "plural": plural,
        "rate": formats.rate,
    }
    return templates


def _shown(value: Any) -> Any:
    """Replace direction and hidden characters in outside text; Jinja does the escaping."""
    return shown(value) if type(value) is str else value
