"""The files that pages load: our own and two vendored libraries, nothing from other hosts.

A URL contains a digest of the content, so that browsers may cache it forever.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.responses import Response

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    "dashboard.css": "text/css",
    "dashboard.js": "text/javascript",
    "charts.js": "text/javascript",
    "pointsman.svg": "image/svg+xml",
    "vendor/htmx.min.js": "text/javascript",
    "vendor/uPlot.iife.min.js": "text/javascript",
    "vendor/uPlot.min.css": "text/css",
}
_PREFIX = "/dashboard/static/"
_FOR_EVER = "public, max-age=31536000, immutable"

ASSET_PATHS = frozenset(_PREFIX + name for name in _TYPES)


@cache
def asset_url(name: str) -> str:
    """The URL of an asset in its current version."""
    content = (_FOLDER / name).read_bytes()
    return f"{_PREFIX}{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def asset(name: str) -> "Response | None":
    """The asset of that name, if there is one."""
    kind = _TYPES.get(name)
    if kind is None:
        return None
    from starlette.responses import FileResponse  # noqa: PLC0415 - the door knows these paths, too

    return FileResponse(_FOLDER / name, media_type=kind, headers={"cache-control": _FOR_EVER})
