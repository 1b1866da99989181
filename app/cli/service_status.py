"""`pointsman service status`: whether the service is installed, runs, and is up to date."""

import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import ServiceError
from ..ledger.receipt import iso
from .installed import installed_command
from .own_server import address_of, readiness
from .service import Service
from .terminal import Console, print_json

_VERSION_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Status:
    """The service as `--json` prints it; docs/operate.md describes it."""

    manager: str
    unit: str
    installed: bool
    current: bool | None
    enabled: bool
    state: str
    since: str | None
    pid: int | None
    program: str | None
    version_running: str | None
    version_installed: str | None
    environment_file: str | None
    address: str
    ready: str | None
    lingers: bool | None


def show_status(service: Service, *, as_json: bool) -> int:
    """Print it; the exit code is 0 if the service runs and answers, else 1.

    Raises `ServiceError` if no service manager answers.
    """
    found = status_of(service)
    if as_json:
        print_json(asdict(found), indent=2)
    else:
        _print(found, service)
    return 0 if found.state == "running" and found.ready is not None else 1


def status_of(service: Service) -> Status:
    """Ask the service manager, the server and the installed program."""
    service.manager.check()
    text, settings = service.unit(), service.settings()
    state = service.manager.state()
    program = service.manager.program_in(text) if text else None
    ready = readiness(settings) if state.activity == "running" else None
    file = service.environment_file
    return Status(
        manager=service.manager.name,
        unit=str(service.manager.file),
        installed=bool(text),
        current=_is_current(service, text) if text else None,
        enabled=state.enabled,
        state=state.activity,
        since=None if state.since is None else iso(datetime.fromtimestamp(state.since, UTC)),
        pid=state.pid,
        program=program,
        version_running=None if ready is None else _text(ready.get("version")),
        version_installed=None if program is None else _version_of(Path(program)),
        environment_file=str(file) if file.exists() else None,
        address=address_of(settings),
        ready=None if ready is None else str(ready["status"]),
        lingers=service.manager.lingers(),
    )


def _is_current(service: Service, text: str) -> bool | None:
    """Whether `install` would leave the unit as it is; None: this command can't tell."""
    try:
        program = installed_command(sys.argv[0], sys.executable)
    except ServiceError:
        return None
    return text == service.manager.text_of(service.facts(program, service.settings()))


def _version_of(program: Path) -> str | None:
    """The version of an installed program; None if it does not run."""
    try:
        said = subprocess.run(  # noqa: S603 - the service's own program
            [program, "version"],
            check=False,
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return said.stdout.strip() or None if not said.returncode else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _print(found: Status, service: Service) -> None:
    """Print one line for each fact, with the way out where one is needed."""
    rows = [("service", _installed(found)), ("unit", found.unit + _doubt(found))]
    if found.installed:
        rows += [("state", _running(found, service)), ("version", _versions(found))]
        rows += [("settings", found.environment_file or f"no {service.environment_file}")]
    rows += [("address", f"{found.address}, {found.ready or 'no answer from the service'}")]
    if found.installed and found.lingers is False:
        rows += [("note", "it stops when you log out; to keep it running: loginctl enable-linger")]
    console = Console()
    for what, told in rows:
        console.print(f"{what:<9} {told}", soft_wrap=True)


def _installed(found: Status) -> str:
    if not found.installed:
        return f"not installed ({found.manager}); install it: pointsman service install"
    starts = "starts at login" if found.enabled else "does not start at login"
    return f"installed ({found.manager}), {starts}"


def _doubt(found: Status) -> str:
    if found.current is False:
        return ": differs from what this version writes; renew it: pointsman service install"
    return ""


def _running(found: Status, service: Service) -> str:
    if found.state == "running":
        since = "" if found.since is None else f" since {found.since[:16].replace('T', ' ')} UTC"
        return f"running{since}, process {found.pid}"
    way_out = {
        "failed": service.manager.log_command(),
        "stopped": service.manager.start_command(),
    }
    return f"{found.state}{f'; {way_out[found.state]}' if found.state in way_out else ''}"


def _versions(found: Status) -> str:
    running, installed = found.version_running, found.version_installed
    told = f"{running or 'none'} running, {installed or 'unknown'} installed"
    if running and installed and running != installed:
        return f"{told}; restart it: pointsman service install"
    return told
