"""The unit of a systemd user service, and what `systemctl show` says of it. PURE.

There is no `EnvironmentFile=`: Pointsman reads the file `.env` of its working directory itself, as
its commands in a terminal do. systemd would read comments and quotes in it differently.
"""

import re
import shlex
from collections.abc import Mapping

from ..errors import ServiceError
from .facts import Activity, Facts, State

UNIT = "pointsman.service"
PROPERTIES = ("ActiveState", "UnitFileState", "MainPID", "ActiveEnterTimestampMonotonic")

_TEMPLATE = """\
# Written by `pointsman service install`, which replaces it. Settings belong in the file .env of the
# WorkingDirectory. `systemctl --user edit pointsman` adds what is not a setting of Pointsman.
[Unit]
Description=Pointsman, a provider policy for OpenRouter
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
{environment}WorkingDirectory={folder}
UMask=0077
ExecStart={program} serve
Restart=on-failure
RestartSec=2
# 2: a mistake in the settings or policies. Starting again does not mend it.
RestartPreventExitStatus=2
# SIGTERM goes to the main process, which stops its workers. Running answers get
# POINTSMAN_DRAIN_SECONDS to finish, and the last receipts up to 15 to be written.
KillMode=mixed
TimeoutStopSec={stop_seconds}
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""

_ACTIVITIES: Mapping[str, Activity] = {
    "active": "running",
    "reloading": "running",
    "activating": "starting",
    "deactivating": "stopping",
    "failed": "failed",
}
_REFUSED = re.compile(r"""["'\\]""")
_PLAIN = re.compile(r"[\w@+=:,./-]+", re.ASCII)


def unit_of(facts: Facts) -> str:
    """The text of the unit. Raises `ServiceError` for a program that systemd refuses to start."""
    if _REFUSED.search(facts.program):
        raise ServiceError(
            f"systemd starts no program with quotes or backslashes in its path: {facts.program}; "
            "install Pointsman in another folder"
        )
    variables = (_word(f"{name}={value}") for name, value in facts.environment)
    return _TEMPLATE.format(
        environment="".join(f"Environment={each}\n" for each in variables),
        folder=facts.folder.replace("%", "%%"),  # to the end of the line, whatever it is
        program=_word(facts.program),
        stop_seconds=facts.stop_seconds,
    )


def program_in(text: str) -> str | None:
    """The program that a unit starts; None if it names none."""
    found = re.search(r"^ExecStart=(.+)$", text, re.MULTILINE)
    try:
        words = shlex.split(found[1]) if found else []
    except ValueError:
        return None
    return words[0].replace("%%", "%") if words else None


def state_in(shown: str, *, now: float, monotonic: float) -> State:
    """The state, of what `systemctl show` prints of the `PROPERTIES`.

    `monotonic` is the machine's monotonic clock at `now`, in seconds: systemd's times are of it.
    """
    told = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    activity = _ACTIVITIES.get(told.get("ActiveState", ""), "stopped")
    entered, pid = _whole(told.get("ActiveEnterTimestampMonotonic")), _whole(told.get("MainPID"))
    since = now - monotonic + entered / 1e6 if entered and activity == "running" else None
    return State(told.get("UnitFileState") == "enabled", activity, pid or None, since)


def _whole(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


def _word(text: str) -> str:
    """One word of a unit's line, quoted if need be; systemd expands `%`."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
