"""What surrounds the code: the wheel, the container files, the pinned dependencies."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings

ROOT = Path(__file__).parent.parent
CONSTRAINTS = sorted((ROOT / ".ci").glob("constraints*.txt"))

# Names of the environment that `Settings` reads, and those of others.
OURS = {"OPENROUTER_API_KEY", *(f"POINTSMAN_{name.upper()}" for name in Settings.model_fields)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


def test_the_wheel_has_all_code_and_data_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    code = {
        f"pointsman/{file.relative_to(ROOT / 'app')}"
        for file in (ROOT / "app").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    policies = {
        f"pointsman/shipped_policies/{file.relative_to(ROOT / 'policies')}"
        for file in (ROOT / "policies").rglob("*")
        if file.is_file()
    }
    assert "pointsman/shipped_policies/default.yaml" in policies
    assert names == code | policies


def test_the_wheel_has_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    info = {Path(name).name: name for name in wheel.namelist() if ".dist-info/" in name}
    assert "LICENSE" in info
    assert "pointsman = pointsman.__main__:main" in wheel.read(info["entry_points.txt"]).decode()


@pytest.mark.parametrize("file", CONSTRAINTS, ids=lambda file: file.name)
def test_t46_constraints_pin_by_hash_and_name_no_address(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    pinned = re.findall(r"^[a-z0-9][\w.-]*==\S+", text, re.MULTILINE | re.IGNORECASE)
    assert pinned
    assert "://" not in text
    assert "--index" not in text
    for block in re.split(r"\n(?=[a-z0-9])", text.strip(), flags=re.IGNORECASE):
        assert "--hash=sha256:" in block, block


def test_what_runs_and_what_is_tested_are_pinned_alike() -> None:
    pins = {
        file.name: dict(
            re.findall(r"^([\w.-]+)==(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        )
        for file in CONSTRAINTS
    }
    run, scale = pins["constraints.txt"], pins["constraints-scale.txt"]
    assert run.items() <= scale.items() <= pins["constraints-dev.txt"].items()


def test_every_setting_in_the_container_files_exists() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    named = set(compose["services"]["pointsman"]["environment"])
    named |= set(re.findall(r"POINTSMAN_\w+", (ROOT / "Dockerfile").read_text(encoding="utf-8")))
    assert named <= OURS


def test_compose_is_reachable_from_this_machine_only() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    service = compose["services"]["pointsman"]
    assert service["ports"] == ["127.0.0.1:4477:4477"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_the_readme_names_every_target_of_the_makefile_that_a_newcomer_needs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("make run", "make test", "pip install .", "docker compose up"):
        assert command in readme
