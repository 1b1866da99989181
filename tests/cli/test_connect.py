"""`pointsman connect` edits a tool's own file as if by hand, and puts it back."""

import json
import os
import re
import stat
from pathlib import Path

import pytest

from app.cli.connect import connect, disconnect
from app.errors import SettingsError
from app.settings import Settings
from app.tools.table import TOOLS

CONNECTED = [name for name, tool in TOOLS.items() if tool.config]
CODEX = '# mine\nmodel = "gpt-5"  # old\n\n[tui]\ntheme = "dark"\n'
MODEL = "qwen/qwen3-coder"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for tool in TOOLS.values():
        for place in tool.config.chosen if tool.config else ():
            for name in re.findall(r"\$(\w+)", place):
                monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def codex(home: Path) -> Path:
    file = home / ".codex" / "config.toml"
    file.parent.mkdir()
    file.write_bytes(CODEX.encode())
    file.chmod(0o640)
    return file


def settings(**known: object) -> Settings:
    return Settings.read(**known)


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(each.relative_to(folder)): (stat.S_IMODE(each.lstat().st_mode), each.read_bytes())
        for each in folder.rglob("*")
        if each.is_file()
    }


@pytest.mark.parametrize("name", CONNECTED)
def test_it_prints_what_belongs_where_and_changes_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(tmp_path)
    connect(settings(), name, model=MODEL)
    out = capsys.readouterr().out
    assert out.startswith(f"In {tmp_path}")
    assert "http://127.0.0.1:4477" in out
    assert f"connect {name} --model {MODEL} --write" in out
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", CONNECTED)
def test_written_and_undone_nothing_is_left(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(settings(), name, model=MODEL, writes=True)
    file = Path(capsys.readouterr().out.split("\n")[0].removeprefix("wrote "))
    assert "http://127.0.0.1:4477" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    disconnect(settings(), name)
    assert "was not there before" in capsys.readouterr().out
    assert everything(tmp_path) == {}


def test_a_file_keeps_its_mode_and_the_rest_and_comes_back_to_the_byte(
    codex: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(home)
    connect(settings(), "codex", model=MODEL, writes=True)
    text = codex.read_text()
    assert text.startswith(
        '# mine\nmodel_provider = "pointsman"\nmodel = "qwen/qwen3-coder"  # old'
    )
    assert '[tui]\ntheme = "dark"' in text
    assert stat.S_IMODE(codex.stat().st_mode) == 0o640
    backup = codex.with_name("config.toml.before-pointsman")
    assert backup.read_text() == CODEX
    assert stat.S_IMODE(backup.stat().st_mode) == 0o640
    disconnect(settings(), "codex")
    assert "is as it was before" in capsys.readouterr().out
    assert everything(home) == before


def test_a_second_write_changes_nothing(
    codex: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(settings(), "codex", model=MODEL, writes=True)
    before, moment = everything(tmp_path), codex.stat().st_mtime_ns
    connect(settings(), "codex", model=MODEL, writes=True)
    assert "nothing was changed" in capsys.readouterr().out
    assert (everything(tmp_path), codex.stat().st_mtime_ns) == (before, moment)


def test_another_address_takes_the_place_of_the_first_and_undo_leads_to_the_beginning(
    codex: Path,
) -> None:
    connect(settings(), "codex", model=MODEL, writes=True)
    connect(settings(port=5000), "codex", writes=True)
    text = codex.read_text()
    assert "127.0.0.1:5000" in text
    assert "4477" not in text
    assert 'model = "gpt-5"  # old' in text, "no model was asked for the second time"
    disconnect(settings(), "codex")
    assert codex.read_text() == CODEX


def test_a_change_since_then_stays(codex: Path, capsys: pytest.CaptureFixture[str]) -> None:
    connect(settings(), "codex", writes=True)
    codex.write_text(codex.read_text().replace("dark", "light"))
    connect(settings(port=5000), "codex", writes=True)
    codex.write_text(codex.read_text() + "# more\n")
    disconnect(settings(), "codex")
    assert "later changes" in capsys.readouterr().out
    assert (
        codex.read_text().replace("\n", "")
        == CODEX.replace("dark", "light").replace("\n", "") + "# more"
    )


def test_what_we_wrote_and_somebody_changed_is_left_alone(codex: Path, tmp_path: Path) -> None:
    connect(settings(), "codex", writes=True)
    codex.write_text(codex.read_text().replace("4477", "4478"))
    before = everything(tmp_path)
    with pytest.raises(SettingsError, match=r"config\.toml was changed since.*before-pointsman"):
        disconnect(settings(), "codex")
    assert everything(tmp_path) == before


def test_undo_without_a_write_does_nothing(codex: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disconnect(settings(), "codex")
    assert "nothing to do" in capsys.readouterr().out
    connect(settings(), "codex", writes=True)
    codex.unlink()
    disconnect(settings(), "codex")
    assert "is gone" in capsys.readouterr().out


def test_a_link_stays_a_link(codex: Path, tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    codex.rename(dotfiles / "codex.toml")
    codex.symlink_to(dotfiles / "codex.toml")
    connect(settings(), "codex", writes=True)
    assert codex.is_symlink()
    assert "pointsman" in (dotfiles / "codex.toml").read_text()
    disconnect(settings(), "codex")
    assert codex.is_symlink()
    assert (dotfiles / "codex.toml").read_text() == CODEX
    assert sorted(each.name for each in dotfiles.iterdir()) == ["codex.toml"]


@pytest.mark.parametrize(
    ("variable", "value", "name", "file"),
    [
        ("CODEX_HOME", "c", "codex", "c/config.toml"),
        ("CLAUDE_CONFIG_DIR", "c", "claude", "c/settings.json"),
        ("OPENCODE_CONFIG", "c/mine.json", "opencode", "c/mine.json"),
        ("XDG_CONFIG_HOME", "x", "goose", "x/goose/config.yaml"),
        ("LLM_USER_PATH", "u", "llm", "u/extra-openai-models.yaml"),
        ("CLINE_DIR", "d", "cline", "d/data/settings/providers.json"),
    ],
)
def test_the_file_is_found_as_the_tool_finds_it(
    variable: str,
    value: str,
    name: str,
    file: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / value))
    connect(settings(), name, model=MODEL, writes=True)
    assert "127.0.0.1:4477" in (tmp_path / file).read_text()


@pytest.mark.parametrize("name", CONNECTED)
def test_a_caller_key_is_never_written(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("POINTSMAN_CALLER_KEYS", "anna:canary-of-anna")
    connect(settings(), name, model=MODEL, writes=True)
    connect(settings(), name, model=MODEL)
    out = capsys.readouterr().out
    assert "Put your caller key into the variable POINTSMAN_KEY" in out
    assert "canary" not in out
    assert not [name for name, (_, text) in everything(tmp_path).items() if b"canary" in text]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model = \n", r"config\.toml:1: not TOML.*correct it"),
        ("model_providers = {}\n", r"config\.toml: .*without changing more.*by hand"),
        ("\udcff", "can't read"),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_left_alone(
    text: str, told: str, codex: Path, tmp_path: Path
) -> None:
    codex.write_bytes(text.encode("utf-8", "surrogateescape"))
    before = everything(tmp_path)
    with pytest.raises(SettingsError, match=told):
        connect(settings(), "codex", writes=True)
    assert everything(tmp_path) == before


def test_a_read_only_file_is_left_alone(codex: Path, tmp_path: Path) -> None:
    codex.chmod(0o444)
    before = everything(tmp_path)
    with pytest.raises(SettingsError, match=r"config\.toml is read-only; chmod u\+w"):
        connect(settings(), "codex", writes=True)
    assert everything(tmp_path) == before


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_without_access_is_named(codex: Path) -> None:
    codex.parent.chmod(0o500)
    try:
        with pytest.raises(SettingsError, match="can't write"):
            connect(settings(), "codex", writes=True)
    finally:
        codex.parent.chmod(0o700)


def test_a_folder_in_the_files_place_is_named(home: Path) -> None:
    (home / ".aider.conf.yml").mkdir()
    with pytest.raises(SettingsError, match=r"\.aider\.conf\.yml is not a file"):
        connect(settings(), "aider", writes=True)


def test_a_link_in_a_circle_is_named(home: Path) -> None:
    (home / ".aider.conf.yml").symlink_to(home / ".aider.conf.yml")
    with pytest.raises(SettingsError, match=r"\.aider\.conf\.yml"):
        connect(settings(), "aider", writes=True)


def test_a_very_large_file_is_left_alone(home: Path) -> None:
    (home / ".aider.conf.yml").write_text("# " + "x" * 5_000_000)
    with pytest.raises(SettingsError, match="by hand"):
        connect(settings(), "aider", writes=True)


def test_a_backup_of_something_else_is_not_overwritten(codex: Path, tmp_path: Path) -> None:
    codex.with_name("config.toml.before-pointsman").write_text("mine")
    before = everything(tmp_path)
    with pytest.raises(SettingsError, match="move it away"):
        connect(settings(), "codex", writes=True)
    assert everything(tmp_path) == before


def test_without_its_backup_nothing_is_undone(codex: Path) -> None:
    connect(settings(), "codex", writes=True)
    codex.with_name("config.toml.before-pointsman").write_text("another")
    with pytest.raises(SettingsError, match="gone or was changed"):
        disconnect(settings(), "codex")
    assert "pointsman" in codex.read_text()


@pytest.mark.usefixtures("codex")
def test_a_note_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    connect(settings(), "codex", writes=True)
    (note,) = (tmp_path / "state").rglob("connected/*.json")
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    told = json.loads(note.read_text())
    note.write_text(json.dumps({**told, "after": "0"}))
    with pytest.raises(SettingsError, match="another version of Pointsman"):
        disconnect(settings(), "codex")
    note.write_text("{")
    with pytest.raises(SettingsError, match="can't read"):
        disconnect(settings(), "codex")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("codx", "did you mean codex"),
        ("emacs", "known ones are aider"),
        ("openai-sdk", "is not one program; set OPENAI_BASE_URL"),
    ],
)
def test_an_unknown_tool_is_an_error_with_a_way_out(name: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        connect(settings(), name)


def test_what_is_missing_is_asked_for() -> None:
    with pytest.raises(SettingsError, match="add --model"):
        connect(settings(), "llm")
    with pytest.raises(SettingsError, match="POINTSMAN_PORT"):
        connect(settings(port=0), "codex")
