"""Starts and ends `pointsman mcp`."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from ...errors import SettingsError
from ...settings import Settings
from ..process_log import start_logging
from .asker import asker_of

_EXTRA = (
    "pointsman mcp requires the extra mcp, which is not installed; install it with\n"
    "pip install 'pointsman[mcp]'\n"
    "pipx install --force 'pointsman[mcp]'\n"
    "uv tool install --force 'pointsman[mcp]'\n"
    "with a wheel, its path and [mcp]: './pointsman-0.1.0-py3-none-any.whl[mcp]'"
)


def serve_mcp(settings: Settings, caller: str | None) -> NoReturn:
    """Serve the tools over standard input and output until the client closes them, or a signal.

    Raises `SettingsError` if the extra is not installed or the caller is not clear.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _end)
    asker = asker_of(settings, caller)
    try:
        import anyio  # noqa: PLC0415 - the SDK takes a second to load
        import mcp.server.lowlevel  # noqa: F401, PLC0415
    except ModuleNotFoundError:
        raise SettingsError(_EXTRA) from None
    start_logging(settings.log_level)

    from . import pipe, server  # noqa: PLC0415 - as above
    from .over_http import Opening  # noqa: PLC0415
    from .tools import Desk  # noqa: PLC0415

    desk = Desk(Opening(settings, asker), settings, asker.only)
    anyio.run(pipe.serve, server.create(desk), pipe.claim())
    _end()


def _end(number: int = 0, frame: FrameType | None = None) -> NoReturn:
    """End the process at once: a thread may still wait for the client, or for the ledger.

    Nothing is lost: tools write nothing.
    """
    del number, frame
    sys.stderr.flush()
    os._exit(0)
