"""The ledger that a command uses: the one in the settings, or the demo's if it is the only one."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from ..errors import SettingsError
from ..ledger.address import without_password
from ..settings import Settings
from .words import command

SIMULATED_KEY = "sk-or-v1-simulated"

_FILE = "sqlite:///"
_DEMO = "demo-ledger.db"
_RUNNING = "demo.json"  # the address of the simulated OpenRouter of a running demo


def log_command(settings: Settings) -> str:
    """The command that shows the receipts of a server with these settings."""
    return f"{command()} log -f{ledger_option(settings)}"


def ledger_option(settings: Settings) -> str:
    """The option by which a command finds the ledger of these settings; often it needs none."""
    usual, url = Settings.read(), settings.ledger()
    found = url == usual.ledger() or (is_demo(settings) and _has_none(usual))
    return "" if found else f" --ledger {without_password(url)}"


def with_ledger(settings: Settings) -> Settings:
    """Return the settings, with the demo's ledger if none is set and there is no other yet."""
    demo = demo_ledger(settings)
    if not _has_none(settings) or not demo.exists():
        return settings
    return settings.model_copy(update={"ledger_url": SecretStr(f"{_FILE}{demo}")})


def absent(settings: Settings) -> Path | None:
    """The file of the ledger of these settings, if the ledger is a file and does not exist."""
    url = settings.ledger()
    file = Path(url.removeprefix(_FILE))
    return file if url.startswith(_FILE) and not file.exists() else None


def _has_none(settings: Settings) -> bool:
    """Whether no ledger is set, and there is none at the default location."""
    return settings.ledger_url is None and not Path(settings.ledger().removeprefix(_FILE)).exists()


def demo_ledger(settings: Settings) -> Path:
    """The file of the demo's ledger; simulated receipts never mix with real ones."""
    return settings.state / _DEMO


def in_front_of(simulator: str, settings: Settings) -> Settings:
    """The settings of a Pointsman in front of a simulated OpenRouter, on a ledger of its own."""
    ledger = SecretStr(f"sqlite:///{demo_ledger(settings)}")
    return settings.model_copy(
        update={
            "upstream_url": simulator,
            "openrouter_api_key": SecretStr(SIMULATED_KEY),
            "ledger_url": settings.ledger_url or ledger,
            "notify_url": None,  # nothing leaves this machine
        }
    )


def is_demo(settings: Settings) -> bool:
    """Whether the ledger of these settings is the demo's."""
    return settings.ledger() == f"{_FILE}{demo_ledger(settings)}"


def with_demos_upstream(settings: Settings) -> Settings:
    """Return the settings, with the simulated OpenRouter as upstream if the ledger is the demo's.

    Raises `SettingsError` if the demo has stopped: its OpenRouter stores nothing.
    """
    if not is_demo(settings):
        return settings
    try:
        running = json.loads((settings.state / _RUNNING).read_text(encoding="utf-8"))
        upstream = str(running["upstream"])
    except (OSError, ValueError, TypeError, KeyError):
        raise SettingsError(
            "this is a receipt of the demo, and the demo is not running: its simulated OpenRouter "
            f"has to be asked. Start {command()} demo, and verify a receipt of its own"
        ) from None
    key = SecretStr(SIMULATED_KEY)
    return settings.model_copy(update={"upstream_url": upstream, "openrouter_api_key": key})


def with_running_demo(settings: Settings) -> Settings:
    """Return the settings; without a key, those of the running demo, if there is one."""
    if settings.openrouter_api_key is not None:
        return settings
    demo = SecretStr(f"{_FILE}{demo_ledger(settings)}")
    as_demo = settings.model_copy(update={"ledger_url": settings.ledger_url or demo})
    try:
        return with_demos_upstream(as_demo)
    except SettingsError:
        return settings


@contextmanager
def demo_running(settings: Settings, upstream: str) -> Iterator[None]:
    """Store the address of the demo's simulated OpenRouter for other commands."""
    note = settings.state / _RUNNING
    note.parent.mkdir(parents=True, exist_ok=True)
    mine = json.dumps({"upstream": upstream, "pid": os.getpid()})
    note.write_text(mine, encoding="utf-8")
    try:
        yield
    finally:
        if note.exists() and note.read_text(encoding="utf-8") == mine:
            note.unlink()
