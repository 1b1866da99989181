"""`pointsman demo`: all of Pointsman without a key, in front of a simulated OpenRouter."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp

from ..errors import SettingsError
from ..main import create_app
from ..server.bounds import Bounds
from ..server.descriptors import raise_limit
from ..settings import Settings
from ..simulator import create_simulator
from ..simulator.catalog import Catalog
from ..simulator.presets import Presets
from .process_log import start_logging
from .samples import send_samples
from .serving import base_url, listen, serving, stay
from .which_ledger import SIMULATED_KEY, demo_running, in_front_of, log_command
from .words import command

_WELCOME = """\
This is a demo in front of a SIMULATED OpenRouter:
nothing leaves this machine, nothing costs anything, and no model is really asked.

Pointsman serves {base_url}
"""


def demo(settings: Settings) -> None:
    """Start a simulated OpenRouter and the proxy, send sample traffic, keep serving.

    Receipts go to a separate ledger, so that simulated ones never mix with real ones.
    """
    start_logging("warning" if settings.log_level == "info" else settings.log_level)
    simulator = _in_a_thread(create_simulator(flawed=True), listen("127.0.0.1", 0))
    settings = in_front_of(simulator, settings)
    settings.check_exposure()
    raise_limit()
    app = create_app(settings)
    listener = listen(settings.host, settings.port)
    address = base_url(listener)
    print(_WELCOME.format(base_url=address), flush=True)
    shown_key = _a_caller_key(settings)
    threading.Thread(
        target=send_samples, args=(address, shown_key, log_command(settings)), daemon=True
    ).start()
    with demo_running(settings, simulator):
        stay(app, listener, settings.drain_seconds, bounds=Bounds.of(settings))


def simulate(
    *, host: str, port: int, catalog: Path | None, presets: Path | None, seed: int, pace: float
) -> None:
    """Serve only the simulated OpenRouter, until it receives a signal to stop."""
    start_logging("info")
    _check("--catalog", catalog, Catalog.read)
    _check("--presets", presets, Presets.read)
    app = create_simulator(catalog=catalog, presets=presets, seed=seed, pace=max(pace, 0.0))
    listener = listen(host, port)
    print(f"Simulated OpenRouter at {_api(listener)}")
    print(f"Any key that starts with sk-or- is accepted, such as {SIMULATED_KEY}")
    key, upstream = f"OPENROUTER_API_KEY={SIMULATED_KEY}", f"--upstream {_api(listener)}"
    print(f"Pointsman in front of it: {key} {command()} serve {upstream}", flush=True)
    stay(app, listener, drain_seconds=1)


def _check(option: str, file: Path | None, read: Callable[[Path | None], object]) -> None:
    """Raise `SettingsError` for a file that the simulator can't use."""
    try:
        read(file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{option} {file} can't be used: {error!r}") from None


def _a_caller_key(settings: Settings) -> dict[str, str]:
    """The headers with which our own sample requests are admitted."""
    for key in settings.caller_keys.values():
        return {"authorization": f"Bearer {key.get_secret_value()}"}
    return {}


def _in_a_thread(app: ASGIApp, listener: socket.socket) -> str:
    """Serve `app` in a thread for the life of the process; return the address of its API."""
    server = serving(app, drain_seconds=0)
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    return _api(listener)


def _api(listener: socket.socket) -> str:
    return base_url(listener).removesuffix("/v1") + "/api/v1"
