"""What `make run` shows while it sets up, at a terminal and elsewhere (`.ci/set_up.py`)."""

import importlib.util
import io
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "set_up.py"
LINES = (
    "Ignoring colorama: markers 'sys_platform == \"win32\"' don't match your environment",
    "Collecting anyio==4.16.0 (from -r .ci/constraints.txt (line 10))",
    "  Downloading anyio-4.16.0-py3-none-any.whl (100 kB)",
    "Processing /somewhere/annotated_types-0.8.0-py3-none-any.whl (from -r .ci/constraints.txt)",
    "Requirement already satisfied: Click==8.5.1 in ./.venv/lib (from -r .ci/constraints.txt)",
    "Requirement already satisfied: click in ./.venv/lib (from typer==0.29.2)",
    "Installing collected packages: anyio, annotated-types",
)


@pytest.fixture
def set_up() -> ModuleType:
    spec = importlib.util.spec_from_file_location("set_up", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(set_up: ModuleType, *, well: bool = True) -> None:
    packages = set_up.Packages(4, set_up.Progress())
    for line in LINES:
        packages.read(line)
    packages.end(well=well)


def test_elsewhere_each_package_is_a_line_counted_once(
    set_up: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    told(set_up)
    assert capsys.readouterr().out.splitlines() == [
        "[2/3] fetching packages: 1 of 3, anyio",
        "[2/3] fetching packages: 2 of 3, annotated-types",
        "[2/3] fetching packages: 3 of 3, click",
        "[2/3] fetched 3 packages",
        "[2/3] installed 2 packages",
    ]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_one_line_changes_and_each_finished_step_is_kept(
    set_up: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = _Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("TERM", "xterm")
    told(set_up)
    text = out.getvalue()
    kept = [line.rpartition("\r")[2] for line in text.split("\n")]
    assert kept == ["[2/3] fetched 3 packages", "[2/3] installed 2 packages", ""]
    assert all(len(shown) <= 80 for shown in text.replace("\n", "\r").split("\r"))


def test_a_step_that_failed_is_not_called_installed(
    set_up: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    told(set_up, well=False)
    assert "installed" not in capsys.readouterr().out


def test_pip_s_own_words_and_exit_code_are_passed_on_when_it_fails(tmp_path: Path) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, SCRIPT, pins],
        capture_output=True,
        text=True,
        env={**os.environ, "PIP_NO_INDEX": "1"},
        check=False,
    )
    assert done.returncode == 1
    assert "No matching distribution found for no-such-package==1.0" in done.stdout
    assert done.stdout.endswith("pip failed with exit code 1; its last lines are above\n")
