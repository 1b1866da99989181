import plistlib

import pytest

from app.units.facts import Facts, State
from app.units.launchd import LABEL, agent_of, pid_in, program_in, state_in

ODD = '/Users/an na/<&>"$HOME"/pointsman'
PRINTED = """\
dev.pointsman = {
	state = running
	program = /bin/sh
	pid = 4711
	last exit code = (never exited)
}
"""


def test_any_path_arrives_as_an_argument() -> None:
    facts = Facts(ODD, "/f <&>", "/l <&>", 77, environment=(("XDG_STATE_HOME", "/s <&>"),))
    agent = plistlib.loads(agent_of(facts).encode())
    shell, option, script, *arguments = agent["ProgramArguments"]
    assert (shell, option, script) == ("/bin/sh", "-c", 'exec "$0" serve 2>>"$1"')
    assert arguments == [ODD, "/l <&>"]
    assert agent["WorkingDirectory"] == "/f <&>"
    assert agent["EnvironmentVariables"] == {"XDG_STATE_HOME": "/s <&>"}
    assert (agent["Label"], agent["ExitTimeOut"], agent["Umask"]) == (LABEL, 77, 0o077)
    assert agent["RunAtLoad"] is True
    assert program_in(agent_of(facts)) == ODD


def test_no_variables_leave_no_key_for_them() -> None:
    agent = plistlib.loads(agent_of(Facts("/p", "/f", "/l", 1)).encode())
    assert "EnvironmentVariables" not in agent


@pytest.mark.parametrize(
    "text",
    ["", "<plist>", "not xml", agent_of(Facts("/p", "/f", "/l", 1)).replace("Arguments", "")],
)
def test_what_is_not_an_agent_of_ours_names_no_program(text: str) -> None:
    assert program_in(text) is None


@pytest.mark.parametrize(
    ("printed", "disabled", "installed", "state"),
    [
        (PRINTED, "", True, State(True, "running", 4711, 5.0)),
        (PRINTED, f'"{LABEL}" => disabled', True, State(False, "running", 4711, 5.0)),
        (PRINTED, f'"{LABEL}" => true', True, State(False, "running", 4711, 5.0)),
        (PRINTED, f'"{LABEL}" => enabled', True, State(True, "running", 4711, 5.0)),
        (None, "", True, State(True)),
        (None, "", False, State(False)),
        ("\tlast exit code = 2\n", "", True, State(True, "failed")),
        ("\tlast exit code = 0\n", "", True, State(True, "stopped")),
        ("\tstate = spawn scheduled\n", "", True, State(True, "stopped")),
    ],
)
def test_what_launchctl_prints_is_read(
    printed: str | None, disabled: str, *, installed: bool, state: State
) -> None:
    assert state_in(printed, disabled, since=5.0, installed=installed) == state


def test_the_process_is_found_in_what_is_printed() -> None:
    assert pid_in(PRINTED) == 4711
    assert pid_in("") is None
