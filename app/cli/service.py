"""`pointsman service install|uninstall`: Pointsman as a service of its user, started at login."""

import difflib
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from ..errors import ServiceError, SettingsError, reason_of
from ..policy_folder import read_folder, shipped_policies
from ..settings import Settings, config_folder, settings_of
from ..units.facts import Facts
from .installed import installed_command
from .own_server import address_of, readiness
from .purging import purge
from .service_manager import Manager, manager_of
from .terminal import Console
from .whole_file import whole_file

_KEY = "OPENROUTER_API_KEY"
_FOLDERS = ("XDG_CONFIG_HOME", "XDG_STATE_HOME")  # by which files are found
_LAST_WORDS_SECONDS = 20  # to write the last receipts, after the answers have finished
_READY_SECONDS = 60.0
_LOOK_SECONDS = 0.1

_ENVIRONMENT = """\
# Settings of Pointsman, one NAME=value a line: for the service, and for commands of this user.
# The service reads them when it starts. docs/settings.md has all of them.
"""
_NO_KEY = f"# {_KEY}=sk-or-v1-...\n"


@dataclass(frozen=True, slots=True)
class Service:
    """The service of one user: what manages it, and where its files are."""

    manager: Manager
    home: Path
    folder: Path  # where it runs

    @property
    def environment_file(self) -> Path:
        """The file of its settings."""
        return self.folder / ".env"

    def settings(self) -> Settings:
        """The settings that it would start with. Raises `SettingsError`."""
        return settings_of(self.environment_file)

    def policies(self, settings: Settings) -> Path:
        """The folder of policy files that it would start with."""
        own = self.folder / "policies"
        if settings.policies is not None:
            return self.folder / settings.policies
        return own if own.is_dir() else shipped_policies()

    def facts(self, program: Path, settings: Settings) -> Facts:
        """What its unit is made of."""
        return Facts(
            program=str(program),
            folder=str(self.folder),
            log=str(self.home / "Library" / "Logs" / "pointsman.log"),
            stop_seconds=settings.drain_seconds + _LAST_WORDS_SECONDS,
            environment=tuple(
                (name, os.environ[name]) for name in _FOLDERS if os.environ.get(name)
            ),
        )

    def unit(self) -> str:
        """The text of its unit as it is; empty if it is not installed."""
        try:
            return self.manager.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            raise ServiceError(f"can't read {self.manager.file}: {reason_of(error)}") from error


def service_here(platform: str = sys.platform) -> Service:
    """The service of this user. Raises `ServiceError` where there can be none."""
    folder = config_folder()
    if folder is None:
        raise ServiceError("this user has no home folder, so there is no place for a service")
    home = Path.home()
    return Service(manager_of(platform, home=home, config=folder.parent), home, folder)


def install(service: Service, *, dry_run: bool, key_from_environment: bool) -> int:
    """Install the service, or bring it up to date, and print what has changed.

    An environment file that exists is kept. The exit code is 1 if the service does not get ready.
    Raises `ServiceError`, and what is wrong with the settings or policies it would start with.
    """
    program = installed_command(sys.argv[0], sys.executable)
    _check_old_file(service)
    settings = service.settings()
    settings.check_exposure()
    read_folder(service.policies(settings))
    key = _key_here(service) if key_from_environment else None
    text, before = service.manager.text_of(service.facts(program, settings)), service.unit()
    if dry_run:
        _print_plan(service, text, key)
        return 0
    manager = service.manager
    manager.check()
    state = manager.state()
    if state.activity not in {"running", "starting", "stopping"}:
        _must_be_free(settings)
    console = Console()
    _say(console, "settings", f"{service.environment_file}: {_write_environment(service, key)}")
    settings = service.settings()
    _say(console, "unit", f"{manager.file}: {_write_unit(manager.file, text, before)}")
    for line in _changes(before, text) if before else ():
        console.print(f"          {line}", soft_wrap=True)
    manager.renew()
    if before and state.activity == "stopped":
        manager.enable()
        _say(console, "service", f"not running, as before; start it: {manager.start_command()}")
        return 0
    manager.start()
    _say(console, "service", "started anew" if state.pid else "started; it starts at each login")
    well = _wait(service, settings, console)
    _print_notes(service, settings, console)
    return 0 if well else 1


def uninstall(service: Service, *, purge_too: bool, dry_run: bool) -> int:
    """Stop, disable and remove the service; with `purge_too` also settings, policies and receipts.

    Raises `ServiceError` if the service can't be stopped: then nothing is removed.
    """
    console, file = Console(), service.manager.file
    settings = service.settings() if purge_too else None
    if not service.unit():
        _say(console, "unit", f"{file}: not installed")
    elif dry_run:
        _say(console, "unit", f"{file}: would be stopped, disabled and removed")
    else:
        service.manager.check()
        service.manager.remove()
        file.unlink(missing_ok=True)
        service.manager.renew()
        _say(console, "unit", f"{file}: stopped, disabled and removed")
    if settings is None:
        _say(console, "kept", f"{service.folder}, the receipts and the log; --purge removes them")
        return 0
    fates = purge(
        folder=service.folder,
        state=service.folder / settings.state,
        unit=file,
        home=service.home,
        dry_run=dry_run,
    )
    for each, fate in fates:
        _say(console, fate, str(each))
    if settings.ledger_url is not None:
        _say(console, "kept", "the ledger of POINTSMAN_LEDGER_URL, which is elsewhere")
    return 0


def _check_old_file(service: Service) -> None:
    """Raise `ServiceError` if settings are still where units that were copied by hand had them."""
    old, new = service.folder / "pointsman.env", service.environment_file
    if old.exists() and not new.exists():
        raise ServiceError(f"settings are read from {new} now; move them there: mv {old} {new}")


def _key_here(service: Service) -> SecretStr:
    """The key of this shell's settings. Raises `SettingsError` if it can't be used."""
    key, file = Settings.read().openrouter_api_key, service.environment_file
    if key is None:
        raise SettingsError(f"{_KEY} is not set here; set it, or write it into {file} yourself")
    if not re.fullmatch(r"[\w.:+/=@-]+", key.get_secret_value(), re.ASCII):
        raise SettingsError(
            f"{_KEY} has characters that need quotes; write it into {file} yourself"
        )
    return key


def _write_environment(service: Service, key: SecretStr | None) -> str:
    """Write the environment file if there is none; return what was done, without the key."""
    file = service.environment_file
    line = _NO_KEY if key is None else f"{_KEY}={key.get_secret_value()}\n"
    try:
        service.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(_ENVIRONMENT + line)
    except FileExistsError:
        return "kept" if key is None else f"kept; it was there already, so {_KEY} was not added"
    except OSError as error:
        raise ServiceError(f"can't write {file}: {reason_of(error)}") from error
    return "written" if key is None else f"written, with {_KEY}"


def _write_unit(file: Path, text: str, before: str) -> str:
    if text == before:
        return "unchanged"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(f"can't write {file}: {reason_of(error)}") from error
    with whole_file(file) as opened:
        opened.write(text.encode())
    return "renewed" if before else "written"


def _changes(before: str, after: str) -> Iterator[str]:
    """The lines that are gone and those that are new."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return (line for line in list(found)[2:] if not line.startswith("@@"))


def _must_be_free(settings: Settings) -> None:
    """Raise `ServiceError` if another program, such as a Pointsman, listens at the address."""
    address = address_of(settings)
    if not settings.port:
        return
    host = address.removeprefix("http://").rpartition(":")[0].strip("[]")
    with suppress(OSError), socket.create_connection((host, settings.port), timeout=1):
        raise ServiceError(
            f"another program listens at {address}, perhaps a Pointsman in a terminal; stop it, or "
            "set another POINTSMAN_PORT in the service's .env"
        )


def _wait(service: Service, settings: Settings, console: Console) -> bool:
    """Wait until the service is ready, and print that it is, or where its log is."""
    manager, late = service.manager, time.monotonic() + _READY_SECONDS
    while time.monotonic() < late:
        state = manager.state()
        ready = readiness(settings) if state.activity == "running" else None
        if ready is not None and manager.state().pid == state.pid:
            _say(console, "address", f"{address_of(settings)}/v1, {ready['status']}")
            _say(console, "version", str(ready.get("version", "unknown")))
            return True
        if state.activity == "failed":
            break
        time.sleep(_LOOK_SECONDS)
    _say(console, "address", f"{address_of(settings)} does not answer; {manager.log_command()}")
    return False


def _print_notes(service: Service, settings: Settings, console: Console) -> None:
    """Print what may not be meant: no key, settings of this shell alone, no start without login."""
    file = service.environment_file
    if settings.openrouter_api_key is None:
        _say(console, "note", f"no {_KEY} in {file}; clients must send their own key")
    here = sorted(each for each in os.environ if each.startswith("POINTSMAN_") or each == _KEY)
    others = [each for each in here if f"{each}=" not in _text_of(file)]
    if others:
        _say(console, "note", f"set here, but not in {file}: {', '.join(others)}")
    if service.manager.lingers() is False:
        note = "it stops when you log out; to keep it running: loginctl enable-linger"
        _say(console, "note", note)


def _text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _print_plan(service: Service, text: str, key: SecretStr | None) -> None:
    """Print the files that would be written, without the key."""
    file = service.environment_file
    if file.exists():
        print(f"# {file} would be kept\n")
    else:
        line = _NO_KEY if key is None else f"{_KEY}=(the key of this shell)\n"
        print(f"# {file}\n{_ENVIRONMENT}{line}")
    print(f"# {service.manager.file}\n{text}", end="")


def _say(console: Console, what: str, told: str) -> None:
    console.print(f"{what:<9} {told}", soft_wrap=True)
