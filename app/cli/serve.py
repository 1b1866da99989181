"""`pointsman serve`: runs the proxy in front of an upstream until it receives a signal."""

import logging
import os

from ..errors import SettingsError
from ..main import create_app
from ..server.bounds import Bounds
from ..server.descriptors import raise_limit
from ..settings import Settings, unknown_settings
from .process_log import start_logging
from .serving import announce, listen, stay

log = logging.getLogger("pointsman")


def serve(settings: Settings) -> None:
    """Start and run until SIGINT or SIGTERM.

    Raises `StartupError` before anything listens: bad settings, bad policies, a port in use.
    """
    start_logging(settings.log_level)
    settings.check_exposure()
    raise_limit()
    for strange in (*unknown_settings(), *settings.doubts()):
        log.warning("%s", strange)
    if settings.workers > 1:
        if not hasattr(os, "fork"):
            raise SettingsError(
                "--workers: this system can't fork, so only one worker can run; leave it at 1, "
                "or start several Pointsmans with a port each"
            )
        from .workers import serve_with_workers  # noqa: PLC0415 - most proxies are alone

        serve_with_workers(settings)
        return
    app = create_app(settings)
    listener = listen(settings.host, settings.port)
    announce(settings, listener)
    stay(app, listener, settings.drain_seconds, bounds=Bounds.of(settings))
