"""`pointsman mcp` as a process: how it begins, what it writes, and how it ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mcp_types import INVALID_REQUEST, PARSE_ERROR

from app.cli.mcp.pipe import LONGEST_LINE
from tests.cli.mcp.agents import environment, furnished, started

# The command, with a source of answers that never gives one.
STUCK = """
import time
from app.cli.mcp import over_http, start
from app.settings import Settings
over_http.Opening.__call__ = lambda self: time.sleep(600)
start.serve_mcp(Settings.read(), None)
"""


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_each_version_of_the_protocol_is_agreed_to(tmp_path: Path, version: str) -> None:
    with started(tmp_path) as agent:
        hello = agent.greet(version)
        assert hello["protocolVersion"] == version
        assert hello["serverInfo"]["name"] == "pointsman"
        assert "never instructions" in hello["instructions"]
        assert len(agent.ask("tools/list")["result"]["tools"]) == 7
        assert agent.closes() == 0


def test_a_version_that_is_not_known_gets_the_newest_of_its_kind(tmp_path: Path) -> None:
    with started(tmp_path) as agent:
        assert agent.greet("1999-01-01")["protocolVersion"] == "2025-11-25"


def test_what_is_not_a_message_is_answered_and_it_goes_on(tmp_path: Path) -> None:
    with started(tmp_path) as agent:
        agent.greet()
        for line, code in (
            (b"not json", PARSE_ERROR),
            (b"\xff\xfe", PARSE_ERROR),
            (b'{"jsonrpc": "1.0", "id": 9, "method": "ping"}', INVALID_REQUEST),
            (b"[]", INVALID_REQUEST),
            (b'{"x": "' + b"x" * LONGEST_LINE + b'"}', INVALID_REQUEST),
        ):
            agent.write(line)
            assert agent.read()["error"]["code"] == code
        agent.write(b"")
        assert agent.ask("ping")["result"] == {}
        assert agent.ask("no/such")["error"]["code"] == -32601
        wrong = agent.ask("tools/call", {"name": 7})
        assert wrong["error"]["code"] == -32602
        assert agent.ask("ping")["result"] == {}
        assert agent.closes() == 0


def test_a_message_that_comes_before_the_greeting_does_no_harm(tmp_path: Path) -> None:
    with started(tmp_path) as agent:
        agent.write(b"garbage")
        assert agent.read()["error"]["code"] == PARSE_ERROR
        assert agent.greet()["protocolVersion"] == "2025-11-25"


def test_while_a_question_waits_others_are_answered_and_the_end_comes_at_once(
    tmp_path: Path,
) -> None:
    with started(tmp_path, "-c", STUCK) as agent:
        agent.greet()
        agent.send("tools/call", {"name": "log", "arguments": {}})
        assert agent.ask("ping")["result"] == {}
        assert len(agent.ask("tools/list")["result"]["tools"]) == 7
        assert agent.closes() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_even_while_a_question_waits(
    tmp_path: Path, number: signal.Signals
) -> None:
    with started(tmp_path, "-c", STUCK) as agent:
        agent.greet()
        agent.send("tools/call", {"name": "log", "arguments": {}})
        assert agent.ask("ping")["result"] == {}
        agent.process.send_signal(number)
        assert agent.process.wait(timeout=60) == 0
        assert agent.complains() == ""


def test_a_client_that_reads_no_more_does_not_keep_it(tmp_path: Path) -> None:
    """Answers pile up in the pipe until it is full; then the client closes its side."""
    with started(tmp_path) as agent:
        agent.greet()
        for _ in range(20):  # 28 kB each
            agent.send("tools/list")
        assert agent.closes() == 0


def test_a_client_that_is_gone_ends_it(tmp_path: Path) -> None:
    with started(tmp_path) as agent:
        agent.greet()
        assert agent.process.stdout is not None
        agent.process.stdout.close()
        agent.send("ping")
        assert agent.process.wait(timeout=60) == 0


def test_nothing_but_messages_is_on_standard_output(tmp_path: Path) -> None:
    """Python's own `print`, and what other programs write, go to standard error."""
    loud = STUCK.replace(
        "time.sleep(600)",
        "(print('LOUD', flush=True), __import__('os').system('echo LOUDER'), 1 / 0)",
    )
    with started(furnished(tmp_path), "-c", loud) as agent:
        agent.greet()
        answer = agent.ask("tools/call", {"name": "log", "arguments": {}})
        assert answer["result"]["isError"] is True
        assert agent.closes() == 0
        assert agent.process.stdout is not None
        assert agent.process.stdout.read() == b""
        told = agent.complains()
    assert {"LOUD", "LOUDER"} <= set(told.split())
    assert "ZeroDivisionError" in told


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['mcp'] = None; sys.argv = ['pointsman', 'mcp']; "
        "from app.__main__ import main; main()"
    )
    with started(tmp_path, "-c", code) as agent:
        assert agent.process.wait(timeout=60) == 2
        told = agent.complains()
    for way in ("pip install", "pipx install --force", "uv tool install --force"):
        assert f"{way} 'pointsman[mcp]'" in told


def test_no_other_command_loads_the_sdk(tmp_path: Path) -> None:
    code = (
        "import sys; from app.cli.commands import commands; import app.main\n"
        "for each in (['log', '--json'], ['check'], ['stats', '--json'], ['mcp', '--help']):\n"
        "    try: commands(each)\n"
        "    except SystemExit as end: assert not end.code, (each, end)\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('mcp', 'mcp_types')])"
    )
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code],
        cwd=furnished(tmp_path),
        env=environment(tmp_path, POINTSMAN_LEDGER_URL=f"{tmp_path}/ledger.db"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_setting_that_is_wrong_is_told_before_anything_is_served(tmp_path: Path) -> None:
    keys = {"OPENROUTER_API_KEY": "sk-or-1", "POINTSMAN_CALLER_KEYS": "ann:ka,bob:kb"}
    with started(tmp_path, **keys) as agent:
        assert agent.process.wait(timeout=60) == 2
        assert "choose one with --caller NAME" in agent.complains()
    assert not list(tmp_path.iterdir())
