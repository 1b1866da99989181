"""`pointsman service`: the unit is written, started, renewed and removed, with the real server.

systemd and launchd are stood in for by `service_stand_in.py`, which runs what a unit says.
"""

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from app import __version__
from app.cli.installed import installed_command
from app.cli.purging import STATE
from app.cli.service import install, service_here, uninstall
from app.cli.service_status import status_of
from app.errors import ServiceError, SettingsError
from app.settings import Settings, settings_of
from tests.units.test_systemd import verified

ROOT = Path(__file__).parent.parent.parent
KEY = "sk-or-v1-canary-of-the-service"


@dataclass(frozen=True)
class Home:
    """The home folder of a user that has installed Pointsman, as pipx or uv do."""

    folder: Path
    managed: Path  # the state of the stand-in
    port: int

    @property
    def unit(self) -> Path:
        return self.folder / ".config" / "systemd" / "user" / "pointsman.service"

    @property
    def own(self) -> Path:
        return self.folder / ".config" / "pointsman"

    @property
    def program(self) -> Path:
        return self.folder / ".local" / "bin" / "pointsman"

    def env(self, **more: str) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "PATH": f"{self.managed}/bin:/usr/bin:/bin",
            "STAND_IN": str(self.managed),
            "XDG_CONFIG_HOME": str(self.folder / ".config"),
            **more,
        }

    def runs(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own program
            [str(self.program), "service", *arguments],
            check=False,
            cwd=self.folder,
            env=self.env(**env),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def listens(self) -> None:
        """Write the file of settings, as its user did before."""
        self.own.mkdir(parents=True, exist_ok=True)
        (self.own / ".env").write_text(f"POINTSMAN_PORT={self.port}\n")

    def calls(self) -> str:
        return (self.managed / "calls").read_text()

    def everything(self) -> set[str]:
        return {str(each.relative_to(self.folder)) for each in self.folder.rglob("*")}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    made = Home(tmp_path / "home", tmp_path / "managed", port)
    venv = made.folder / ".local" / "share" / "uv" / "tools" / "pointsman"
    written = {
        venv / "bin" / "pointsman": f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
sys.dont_write_bytecode = True
from app.__main__ import main
main()
"""
    }
    stand_in = Path(__file__).parent / "service_stand_in.py"
    for name in ("systemctl", "loginctl", "launchctl"):
        line = f'#!/bin/sh\nexec {sys.executable} -IS {stand_in} "$0" "$@"\n'
        written[made.managed / "bin" / name] = line
    for file, text in written.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    (venv / "CACHEDIR.TAG").touch()  # as uv puts one into each environment
    made.program.parent.mkdir(parents=True)
    made.program.symlink_to(venv / "bin" / "pointsman")
    yield made
    subprocess.run(  # noqa: S603 - the stand-in
        [str(made.managed / "bin" / "systemctl"), "--user", "stop"],
        check=False,
        env=made.env(),
        capture_output=True,
    )


def test_a_service_is_installed_upgraded_and_removed_and_nothing_is_left(home: Home) -> None:
    before = home.everything()
    home.listens()
    assert json.loads(home.runs("status", "--json").stdout)["installed"] is False

    first = home.runs("install")
    assert first.returncode == 0, first.stderr
    assert f"{home.own / '.env'}: kept" in first.stdout
    assert f"{home.unit}: written" in first.stdout
    assert f"http://127.0.0.1:{home.port}/v1, ready" in first.stdout
    assert "loginctl enable-linger" in first.stdout
    assert "no OPENROUTER_API_KEY" in first.stdout
    text = home.unit.read_text()
    assert f"ExecStart={home.program} serve\n" in text  # the link, which stays
    assert verified(text, home.managed) == "0"
    assert "systemctl --user enable pointsman.service" in home.calls()

    told = json.loads(home.runs("status", "--json").stdout)
    pid = told["pid"]
    assert told == {
        "manager": "systemd",
        "unit": str(home.unit),
        "installed": True,
        "current": True,
        "enabled": True,
        "state": "running",
        "since": told["since"],
        "pid": pid,
        "program": str(home.program),
        "version_running": __version__,
        "version_installed": __version__,
        "environment_file": str(home.own / ".env"),
        "address": f"http://127.0.0.1:{home.port}",
        "ready": "ready",
        "lingers": False,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", told["since"])

    home.unit.write_text(text.replace("RestartSec=2", "RestartSec=9"))
    shown = home.runs("status")
    assert "differs from what this version writes" in shown.stdout
    again = home.runs("install")
    assert f"{home.unit}: renewed" in again.stdout
    assert "-RestartSec=9\n" in again.stdout
    assert "+RestartSec=2\n" in again.stdout
    assert "started anew" in again.stdout
    assert home.unit.read_text() == text
    assert json.loads(home.runs("status", "--json").stdout)["pid"] not in {pid, None}

    kept = home.runs("uninstall")
    assert kept.returncode == 0, kept.stderr
    assert not home.unit.exists()
    assert (home.own / ".env").exists()
    assert (home.folder / ".local/state/pointsman/ledger.db").exists()
    assert home.runs("status").returncode == 1

    (home.own / "policies").mkdir()
    (home.own / "policies" / "mine.yaml").write_text("version: 1\nrules: []\n")
    would = home.runs("uninstall", "--purge", "--dry-run")
    assert "would be removed" in would.stdout
    assert (home.own / "policies" / "mine.yaml").exists()
    assert home.runs("uninstall", "--purge").returncode == 0
    assert home.everything() == before


def is_free(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_a_new_environment_file_is_for_its_user_alone_and_its_key_is_never_printed(
    home: Home,
) -> None:
    if not is_free(Settings.model_fields["port"].default):
        pytest.skip("something listens on the port that a service has without a setting")
    planned = home.runs("install", "--dry-run", "--key-from-environment", OPENROUTER_API_KEY=KEY)
    assert "OPENROUTER_API_KEY=(the key of this shell)" in planned.stdout
    assert not home.own.exists()
    assert not home.unit.exists()
    without = home.runs("install", "--dry-run", "--key-from-environment")
    assert without.returncode == 2
    assert "OPENROUTER_API_KEY is not set here" in without.stderr
    home.runs("install", "--key-from-environment", OPENROUTER_API_KEY=KEY, POINTSMAN_PORT="9")
    file = home.own / ".env"
    assert f"\nOPENROUTER_API_KEY={KEY}\n" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    again = home.runs(
        *("install", "--key-from-environment"), OPENROUTER_API_KEY="another", POINTSMAN_PORT="9"
    )
    assert file.read_bytes() == before
    assert "so OPENROUTER_API_KEY was not added" in again.stdout
    assert f"set here, but not in {file}: POINTSMAN_PORT" in again.stdout
    home.runs("uninstall", "--purge")
    for each in (planned, without, again):
        assert KEY not in each.stdout + each.stderr


def test_a_service_that_was_stopped_stays_stopped_and_one_that_failed_is_started(
    home: Home,
) -> None:
    home.listens()
    home.runs("install")
    subprocess.run(  # noqa: S603 - the stand-in
        [str(home.managed / "bin" / "systemctl"), "--user", "stop"], check=True, env=home.env()
    )
    again = home.runs("install")
    assert again.returncode == 0
    assert "not running, as before; start it: systemctl --user start pointsman" in again.stdout
    assert json.loads(home.runs("status", "--json").stdout)["state"] == "stopped"
    (home.managed / "pid").write_text("999999999")
    assert json.loads(home.runs("status", "--json").stdout)["state"] == "failed"
    assert "journalctl --user -u pointsman" in home.runs("status").stdout
    assert home.runs("install").returncode == 0
    assert json.loads(home.runs("status", "--json").stdout)["state"] == "running"


def test_what_would_not_start_is_refused_before_anything_is_written(home: Home) -> None:
    home.listens()
    file = home.own / ".env"
    right = file.read_text()
    with closing(socket.create_server(("127.0.0.1", home.port))):
        taken = home.runs("install")
    assert taken.returncode == 2
    assert "another program listens at" in taken.stderr
    file.write_text("POINTSMAN_PORT=many\n")
    wrong = home.runs("install")
    assert f"{file}: POINTSMAN_PORT" in wrong.stderr
    file.write_text(right)
    (home.own / "policies").mkdir()
    (home.own / "policies" / "mine.yaml").write_text("version: 2\n")
    assert "mine.yaml" in home.runs("install").stderr
    shutil.rmtree(home.own / "policies")
    (home.managed / "no-bus").touch()
    away = home.runs("install")
    assert away.returncode == 2
    for way_out in ("container", "wsl --shutdown", "pointsman serve"):
        assert way_out in away.stderr
    assert home.runs("status").returncode == 2
    file.rename(home.own / "pointsman.env")
    assert f"mv {home.own / 'pointsman.env'} {file}" in home.runs("install").stderr
    assert not home.unit.exists()


def test_the_agent_of_a_mac_is_installed_renewed_and_removed(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in home.env(POINTSMAN_WORKERS="2").items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr("sys.argv", [str(home.program)])
    home.listens()
    before = home.everything()
    service = service_here("darwin")
    file = home.folder / "Library" / "LaunchAgents" / "dev.pointsman.plist"
    assert not status_of(service).installed
    assert install(service, dry_run=False, key_from_environment=False) == 0
    found = status_of(service)
    assert (found.unit, found.current, found.enabled, found.state, found.ready) == (
        *(str(file), True, True),
        *("running", "ready"),
    )
    assert found.since is not None
    log = home.folder / "Library" / "Logs" / "pointsman.log"
    assert f":{home.port}/v1" in log.read_text()
    assert install(service, dry_run=False, key_from_environment=False) == 0  # bootout, bootstrap
    assert status_of(service).pid not in {found.pid, None}
    out = capsys.readouterr().out
    assert "started anew" in out
    assert "POINTSMAN_WORKERS" in out
    assert uninstall(service, purge_too=True, dry_run=False) == 0
    assert home.everything() == before - {
        *(".config", ".config/pointsman", ".config/pointsman/.env"),
    }
    (home.managed / "no-session").touch()
    with pytest.raises(ServiceError, match="log in at the Mac's screen"):
        service.manager.check()


def test_other_systems_are_told_what_to_do_instead() -> None:
    with pytest.raises(ServiceError, match="not for win32; start Pointsman yourself"):
        service_here("win32")


# --- the command ------------------------------------------------------------------------------


def program_at(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_the_command_is_the_one_that_was_called_else_the_interpreters_neighbour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = program_at(tmp_path / "bin" / "pointsman")
    beside = program_at(tmp_path / "venv" / "bin" / "pointsman")
    python = str(tmp_path / "venv" / "bin" / "python")
    assert installed_command(str(called), python) == called
    monkeypatch.chdir(tmp_path)
    assert installed_command("bin/pointsman", python) == called
    assert installed_command("/x/app/__main__.py", python) == beside
    with pytest.raises(ServiceError, match="there is no installed command"):
        installed_command("/x/app/__main__.py", "/x/python")


@pytest.mark.parametrize("cache", [".cache/uv", "elsewhere", ".local/pipx/.cache"])
def test_a_command_in_a_cache_is_refused(tmp_path: Path, cache: str) -> None:
    """uv's cache has a tag wherever it is; pipx's has not."""
    called = program_at(tmp_path / cache / "archive-v0" / "x1" / "bin" / "pointsman")
    if cache == "elsewhere":
        (tmp_path / cache / "CACHEDIR.TAG").touch()
    link = tmp_path / "pointsman"
    link.symlink_to(called)
    for each in (called, link):
        with pytest.raises(ServiceError, match="is in a cache"):
            installed_command(str(each), sys.executable)


# --- purging ----------------------------------------------------------------------------------


def test_purging_knows_every_file_that_the_page_lists() -> None:
    text = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    table = text.split("| File in the state folder |")[1].split("\n\n")[0]
    cells = re.findall(r"(?m)^\| (.*?) \| \d", table)
    names = {name.split("/")[0] for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert "ledger.db" in names
    assert names <= set(STATE)


def test_purging_removes_no_file_of_others_and_follows_no_link(home: Home) -> None:
    home.listens()
    state, elsewhere = home.folder / "data", home.folder / "policies-in-git"
    for folder in (state, elsewhere):
        folder.mkdir()
        (folder / "letter.txt").touch()
    (state / "ledger.db").touch()
    (home.own / "policies").symlink_to(elsewhere)
    with (home.own / ".env").open("a") as file:
        file.write(f"POINTSMAN_STATE={state}\n")
    done = home.runs("uninstall", "--purge")
    assert done.returncode == 0, done.stderr
    assert f"kept      {state / 'letter.txt'}" in done.stdout
    assert (elsewhere / "letter.txt").exists()
    assert [each.name for each in state.iterdir()] == ["letter.txt"]
    assert not home.own.exists()


def test_the_options_of_one_word_are_refused_with_another(home: Home) -> None:
    assert "--purge does not go with install" in home.runs("install", "--purge").stderr
    assert "--json does not go with uninstall" in home.runs("uninstall", "--json").stderr


def test_a_key_that_needs_quotes_is_not_written(home: Home) -> None:
    done = home.runs("install", "--key-from-environment", OPENROUTER_API_KEY="a#b")
    assert done.returncode == 2
    assert "write it into" in done.stderr
    assert "a#b" not in done.stderr


def test_settings_of_a_file_are_of_that_file_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POINTSMAN_WORKERS", "3")
    (tmp_path / "x.env").write_text("POINTSMAN_PORT=5\nOTHER=1\n")
    found = settings_of(tmp_path / "x.env")
    assert (found.port, found.workers) == (5, 1)
    assert settings_of(tmp_path / "none").port == 4477
    (tmp_path / "x.env").write_text("POINTSMAN_PORT=five\n")
    with pytest.raises(SettingsError, match=r"x\.env: POINTSMAN_PORT"):
        settings_of(tmp_path / "x.env")
    (tmp_path / "x.env").write_bytes(b"\xff\xfe=1")
    with pytest.raises(SettingsError, match="can't be read"):
        settings_of(tmp_path / "x.env")
    assert os.environ["POINTSMAN_WORKERS"] == "3"
