"""The unit, validated by systemd's own program where there is one."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import ServiceError
from app.units.facts import Facts, State
from app.units.systemd import PROPERTIES, program_in, state_in, unit_of

PLAIN = Facts(
    program="/home/anna/.local/bin/pointsman",
    folder="/home/anna/.config/pointsman",
    log="/home/anna/Library/Logs/pointsman.log",
    stop_seconds=50,
)
ODD = "/home/an na/50%/$HOME/bin/pointsman"


def verified(text: str, folder: Path) -> str:
    """What `systemd-analyze` says of a unit: nothing if it is right."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here; on Debian: apt install systemd")
    file = folder / "pointsman.service"
    file.write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as runtime:
        done = subprocess.run(  # noqa: S603 - our own words
            [program, "verify", "--man=no", "--user", str(file)],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "XDG_RUNTIME_DIR": runtime},
        )
    return f"{done.returncode}{done.stdout}{done.stderr}"


def test_systemd_takes_the_unit_of_any_path(tmp_path: Path) -> None:
    for folder in ("plain", "an na/50%/$HOME/ü"):
        home = tmp_path / folder
        home.mkdir(parents=True)
        program = home / "pointsman"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        facts = Facts(
            program=str(program),
            folder=str(home),
            log="/l",
            stop_seconds=50,
            environment=(("XDG_STATE_HOME", str(home)), ("XDG_CONFIG_HOME", '/b "c\\d')),
        )
        assert verified(unit_of(facts), tmp_path) == "0"


def test_systemd_finds_fault_with_a_unit_that_is_wrong(tmp_path: Path) -> None:
    assert "/no/such/pointsman" in verified(
        unit_of(PLAIN).replace("/home/anna/.local/bin", "/no/such"), tmp_path
    )


def test_a_unit_names_its_program_folder_and_environment() -> None:
    text = unit_of(PLAIN)
    assert "\nExecStart=/home/anna/.local/bin/pointsman serve\n" in text
    assert "\nWorkingDirectory=/home/anna/.config/pointsman\n" in text
    assert "\nTimeoutStopSec=50\n" in text
    assert "Environment" not in text
    odd = Facts(program=ODD, folder="/50%", log="", stop_seconds=1, environment=(("A", 'b "%'),))
    assert '\nEnvironment="A=b \\"%%"\nWorkingDirectory=/50%%\n' in unit_of(odd)


@pytest.mark.parametrize("character", ['"', "'", "\\"])
def test_a_program_that_systemd_would_refuse_is_refused(character: str, tmp_path: Path) -> None:
    facts = replace(PLAIN, program=f"/a{character}b/pointsman")
    with pytest.raises(ServiceError, match="systemd starts no program with quotes"):
        unit_of(facts)
    escaped = character.replace("\\", "\\\\").replace('"', '\\"')
    text = unit_of(PLAIN).replace(PLAIN.program, f'"/a{escaped}b/pointsman"')
    assert "special characters" in verified(text, tmp_path)


@pytest.mark.parametrize("path", [PLAIN.program, ODD])
def test_the_program_of_a_unit_is_found_again(path: str) -> None:
    assert program_in(unit_of(Facts(path, "/f", "/l", 1))) == path


@pytest.mark.parametrize("text", ["", "ExecStart=\n", 'ExecStart="open\n', "ExecStart=  \n"])
def test_a_unit_without_a_program_names_none(text: str) -> None:
    assert program_in(text) is None


@pytest.mark.parametrize(
    ("active", "file", "pid", "entered", "state"),
    [
        ("active", "enabled", "7", "2000000", State(True, "running", 7, 902.0)),
        ("reloading", "disabled", "7", "2000000", State(False, "running", 7, 902.0)),
        ("activating", "enabled", "0", "0", State(True, "starting")),
        ("deactivating", "enabled", "7", "2000000", State(True, "stopping", 7)),
        ("failed", "enabled", "0", "2000000", State(True, "failed")),
        ("inactive", "", "0", "0", State()),
        ("active", "enabled", "7", "", State(True, "running", 7)),
    ],
)
def test_what_systemctl_shows_is_read(
    active: str, file: str, pid: str, entered: str, state: State
) -> None:
    shown = "\n".join(
        f"{name}={value}"
        for name, value in zip(PROPERTIES, (active, file, pid, entered), strict=True)
    )
    assert state_in(f"{shown}\n\n", now=1000.0, monotonic=100.0) == state


def test_what_systemctl_does_not_show_is_not_running() -> None:
    assert state_in("", now=0, monotonic=0) == State()


def test_the_unit_is_for_any_user_and_keeps_nothing_of_a_key() -> None:
    assert not re.search(r"KEY|PASSWORD|EnvironmentFile=", unit_of(PLAIN))
