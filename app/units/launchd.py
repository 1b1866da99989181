"""The property list of a launchd agent, and what `launchctl` says of it. PURE."""

import plistlib
import re
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from .facts import Facts, State

LABEL = "dev.pointsman"

# The shell only opens the log, so that it gets the mode of the umask; paths are its arguments.
_TEMPLATE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by `pointsman service install`, which replaces it. Settings belong in the file .env of
     the WorkingDirectory. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>dev.pointsman</string>
  <key>ProgramArguments</key>
  <array>
    <string>/bin/sh</string>
    <string>-c</string>
    <string>exec "$0" serve 2&gt;&gt;"$1"</string>
    <string>{program}</string>
    <string>{log}</string>
  </array>
  <key>WorkingDirectory</key>
  <string>{folder}</string>
{environment}  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <!-- Running answers get POINTSMAN_DRAIN_SECONDS to finish; the last receipts, up to 15. -->
  <key>ExitTimeOut</key>
  <integer>{stop_seconds}</integer>
  <!-- 077: what it writes is for its user alone. -->
  <key>Umask</key>
  <integer>63</integer>
  <key>SoftResourceLimits</key>
  <dict>
    <key>NumberOfFiles</key>
    <integer>8192</integer>
  </dict>
</dict>
</plist>
"""
_ENVIRONMENT = """\
  <key>EnvironmentVariables</key>
  <dict>
{variables}  </dict>
"""
_VARIABLE = """\
    <key>{name}</key>
    <string>{value}</string>
"""
_PROGRAM = 3  # its place among the arguments


def agent_of(facts: Facts) -> str:
    """The text of the property list."""
    variables = "".join(
        _VARIABLE.format(name=escape(name), value=escape(value))
        for name, value in facts.environment
    )
    return _TEMPLATE.format(
        program=escape(facts.program),
        log=escape(facts.log),
        folder=escape(facts.folder),
        environment=_ENVIRONMENT.format(variables=variables) if variables else "",
        stop_seconds=facts.stop_seconds,
    )


def program_in(text: str) -> str | None:
    """The program that an agent starts; None if it is not one of ours."""
    try:
        return str(plistlib.loads(text.encode())["ProgramArguments"][_PROGRAM])
    except (ValueError, LookupError, TypeError, ExpatError):
        return None


def state_in(printed: str | None, disabled: str, *, since: float | None, installed: bool) -> State:
    """The state, of what `launchctl print` and `launchctl print-disabled` print.

    `printed` is None while launchd does not know the agent; an agent's file that is `installed` is
    loaded at login, unless it is disabled.
    """
    off = re.search(rf'"{re.escape(LABEL)}" => (disabled|true)\b', disabled)
    enabled = installed and off is None
    if printed is None:
        return State(enabled)
    pid = pid_in(printed)
    if pid is not None:
        return State(enabled, "running", pid, since)
    code = re.search(r"^\s*last exit code = (\d+)", printed, re.MULTILINE)
    failed = code is not None and code[1] != "0"
    return State(enabled, "failed" if failed else "stopped")


def pid_in(printed: str) -> int | None:
    """The process of what `launchctl print` prints."""
    found = re.search(r"^\s*pid = (\d+)$", printed, re.MULTILINE)
    return int(found[1]) if found else None
