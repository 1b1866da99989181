"""What keeps the service running: systemd's user manager, or launchd; asked by their programs."""

import os
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ..errors import ServiceError, reason_of
from ..units import launchd, systemd
from ..units.facts import Facts, State

_STOPPING_SECONDS = 900.0  # for a command that waits until running answers have finished
_GONE_SECONDS = 0.1  # between two looks

_WAY_OUT = (
    "In a container, let the container run Pointsman (docs/operate.md, Containers). In WSL, put "
    "`systemd=true` under `[boot]` into /etc/wsl.conf and run `wsl --shutdown`. After su or sudo, "
    "log in as the user itself. Or start it yourself: pointsman serve"
)


class Manager(Protocol):
    """A service manager, for this one service."""

    name: str
    file: Path  # where the unit belongs

    def check(self) -> None:
        """Raise `ServiceError` if it does not answer, or would not find the unit."""

    def text_of(self, facts: Facts) -> str:
        """The unit's text."""
        ...

    def program_in(self, text: str) -> str | None:
        """The program that a unit of this text starts."""
        ...

    def state(self) -> State:
        """The state of the service."""
        ...

    def renew(self) -> None:
        """Have a changed file read; what runs goes on."""

    def start(self) -> None:
        """Start the service, anew if it runs, and at each login from now on."""

    def enable(self) -> None:
        """Start it at each login, and leave it as it is now."""

    def remove(self) -> None:
        """Stop and disable the service; its file is left."""

    def lingers(self) -> bool | None:
        """Whether it runs on without its user logged in; None: it can't be told."""
        ...

    def log_command(self) -> str:
        """The command that shows its log."""
        ...

    def start_command(self) -> str:
        """The command that starts it."""
        ...


def manager_of(platform: str, *, home: Path, config: Path) -> Manager:
    """The manager of a platform, as `sys.platform` names it; `config` is `$XDG_CONFIG_HOME`.

    Raises `ServiceError` for a platform without one.
    """
    if platform.startswith("linux"):
        return Systemd(config / "systemd" / "user" / systemd.UNIT)
    if platform == "darwin":
        return Launchd(home / "Library" / "LaunchAgents" / f"{launchd.LABEL}.plist", home)
    raise ServiceError(
        f"services are for Linux (systemd) and macOS (launchd), not for {platform}; "
        "start Pointsman yourself: pointsman serve"
    )


class Systemd:
    """systemd's manager of one user."""

    name = "systemd"

    def __init__(self, file: Path) -> None:
        self.file = file

    def check(self) -> None:
        """Raise `ServiceError` if it does not answer, or looks for units elsewhere."""
        asked = _run("systemctl", "--user", "show", "--property=UnitPath")
        if asked is None or asked.returncode:
            why = "there is no systemctl" if asked is None else _said(asked)
            raise ServiceError(f"systemd's user manager does not answer: {why}. {_WAY_OUT}")
        folders = asked.stdout.removeprefix("UnitPath=").split()
        if str(self.file.parent) not in folders and " " not in str(self.file):
            raise ServiceError(
                f"systemd does not look for units in {self.file.parent}; log in again if "
                "XDG_CONFIG_HOME has changed, or unset it"
            )

    def text_of(self, facts: Facts) -> str:
        """The unit's text."""
        return systemd.unit_of(facts)

    def program_in(self, text: str) -> str | None:
        """The program that a unit of this text starts."""
        return systemd.program_in(text)

    def state(self) -> State:
        """The state of the service."""
        shown = _must("systemctl", "--user", "show", *_PROPERTIES, systemd.UNIT)
        return systemd.state_in(shown, now=time.time(), monotonic=time.monotonic())

    def renew(self) -> None:
        """Have a changed file read; what runs goes on."""
        _must("systemctl", "--user", "daemon-reload")

    def start(self) -> None:
        """Start the service, anew if it runs, and at each login from now on."""
        self.enable()
        _run("systemctl", "--user", "reset-failed", systemd.UNIT)  # if it has failed
        _must("systemctl", "--user", "restart", systemd.UNIT)

    def enable(self) -> None:
        """Start it at each login, and leave it as it is now."""
        _must("systemctl", "--user", "enable", systemd.UNIT)

    def remove(self) -> None:
        """Stop and disable the service; its file is left."""
        _must("systemctl", "--user", "disable", "--now", systemd.UNIT)

    def lingers(self) -> bool | None:
        """Whether it runs on without its user logged in; None: it can't be told."""
        shown = _run("loginctl", "show-user", str(os.getuid()), "--property=Linger")
        told = shown.stdout.strip() if shown is not None and not shown.returncode else ""
        return {"Linger=yes": True, "Linger=no": False}.get(told)

    def log_command(self) -> str:
        """The command that shows its log."""
        return "journalctl --user -u pointsman"

    def start_command(self) -> str:
        """The command that starts it."""
        return "systemctl --user start pointsman"


class Launchd:
    """launchd, for one user that is logged in at the screen."""

    name = "launchd"

    def __init__(self, file: Path, home: Path) -> None:
        self.file = file
        self._log = home / "Library" / "Logs" / "pointsman.log"
        self._domain = f"gui/{os.getuid()}"
        self._target = f"{self._domain}/{launchd.LABEL}"

    def check(self) -> None:
        """Raise `ServiceError` if it does not answer, or the user is not logged in."""
        asked = _run("launchctl", "print", self._domain)
        if asked is None or asked.returncode:
            why = "there is no launchctl" if asked is None else _said(asked)
            raise ServiceError(
                f"launchd has no session of this user ({why}); log in at the Mac's screen, or "
                "start Pointsman yourself: pointsman serve"
            )

    def text_of(self, facts: Facts) -> str:
        """The agent's text."""
        return launchd.agent_of(facts)

    def program_in(self, text: str) -> str | None:
        """The program that an agent of this text starts."""
        return launchd.program_in(text)

    def state(self) -> State:
        """The state of the service."""
        printed = self._printed()
        pid = None if printed is None else launchd.pid_in(printed)
        return launchd.state_in(
            printed,
            _must("launchctl", "print-disabled", self._domain),
            since=None if pid is None else _started(pid),
            installed=self.file.exists(),
        )

    def renew(self) -> None:
        """Do nothing: launchd reads the file when it loads it."""

    def start(self) -> None:
        """Load the agent, anew if it is loaded."""
        self.enable()
        self._unload()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        _must("launchctl", "bootstrap", self._domain, str(self.file))

    def enable(self) -> None:
        """Start it at each login, and leave it as it is now."""
        _must("launchctl", "enable", self._target)

    def remove(self) -> None:
        """Stop the agent; without its file, no login starts it."""
        self._unload()

    def lingers(self) -> bool | None:
        """Nothing runs after logging out."""
        return None

    def log_command(self) -> str:
        """The command that shows its log."""
        return "tail ~/Library/Logs/pointsman.log"

    def start_command(self) -> str:
        """The command that starts it."""
        return f"launchctl bootstrap {self._domain} {self.file}"

    def _printed(self) -> str | None:
        """What launchd prints of the agent; None if it is not loaded."""
        printed = _run("launchctl", "print", self._target)
        return None if printed is None or printed.returncode else printed.stdout

    def _unload(self) -> None:
        """Stop the agent and wait until it is gone: only then can it be loaded again."""
        if self._printed() is None:
            return
        _must("launchctl", "bootout", self._target)
        late = time.monotonic() + _STOPPING_SECONDS
        while self._printed() is not None:
            if time.monotonic() > late:
                raise ServiceError(f"launchd does not stop {launchd.LABEL}; try again later")
            time.sleep(_GONE_SECONDS)


_PROPERTIES = tuple(f"--property={name}" for name in systemd.PROPERTIES)


def _started(pid: int) -> float | None:
    """When a process was started, in seconds since the epoch."""
    shown = _run("ps", "-o", "lstart=", "-p", str(pid))
    told = "" if shown is None else shown.stdout.strip()
    try:
        return datetime.strptime(told, "%a %b %d %H:%M:%S %Y").timestamp()  # noqa: DTZ007 - local time
    except ValueError:
        return None


def _must(program: str, *arguments: str) -> str:
    """Return what a command prints. Raises `ServiceError` with its complaint if it fails."""
    done = _run(program, *arguments)
    if done is None or done.returncode:
        why = f"there is no {program}" if done is None else _said(done)
        raise ServiceError(f"{' '.join((program, *arguments))}: {why}")
    return done.stdout


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Run a command to its end; None if there is no such program.

    Raises `ServiceError` if it does not end, or can't be run.
    """
    try:
        return subprocess.run(  # noqa: S603 - our own words
            [program, *arguments],
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_STOPPING_SECONDS,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"can't run {program}: {reason_of(error)}") from error


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip() or done.stdout.strip() or f"it ended with status {done.returncode}"
