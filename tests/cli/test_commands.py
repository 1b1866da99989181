"""The commands as processes: what a person types, and what comes back."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from app import __version__
from app.cli.commands import commands
from app.cli.groups import GROUPS

POINTSMAN = [sys.executable, "-m", "app"]
ROOT = Path(__file__).parent.parent.parent


def environment(state: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    paths = {"PYTHONPATH": str(ROOT), "POINTSMAN_STATE": str(state), "COLUMNS": "100"}
    return {**kept, **paths}


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own words
        [*POINTSMAN, *arguments],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def started(tmp_path: Path, *arguments: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603 - our own words
        [*POINTSMAN, *arguments],
        cwd=tmp_path,
        env={**environment(tmp_path), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=60)
        if process.stdout is not None:
            process.stdout.close()


def printed_until(process: subprocess.Popen[str], word: str, within: float = 30) -> str:
    """What the process prints up to the line with `word` in it."""
    assert process.stdout is not None
    timer = threading.Timer(within, process.kill)
    timer.start()
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if word in line:
            break
    timer.cancel()
    text = "".join(lines)
    assert word in text, text
    return text


def test_help_lists_the_commands(tmp_path: Path) -> None:
    answer = run(tmp_path, "--help")
    assert answer.returncode == 0
    for command in ("run", "serve", "demo", "simulate", "check", "log", "version"):
        assert command in answer.stdout


def helped(*command: str) -> str:
    said = CliRunner().invoke(commands, [*command, "-h"], env={"COLUMNS": "100"})
    assert said.exit_code == 0
    return said.output


def test_help_has_every_command_in_a_group() -> None:
    names = {each.name or each.callback.__name__ for each in commands.registered_commands}  # type: ignore[union-attr]
    grouped = [name for group in GROUPS.values() for name in group]
    assert len(set(grouped)) == len(grouped)
    assert {*grouped, "version"} == names
    text = helped()
    assert [title for title in (*GROUPS, "Other") if f"\n{title}:\n" in text] == [*GROUPS, "Other"]
    assert "--install-completion" in text


@pytest.mark.parametrize("command", [name for group in GROUPS.values() for name in group])
def test_a_summary_is_short_and_each_option_says_what_it_takes(command: str) -> None:
    text = helped(command)
    summary = text.split("\n\n")[1].strip()
    assert len(summary.splitlines()[0]) <= 45
    for name in ("host", "policies", "ledger", "upstream", "catalog"):
        assert f"--{name} TEXT" not in text


def test_run_takes_all_that_serve_takes() -> None:
    ours, theirs = (
        re.findall(r"^  (--\w+)", helped(name), re.MULTILINE) for name in ("run", "serve")
    )
    assert ours == theirs
    assert len(ours) == 7


def test_the_version_is_an_option_too() -> None:
    said = CliRunner().invoke(commands, ["--version"])
    assert (said.exit_code, said.output.strip()) == (0, __version__)


def test_a_broken_policy_stops_the_start_with_file_line_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.yaml").write_text(
        "version: 1\nrules:\n  - name: a\n    models: ['*']\n    quantization_floor: fp9\n"
    )
    for command in ("serve", "check", "demo"):
        answer = run(tmp_path, command)
        assert answer.returncode == 2, answer
        assert "mine.yaml:5" in answer.stderr
        assert "fp8" in answer.stderr
        assert "Traceback" not in answer.stderr


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = run(tmp_path, "serve", "--port", port)
    assert answer.returncode == 2
    assert f"can't listen on 127.0.0.1:{port}" in answer.stderr
    assert "--port" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_listening_to_the_world_without_keys_is_refused(tmp_path: Path) -> None:
    answer = run(tmp_path, "serve", "--host", "0.0.0.0")  # noqa: S104 - refused
    assert answer.returncode == 2
    assert "POINTSMAN_CALLER_KEYS" in answer.stderr


def test_check_tells_what_the_shipped_policies_hold(tmp_path: Path) -> None:
    answer = run(tmp_path, "check")
    assert answer.returncode == 0, answer.stderr
    assert "2 rules" in answer.stdout


def test_the_demo_serves_samples_prints_receipts_and_stays(tmp_path: Path) -> None:
    with started(tmp_path, "run", "--port", "0") as process:
        text = printed_until(process, "Serving until Ctrl-C")
        assert "SIMULATED" in text
        assert text.count("kept") == 3, text
        assert "403 policy_conflict" in text
        assert "curl http://127.0.0.1:" in text
        base_url = text.split("Pointsman serves ")[1].split()[0]
        assert httpx2.get(f"{base_url}/models", trust_env=False).is_success
        assert "Receipts:  " in text
        assert "--ledger" not in text.split("Receipts:  ")[1].splitlines()[0]
        answer = run(tmp_path, "log", "--json")
        assert "receipts of the demo" in answer.stderr
        kept = [r for r in map(json.loads, answer.stdout.splitlines()) if r["verdict"] == "kept"]
        verified = run(tmp_path, "verify", kept[0]["id"])
        assert verified.returncode == 0, verified.stderr
        assert verified.stdout.count("kept") == 2, verified.stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    answer = run(tmp_path, "log", "--json", "--ledger", f"sqlite:///{tmp_path / 'demo-ledger.db'}")
    assert len(answer.stdout.splitlines()) == 5
    assert run(tmp_path, "log", "--json").stdout == answer.stdout
    assert run(tmp_path, "stats").returncode == run(tmp_path, "export").returncode == 0
    verified = run(tmp_path, "verify", kept[0]["id"])
    assert verified.returncode == 2
    assert "the demo is not running" in verified.stderr


@pytest.mark.parametrize("ours", [True, False], ids=["our key", "the client's key"])
def test_run_serves_an_upstream_that_is_named_and_log_follows(
    tmp_path: Path, *, ours: bool
) -> None:
    key = "sk-or-v1-simulated"
    with started(tmp_path, "simulate", "--port", "0", "--pace", "0") as upstream:
        api = printed_until(upstream, "accepted").split("OpenRouter at ")[1].split()[0]
        serve = ("run", "--port", "0")
        settings = {"POINTSMAN_UPSTREAM_URL": api, **({"OPENROUTER_API_KEY": key} if ours else {})}
        with (
            started(tmp_path, *serve, **settings) as process,
            started(tmp_path, "log", "--follow", "--json") as follower,
        ):
            base_url = printed_until(process, "Pointsman serves").split("serves ")[1].split(",")[0]
            time.sleep(1)  # for the follower to have looked once
            answer = httpx2.post(
                f"{base_url}/chat/completions",
                json={"model": "qwen/qwen3-coder", "messages": [{"role": "user", "content": "x"}]},
                headers={} if ours else {"authorization": f"Bearer {key}"},
                trust_env=False,
            )
            assert answer.is_success, answer.text
            line = printed_until(follower, "rcp_")
            assert json.loads(line.splitlines()[-1])["id"] == answer.headers["x-pointsman-receipt"]
            assert "model=qwen/qwen3-coder" in printed_until(process, "receipt=")


@pytest.mark.parametrize("option", ["--catalog", "--presets"])
def test_a_simulator_s_file_that_can_not_be_used_is_named(tmp_path: Path, option: str) -> None:
    (tmp_path / "file.json").write_text('{"format": 1}', "utf-8")
    answer = run(tmp_path, "simulate", option, "file.json", "--port", "0")
    assert answer.returncode == 2
    assert f"{option} file.json can't be used" in answer.stderr


@pytest.mark.parametrize("arguments", [["log", "--since", "soon"], ["log", "rcp_none"]])
def test_a_mistake_is_a_sentence_and_an_exit_code(tmp_path: Path, arguments: list[str]) -> None:
    answer = run(tmp_path, *arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith("pointsman: ")
    assert "Traceback" not in answer.stderr
