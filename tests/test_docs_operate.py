"""docs/operate.md and deploy/: the files are sound, fit the settings, and the commands work."""

import configparser
import os
import plistlib
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from app.catalog.scores import read_export
from app.cli.service import service_here
from app.cli.tool_files import Notes, Written
from app.ledger.opening import open_engine
from app.notifying.claims import Claims
from app.openrouter.score_copies import ScoreCopies
from app.record.secret import secret_of
from app.settings import Settings
from app.tools.editing import Edit
from tests.catalog.test_scores import CHECKSUM, EXPORT
from tests.conftest import StartProxy
from tests.deploy.built import LAST_RECEIPTS_SECONDS
from tests.scripted_upstream import ScriptedUpstream, reply
from tests.test_docs import DOCS
from tests.waiting import until

ROOT = DOCS.parent
DEPLOY = ROOT / "deploy"
TEXT = (DOCS / "operate.md").read_text(encoding="utf-8")
SYSTEM, USER = "of the machine", "of a user"
COMMANDS = re.findall(r"^```sh run\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
NAMES = {f"POINTSMAN_{name.upper()}" for name in Settings.model_fields}
FIXED_BY_COMPOSE = {"POINTSMAN_HOST", "POINTSMAN_POLICIES", "POINTSMAN_STATE"}
DRAIN_SECONDS: float = Settings.model_fields["drain_seconds"].default
READY_SECONDS = 20.0
ASK = {"model": "acme/sim-1", "messages": []}


def pointsman(*arguments: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one of our own commands to its end."""
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "app", *arguments],
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        timeout=READY_SECONDS,
    )


def test_every_file_in_deploy_is_on_this_page_or_that_of_replicas() -> None:
    both = TEXT + (DOCS / "deploy.md").read_text(encoding="utf-8")
    files = [file for file in DEPLOY.rglob("*") if file.is_file()]
    assert files
    for file in files:
        assert f"(../{file.relative_to(ROOT).as_posix()})" in both, file


def test_every_setting_on_the_page_and_in_deploy_is_one() -> None:
    texts = [TEXT, *(file.read_text("utf-8") for file in DEPLOY.rglob("*") if file.is_file())]
    for text in texts:
        assert set(re.findall(r"POINTSMAN_[A-Z_]+", text)) <= NAMES


def test_the_settings_behind_a_web_server_fit_together() -> None:
    (block,) = re.findall(r"^```sh env\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    options = dict(line.split("=", maxsplit=1) for line in block.splitlines())
    read = {name.removeprefix("POINTSMAN_").lower(): value for name, value in options.items()}
    settings = Settings.read(**read, openrouter_api_key="sk-or-v1-any")
    settings.check_exposure()
    assert set(settings.operators) <= set(settings.caller_keys)
    for file in ("caddy/Caddyfile", "nginx/pointsman.conf"):
        assert settings.allowed_hosts[0] in (DEPLOY / file).read_text(encoding="utf-8")


# --- systemd ----------------------------------------------------------------------------------


def unit_text(name: str) -> str:
    """The unit of the machine, from its file, or the one that the command writes for a user."""
    if name == SYSTEM:
        return (DEPLOY / "systemd" / "pointsman.service").read_text(encoding="utf-8")
    return written_for("linux")


def written_for(platform: str) -> str:
    """What `pointsman service install` writes on a platform, for a program in the home folder."""
    here = service_here(platform)
    program = here.home / ".local" / "bin" / "pointsman"
    return here.manager.text_of(here.facts(program, here.settings()))


def service(name: str) -> Mapping[str, str]:
    """The section `[Service]`, of a key that comes twice the last value."""
    text = unit_text(name)
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(text)
    return read["Service"]


@pytest.mark.parametrize("name", [SYSTEM, USER])
def test_a_unit_fits_the_program(name: str) -> None:
    unit = service(name)
    program, *arguments = unit["ExecStart"].split()
    assert program.endswith("/bin/pointsman")
    shown = pointsman(*arguments, "--help", cwd=ROOT)
    assert shown.returncode == 0
    assert int(unit["TimeoutStopSec"]) >= DRAIN_SECONDS + LAST_RECEIPTS_SECONDS
    assert unit["RestartPreventExitStatus"] == "2"


@pytest.mark.parametrize("name", [SYSTEM, USER])
def test_systemd_takes_the_unit_without_a_word(name: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here; on Debian: apt install systemd")
    text = unit_text(name)
    file = tmp_path / "pointsman.service"
    # Verifying looks for the program, which is not installed there.
    file.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", text), encoding="utf-8")
    kind = ["--user"] if name == USER else []
    with tempfile.TemporaryDirectory() as runtime:  # a short path: units of the system have sockets
        checked = subprocess.run(  # noqa: S603 - our own words
            [program, "verify", "--man=no", *kind, str(file)],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "XDG_RUNTIME_DIR": runtime},
        )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_both_units_agree_where_they_say_the_same() -> None:
    machine, user = service(SYSTEM), service(USER)
    of_each = {"ExecStart", "WorkingDirectory", "Environment"}
    common = set(machine) & set(user) - of_each
    assert {"Type", "Restart", "RestartPreventExitStatus", "KillMode", "TimeoutStopSec"} <= common
    assert {name: machine[name] for name in common} == {name: user[name] for name in common}
    assert set(user) - set(machine) == set()


def test_a_mistake_at_start_ends_with_the_status_that_the_units_do_not_restart(
    tmp_path: Path,
) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.yaml").write_text("version: 2\n", encoding="utf-8")
    for wrong in ({"POINTSMAN_PORT": "none"}, {"POINTSMAN_PORT": "0"}):
        done = pointsman("serve", cwd=tmp_path, **wrong)
        assert done.returncode == 2


# --- launchd ----------------------------------------------------------------------------------


def test_the_agent_stays_longer_than_answers_are_given_to_finish() -> None:
    agent = plistlib.loads(written_for("darwin").encode())
    assert f"{agent['Label']}.plist" == service_here("darwin").manager.file.name
    assert agent["ExitTimeOut"] >= DRAIN_SECONDS + LAST_RECEIPTS_SECONDS
    assert agent["Umask"] == 0o077


def test_the_agents_command_serves_with_its_own_settings_and_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as launchd does: with no settings in the environment, and in the agent's folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    settings = tmp_path / ".config" / "pointsman"
    (settings / "policies").mkdir(parents=True)
    (settings / "policies" / "mine.yaml").write_text("version: 1\nrules: []\n", encoding="utf-8")
    (tmp_path / "Library" / "Logs").mkdir(parents=True)
    program = tmp_path / ".local" / "bin" / "pointsman"
    program.parent.mkdir(parents=True)
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m app "$@"\n', encoding="utf-8"
    )
    program.chmod(0o700)
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    (settings / ".env").write_text(f"POINTSMAN_PORT={port}\n", encoding="utf-8")
    agent = plistlib.loads(written_for("darwin").encode())
    process = subprocess.Popen(  # noqa: S603 - the file's own command
        agent["ProgramArguments"],
        cwd=agent["WorkingDirectory"],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", **agent["EnvironmentVariables"]},
        umask=agent["Umask"],
    )
    log = tmp_path / "Library" / "Logs" / "pointsman.log"
    try:
        late = time.monotonic() + READY_SECONDS
        while f":{port}/v1" not in (log.read_text("utf-8") if log.exists() else ""):
            assert process.poll() is None
            assert time.monotonic() < late
            time.sleep(0.05)
        log.write_text("", encoding="utf-8")  # as the page says to empty it
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/files", b"{}")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request)  # noqa: S310 - loopback
    finally:
        process.terminate()
        assert process.wait(timeout=READY_SECONDS) == 0
    assert "missing_key" in log.read_text(encoding="utf-8")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


# --- containers -------------------------------------------------------------------------------


def test_the_containers_variables_and_folders_are_those_of_the_program() -> None:
    (service,) = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"].values()
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    image = set(re.findall(r"(POINTSMAN_\w+)[=.]?", dockerfile.split("CMD")[0]))
    assert image <= NAMES
    folder = re.search(r"POINTSMAN_STATE=(\S+)", dockerfile)
    assert folder is not None
    assert f"receipts:{folder[1]}" in service["volumes"]
    assert f"./policies:{service['environment']['POINTSMAN_POLICIES']}:ro" in service["volumes"]
    grace = int(service["stop_grace_period"].rstrip("s"))
    assert grace >= DRAIN_SECONDS + LAST_RECEIPTS_SECONDS
    assert service["read_only"] is True


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """What Compose makes of `${NAME:-otherwise}`."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda each: variables.get(each[1]) or each[2], text)


@pytest.mark.parametrize("name", sorted(NAMES - FIXED_BY_COMPOSE | {"OPENROUTER_API_KEY"}))
def test_compose_passes_on_each_setting_of_the_env_file(name: str) -> None:
    """The file is `.env`, which Compose reads for `${...}` and the container gets whole."""
    (service,) = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"].values()
    assert service["env_file"] == [{"path": ".env", "required": False}]
    env_file = {name: "from-the-file"}
    own = {key: filled_in(value, env_file) for key, value in service["environment"].items()}
    assert (env_file | own)[name] == "from-the-file"


def test_compose_fixes_the_settings_that_the_page_says_and_starts_without_an_env_file() -> None:
    (service,) = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"].values()
    own = service["environment"]
    assert {name for name, value in own.items() if "$" not in value} == FIXED_BY_COMPOSE
    sentence = re.search(r"Only ([^.]+) are fixed", TEXT)
    assert sentence is not None
    assert set(re.findall(r"POINTSMAN_\w+", sentence[1])) == FIXED_BY_COMPOSE
    read = {
        name.removeprefix("POINTSMAN_").lower(): filled_in(value, {}) for name, value in own.items()
    }
    Settings.read(**read).check_exposure()


@pytest.mark.parametrize("port", ["4477", "4480"])
def test_compose_publishes_the_port_that_the_container_serves_on_loopback_alone(port: str) -> None:
    (service,) = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"].values()
    given = {} if port == "4477" else {"POINTSMAN_PORT": port}
    (published,) = (filled_in(each, given) for each in service["ports"])
    assert published == f"127.0.0.1:{port}:{port}"
    assert filled_in(service["environment"]["POINTSMAN_PORT"], given) == port


# --- files and the ledger -----------------------------------------------------------------------


async def test_files_have_the_modes_that_the_page_says(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays_catalog = False
    openrouter.lists("acme/sim-1", [])
    openrouter.plays(reply(b"{}"))
    state = tmp_path / "state-of-its-own"
    before = os.umask(0o022)
    try:
        proxy = start_proxy(POLICY, upstream_url=openrouter.url, state=state, guess_sessions=True)
        await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
        await proxy.only_receipt()
        await until(lambda: list(state.glob("catalog/*/*.json")), READY_SECONDS)
        scores = ScoreCopies(state, openrouter.url)
        Claims(state / "told").claim("ntc_1")
        Notes(state).keep(tmp_path / "tool.json", Written(None, "{}", Edit({}, {}, ())))
        secret_of(state / "audit.key", None, otherwise="")
        scores.write(EXPORT, read_export(EXPORT, CHECKSUM), source="x", now=0)
    finally:
        os.umask(before)
    table = TEXT.split("| File in the state folder |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]+`) \| (\d{3}) \|", table, re.MULTILINE)
    modes = {name: mode for names, mode in rows for name in re.findall(r"`([^`]+)`", names)}
    for name, mode in modes.items():
        if name == "demo-ledger.db":
            continue  # opened in the same way as the other
        found = list(state.glob(name))
        assert found, name
        for each in found:
            if each.is_dir() == name.endswith("/"):
                assert f"{stat.S_IMODE(each.stat().st_mode):o}" == mode, each
    written = {each.relative_to(state) for each in state.rglob("*")}
    assert all(any(each.match(name.rstrip("/")) for name in modes) for each in written)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


POLICY = "version: 1\nrules:\n  - {name: eight, models: [acme/sim-1], quantizations: [fp8]}\n"


def in_home(command: str, home: Path) -> None:
    """Run one of the page's commands."""
    done = subprocess.run(  # noqa: S603 - the page's own command
        ["/bin/sh", "-e", "-c", command],
        cwd=home,
        env={**os.environ, "HOME": str(home)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


async def test_a_backup_made_while_it_runs_has_every_receipt_and_can_be_restored(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    by_sqlite, by_python, restore = COMMANDS
    openrouter.plays(reply(b"{}"))
    state = tmp_path / ".local" / "state" / "pointsman"
    proxy = start_proxy(upstream_url=openrouter.url, state=state)
    await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
    await proxy.only_receipt()
    backup = tmp_path / "ledger-backup.db"
    commands = [by_sqlite, by_python] if shutil.which("sqlite3") else [by_python]
    for command in commands:
        backup.unlink(missing_ok=True)
        in_home(command, tmp_path)
        assert stat.S_IMODE(backup.stat().st_mode) == 0o600
        with closing(sqlite3.connect(backup)) as copy:
            assert copy.execute("SELECT count(*) FROM receipts").fetchone() == (1,)
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    elsewhere = tmp_path / "another"
    shutil.copytree(state, elsewhere / ".local" / "state" / "pointsman")  # -wal and -shm, too
    shutil.copy(backup, elsewhere)
    in_home(restore, elsewhere)
    restored = f"sqlite:///{elsewhere}/.local/state/pointsman/ledger.db"
    shown = pointsman("log", "--json", "--ledger", restored, cwd=elsewhere)
    assert shown.stdout.count('"id"') == 1, shown.stderr


async def test_an_older_program_serves_on_a_newer_ledger_and_says_that_it_writes_no_receipts(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    openrouter.plays(reply(b"{}"))
    file = tmp_path / "newer.db"
    open_engine(f"sqlite:///{file}").dispose()
    with closing(sqlite3.connect(file)) as ledger, ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '9999'")
        ledger.execute("UPDATE ledger_format SET oldest = '9999'")
    proxy = start_proxy(upstream_url=openrouter.url, ledger_url=f"sqlite:///{file}")
    answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ASK)
    assert answer.status_code == 200
    late = time.monotonic() + READY_SECONDS
    ready = {"status": "ready"}
    while ready["status"] != "degraded" and time.monotonic() < late:
        time.sleep(0.05)  # noqa: ASYNC251 - the proxy runs in another thread
        ready = (await proxy.client.get(f"{proxy.url}/ready")).json()
    assert "written by a newer Pointsman" in str(ready["ledger"])
    with closing(sqlite3.connect(file)) as ledger:
        assert ledger.execute("SELECT count(*) FROM receipts").fetchone() == (0,)
