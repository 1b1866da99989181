"""Stands in for `systemctl`, `loginctl` and `launchctl`: records calls, and runs the service.

Its state is in the folder of the variable STAND_IN. It does as much as `pointsman service` uses, in
the words of the real programs.
"""

import os
import plistlib
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(os.environ["STAND_IN"])
PID, LEAVING, LINGER = HERE / "pid", HERE / "leaving", HERE / "linger"


def pid() -> int:
    """The process of the service; 0: it was stopped, -1: it has ended by itself."""
    if not PID.exists():
        return 0
    found = PID.read_text()
    try:
        state = Path(f"/proc/{found}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return -1
    return -1 if state == "Z" else int(found)


def start(words: list[str], folder: str, variables: dict[str, str]) -> None:
    process = subprocess.Popen(  # noqa: S603 - of the unit under test
        words,
        cwd=folder,
        env={"HOME": os.environ["HOME"], "PATH": "/usr/bin:/bin", **variables},
        stdout=subprocess.DEVNULL,
        stderr=(HERE / "journal").open("ab"),
        start_new_session=True,
    )
    PID.write_text(str(process.pid))


def stop() -> None:
    running = pid()
    if running > 0:
        os.kill(running, signal.SIGTERM)
        while pid() > 0:
            time.sleep(0.02)
    PID.unlink(missing_ok=True)


def fail(message: str, code: int = 1) -> None:
    sys.stderr.write(message + "\n")
    sys.exit(code)


def start_unit(file: Path) -> None:
    lines = [line.split("=", 1) for line in file.read_text().splitlines() if "=" in line]
    variables = [shlex.split(value)[0] for name, value in lines if name == "Environment"]
    unit = dict(lines)
    environment = dict(each.split("=", 1) for each in variables)
    start(shlex.split(unit["ExecStart"]), unit["WorkingDirectory"], environment)


def show(*, is_enabled: bool) -> None:
    running = pid()
    print(f"ActiveState={'active' if running > 0 else 'failed' if running else 'inactive'}")
    print(f"UnitFileState={'enabled' if is_enabled else 'disabled'}")
    print(f"MainPID={max(running, 0)}")
    print(f"ActiveEnterTimestampMonotonic={int((time.monotonic() - 60) * 1e6)}")


def systemctl(arguments: list[str]) -> None:
    if (HERE / "no-bus").exists():
        fail("Failed to connect to bus: No medium found")
    assert arguments.pop(0) == "--user"
    units = Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user"
    file, wants = units / "pointsman.service", units / "default.target.wants"
    enabled = wants / file.name
    verb, *rest = arguments
    match verb:
        case "show" if rest == ["--property=UnitPath"]:
            print(f"UnitPath=/etc/systemd/user {units}")
        case "show":
            show(is_enabled=enabled.is_symlink())
        case "enable":
            wants.mkdir(exist_ok=True)
            if not enabled.is_symlink():
                enabled.symlink_to(file)
        case "restart":
            stop()
            start_unit(file)
        case "stop":
            stop()
        case "disable":
            stop()
            enabled.unlink()
            wants.rmdir()
        case "daemon-reload" | "reset-failed":
            pass
        case _:
            fail(f"Unknown command verb {verb}.")


def print_target(target: str) -> None:
    if "/dev." not in target:
        if (HERE / "no-session").exists():
            fail("Could not find domain for user gui", 112)
    elif LEAVING.exists():  # it is seen once more
        LEAVING.unlink()
        PID.unlink()
        print("dev.pointsman = {\n\tstate = SIGTERMed\n}")
    elif not PID.exists():
        fail("Could not find service in domain", 113)
    elif pid() > 0:
        print(f"dev.pointsman = {{\n\tstate = running\n\tpid = {pid()}\n}}")
    else:
        print("dev.pointsman = {\n\tlast exit code = 2\n}")


def launchctl(arguments: list[str]) -> None:
    match arguments:
        case ["print-disabled", _]:
            print('disabled services = {\n\t"dev.other" => disabled\n}')
        case ["print", target]:
            print_target(target)
        case ["enable", _]:
            pass
        case ["bootstrap", _, file]:
            if PID.exists():
                fail("Bootstrap failed: 5: Input/output error", 5)
            agent = plistlib.loads(Path(file).read_bytes())
            start(
                agent["ProgramArguments"],
                agent["WorkingDirectory"],
                agent.get("EnvironmentVariables", {}),
            )
        case ["bootout", _]:
            os.kill(pid(), signal.SIGTERM)
            while pid() > 0:
                time.sleep(0.02)
            LEAVING.touch()
        case _:
            fail("Unrecognized subcommand", 64)


def main() -> None:
    program, arguments = Path(sys.argv[1]).name, sys.argv[2:]
    with (HERE / "calls").open("a") as calls:
        calls.write(" ".join((program, *arguments)) + "\n")
    if program == "loginctl":
        print(f"Linger={'yes' if LINGER.exists() else 'no'}")
    else:
        {"systemctl": systemctl, "launchctl": launchctl}[program](arguments)


main()
