"""`pointsman launch` runs a program through Pointsman, and accounts for its requests alone."""

import asyncio
import fcntl
import json
import logging
import os
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.cli.launch import launch
from app.errors import SettingsError
from app.ledger.store import Store
from app.server.bounds import Bounds
from app.settings import Settings
from app.simulator import create_simulator
from app.tools.table import ANY_PROGRAM, TOOLS
from tests.conftest import PRECISE, Proxy, StartProxy
from tests.running import running
from tests.scripted_upstream import Pause, ScriptedUpstream
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
STAND_IN = Path(__file__).with_name("stand_in.py")
LAUNCHED = [name for name, tool in TOOLS.items() if tool.launch]
pytestmark = pytest.mark.usefixtures("programs", "home")
RECEIPT = re.compile(r"rcp_[0-9a-z]+")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs on PATH: the stand-in under the name of each tool."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS.values():
        if tool.launch:
            program = folder / tool.launch.program
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n')
            program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a configuration file of each tool, and nothing that points elsewhere."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    for tool in TOOLS.values():
        for place in tool.config.chosen if tool.config else ():
            for name in re.findall(r"\$(\w+)", place):
                monkeypatch.delenv(name, raising=False)
    (home / ".cline/data/settings").mkdir(parents=True)
    (home / ".cline/data/settings/providers.json").write_text('{"version": 1, "mine": true}')
    (home / ".config/io.datasette.llm").mkdir(parents=True)
    (home / ".config/io.datasette.llm/extra-openai-models.yaml").write_text("- model_id: mine\n")
    (home / ".config/io.datasette.llm/templates.yaml").write_text("own: 1\n")
    return home


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    before, level = logging.getLogger().handlers, logging.getLogger("pointsman").level
    yield
    logging.getLogger().handlers = before
    logging.getLogger("pointsman").setLevel(level)


@pytest.fixture
def start(start_proxy: StartProxy) -> Iterator[Callable[..., tuple[Proxy, Settings]]]:
    """Start a Pointsman in front of a simulator; the settings find it, as another user's would."""
    with running(create_simulator(pace=0)) as openrouter:

        def start(**known: Any) -> tuple[Proxy, Settings]:
            proxy = start_proxy(PRECISE, upstream_url=f"{openrouter.url}/api/v1", **known)
            return proxy, Settings.read(port=int(proxy.url.rpartition(":")[2]))

        yield start


def snapshot(folder: Path) -> dict[str, bytes | str]:
    return {
        str(each.relative_to(folder)): str(each.readlink())
        if each.is_symlink()
        else each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_symlink() or each.is_file()
    }


def as_a_process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as users do. It finds no Pointsman, unless a port is given."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "app", "launch", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "POINTSMAN_PORT": "1", **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_without_a_pointsman_one_is_started_for_the_run(tmp_path: Path) -> None:
    """In front of the simulated OpenRouter, which it says; its receipts are written."""
    ended = as_a_process(
        "--env", "codex", "--", "ask", "OPENAI_BASE_URL", "ask", "OPENROUTER_BASE_URL", "exit", "7"
    )
    assert ended.returncode == 7, ended.stderr
    first, *lines = ended.stderr.splitlines()
    assert "no Pointsman answers at http://127.0.0.1:1" in first
    assert "SIMULATED OpenRouter" in first
    assert re.fullmatch(r"pointsman: 2 requests, \$0\.\d+", lines[0])
    assert lines[1].startswith("pointsman: served by ")
    assert lines[2].startswith("pointsman: policy: ")
    store = Store.open(f"sqlite:///{tmp_path}/state/pointsman/demo-ledger.db")
    written = {receipt.id for receipt in store.recent(limit=10)}
    store.close()
    assert written == set(RECEIPT.findall(ended.stdout))
    assert len(written) == 2


async def test_the_one_that_runs_is_used_and_others_requests_are_not_counted(
    start: Callable[..., tuple[Proxy, Settings]],
) -> None:
    proxy, settings = start()
    others = {"model": "qwen/qwen3-coder", "messages": [{"role": "user", "content": "other"}]}

    async def ask_meanwhile() -> None:
        for _ in range(5):
            await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=others)

    words = ["ask", "OPENAI_BASE_URL"] * 3
    run = asyncio.create_task(ask_meanwhile())
    code = await asyncio.to_thread(_in_a_process, settings, words)
    await run
    assert code.returncode == 0, code.stderr
    assert f"requests go to the Pointsman at {proxy.url}" in code.stderr
    assert re.search(r"pointsman: 3 requests, \$0\.\d+\n", code.stderr)
    ours = set(RECEIPT.findall(code.stdout))
    receipts = {each["id"]: each for each in await proxy.receipts(8)}
    assert ours < set(receipts)
    cost = sum(receipts[each]["cost_usd"] for each in ours)
    assert f"${cost:.6f}" in code.stderr
    assert code.stderr.endswith("pointsman: policy: kept 3\n")


def _in_a_process(settings: Settings, words: list[str]) -> subprocess.CompletedProcess[str]:
    return as_a_process("--env", "codex", "--", *words, POINTSMAN_PORT=str(settings.port))


def test_a_caller_key_is_asked_for_and_sent(
    start: Callable[..., tuple[Proxy, Settings]], capfd: pytest.CaptureFixture[str]
) -> None:
    _, settings = start(caller_keys="anna:key-of-anna,ben:key-of-ben")
    words = ["ask", "OPENAI_BASE_URL"]
    with pytest.raises(SettingsError, match="asks for a caller key; give one with --key"):
        launch(settings, "codex", words, any_tool=True)
    with pytest.raises(SettingsError, match="does not accept this caller key"):
        launch(settings, "codex", words, any_tool=True, key="wrong")
    assert launch(settings, "codex", words, any_tool=True, key="key-of-ben") == 0
    known = Settings.read(
        port=settings.port,
        caller_keys="anna:key-of-anna,ben:key-of-ben",
        openrouter_api_key="sk-or-v1-x",
    )
    assert launch(known, "codex", words, any_tool=True) == 0
    assert launch(known, "codex", words, any_tool=True, key="ben") == 0
    assert capfd.readouterr().err.count("1 request, $0.0") == 3


@pytest.mark.parametrize("name", LAUNCHED)
def test_a_tool_is_set_for_the_run_and_the_users_home_is_not_changed(
    name: str, start: Callable[..., tuple[Proxy, Settings]], home: Path, tmp_path: Path
) -> None:
    _, settings = start()
    before, told = snapshot(home), tmp_path / "told.json"
    key = "canary-of-the-key"
    code = launch(
        settings, name, ["tell", str(told)], model="qwen/qwen3-coder", key=key, quiet=True
    )
    assert code == 0
    given = json.loads(told.read_text())
    everything = json.dumps(given)
    assert "qwen/qwen3-coder" in everything
    addresses = set(re.findall(r"http://127\.0\.0\.1:(\d+)", everything))
    assert len(addresses) == 1
    assert str(settings.port) not in addresses, "an address of its own"
    assert key not in json.dumps(given["arguments"])
    assert key in everything
    recipe = TOOLS[name].launch
    assert recipe
    own = {*recipe.files, recipe.copy}
    assert {mode for file, mode in given["modes"].items() if file in own} <= {0o600}
    for folder in given["folders"]:
        assert not Path(folder).exists()
    assert snapshot(home) == before


def test_a_copy_has_what_the_users_own_file_has(
    start: Callable[..., tuple[Proxy, Settings]], tmp_path: Path
) -> None:
    _, settings = start()
    told = tmp_path / "told.json"
    launch(settings, "cline", ["tell", str(told)], model="m/m", quiet=True)
    given = json.loads(json.loads(told.read_text())["files"]["providers.json"])
    assert given["mine"] is True
    assert given["providers"]["openrouter"]["settings"]["model"] == "m/m"
    launch(settings, "llm", ["tell", str(told)], model="m/m", quiet=True)
    files = json.loads(told.read_text())["files"]
    assert files["extra-openai-models.yaml"].startswith("- model_id: mine\n- model_id: ")
    assert files["templates.yaml"] == "own: 1\n", "the rest of its folder is linked"
    launch(settings, "llm", ["tell", str(told)], quiet=True)
    assert "LLM_USER_PATH" not in json.loads(told.read_text())["variables"]


def test_a_broken_file_of_the_tool_is_named_before_it_is_started(
    start: Callable[..., tuple[Proxy, Settings]], home: Path, tmp_path: Path
) -> None:
    _, settings = start()
    (home / ".cline/data/settings/providers.json").write_text("{")
    told = tmp_path / "told.json"
    with pytest.raises(SettingsError, match=r"providers\.json:1: not JSON.*correct it"):
        launch(settings, "cline", ["tell", str(told)])
    assert not told.exists()


def test_variables_that_lead_elsewhere_are_not_passed_on(
    start: Callable[..., tuple[Proxy, Settings]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, settings = start()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-real")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "internal")
    told = tmp_path / "told.json"
    launch(settings, "claude", ["tell", str(told)], quiet=True)
    variables = json.loads(told.read_text())["variables"]
    assert "ANTHROPIC_API_KEY" not in variables
    assert variables["NO_PROXY"] == "internal,127.0.0.1"
    launch(settings, "codex", ["tell", str(told)], any_tool=True, quiet=True)
    variables = json.loads(told.read_text())["variables"]
    assert {name for name in ANY_PROGRAM if name in variables} == {
        name for name in ANY_PROGRAM if not name.endswith("_MODEL")
    }


async def test_a_request_that_the_tool_left_before_its_answer_is_said(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    """Its receipt can't be told from others' when another Pointsman wrote it."""
    openrouter.plays((Pause(60),))
    # Otherwise a client that closes may still want its answer, as at the top of test_pipelining.py.
    leaves = Bounds(half_close_seconds=-1)
    proxy = start_proxy(upstream_url=openrouter.url, bounds=leaves)
    asked = tmp_path / "asked"
    run = asyncio.create_task(
        asyncio.to_thread(
            as_a_process,
            *("--env", "codex", "--", "leave", "OPENAI_BASE_URL"),
            POINTSMAN_PORT=proxy.url.rpartition(":")[2],
            ASKED=str(asked),
        )
    )
    await openrouter.was_asked(within=60)
    asked.touch()
    ended = await run
    assert ended.stderr.splitlines()[1:] == [
        "pointsman: no request of this run is known to have reached Pointsman",
        "pointsman: 1 request had no answer when the tool left, so the figures are without them",
    ]
    assert (await proxy.only_receipt())["ending"] == "caller_left"


async def test_one_of_its_own_knows_even_that_request(
    openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays((Pause(60),))
    asked = tmp_path / "asked"
    run = asyncio.create_task(
        asyncio.to_thread(
            as_a_process,
            *("--env", "codex", "--", "leave", "OPENAI_BASE_URL"),
            OPENROUTER_API_KEY="sk-or-v1-x",
            POINTSMAN_UPSTREAM_URL=openrouter.url,
            ASKED=str(asked),
        )
    )
    await openrouter.was_asked(within=60)
    asked.touch()
    ended = await run
    assert "SIMULATED" not in ended.stderr
    assert "pointsman: 1 request, $0.000000" in ended.stderr


def test_a_program_that_is_not_there_is_127_with_a_way_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert launch(Settings.read(), "codex", []) == 127
    assert capfd.readouterr().err == (
        "pointsman: codex is not installed, or not on PATH; "
        "install it: npm install -g @openai/codex\n"
    )
    assert launch(Settings.read(), "mine", [], any_tool=True) == 127
    assert "give its path to --env" in capfd.readouterr().err


def test_a_program_that_can_not_be_run_is_126(
    start: Callable[..., tuple[Proxy, Settings]], programs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (programs / "codex").write_bytes(b"\x00not a program")
    _, settings = start()
    assert launch(settings, "codex", [], any_tool=True) == 126
    assert "codex can't be run: " in capfd.readouterr().err


def test_an_unknown_tool_is_named_with_a_way_out() -> None:
    with pytest.raises(SettingsError, match="did you mean codex"):
        launch(Settings.read(), "codx", [])
    with pytest.raises(SettingsError, match="launch --env emacs runs any program"):
        launch(Settings.read(), "emacs", [])


def test_a_tool_that_a_signal_ended_has_the_shells_exit_code(
    start: Callable[..., tuple[Proxy, Settings]],
) -> None:
    _, settings = start()
    assert launch(settings, "codex", ["die"], any_tool=True, quiet=True) == 128 + signal.SIGKILL


def test_a_wrong_key_for_one_of_its_own_is_refused_before_the_tool_is_started() -> None:
    settings = Settings.read(port=1, caller_keys="anna:key-of-anna", openrouter_api_key="sk-or-x")
    with pytest.raises(SettingsError, match="correct --key or POINTSMAN_KEY"):
        launch(settings, "codex", ["die"], any_tool=True, key="any")


def test_quiet_leaves_the_account_out(
    start: Callable[..., tuple[Proxy, Settings]], capfd: pytest.CaptureFixture[str]
) -> None:
    _, settings = start()
    launch(settings, "codex", ["ask", "OPENAI_BASE_URL"], any_tool=True, quiet=True)
    assert capfd.readouterr().err == ""


def test_ctrl_c_goes_to_the_tool_and_the_account_comes_after_it() -> None:
    """At a terminal, as users press it: the tool goes on, and ends when it wants to."""
    ours, theirs = os.openpty()

    def at_the_terminal() -> None:
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    words = ["ask", "OPENAI_BASE_URL", "wait", "exit", "5"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "app", "launch", "--env", "codex", "--", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "POINTSMAN_PORT": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=at_the_terminal,  # noqa: PLW1509 - no threads of ours run here
    )
    os.close(theirs)
    seen = bytearray()
    os.set_blocking(ours, False)

    def shows(text: bytes, times: int = 1) -> bool:
        try:
            while piece := os.read(ours, 4096):
                seen.extend(piece)
        except (BlockingIOError, OSError):
            pass
        return seen.count(text) >= times

    try:
        wait_until(lambda: shows(b"ready"))
        for told in (1, 2):
            os.write(ours, b"\x03")
            wait_until(partial(shows, b"told SIGINT", told))
        assert process.wait(60) == 5
        wait_until(lambda: shows(b"pointsman: policy: "))
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    text = seen.decode()
    assert text.index("told SIGINT") < text.index("pointsman: 1 request, $0.0")
    assert "Traceback" not in text
    assert "Aborted" not in text


def test_sigterm_is_passed_on_to_the_tool() -> None:
    words = ["wait", "exit", "6"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "app", "launch", "--env", "codex", "--", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "POINTSMAN_PORT": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    out, complaints = process.communicate(timeout=60)
    assert (process.returncode, out) == (6, "told SIGTERM\n")
    assert "no request of this run" in complaints
