"""What surrounds the code: the wheel, the sdist, the container files, the pinned dependencies."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import app
from app.settings import Settings

ROOT = Path(__file__).parent.parent
CONSTRAINTS = sorted((ROOT / ".ci").glob("constraints*.txt"))

# Names of the environment that `Settings` reads, and those of others.
OURS = {"OPENROUTER_API_KEY", *(f"POINTSMAN_{name.upper()}" for name in Settings.model_fields)}


def run(*command: str, cwd: Path, **variables: str) -> str:
    """What a command prints, once it has ended well."""
    done = subprocess.run(  # noqa: S603 - our own words
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, source: Path, folder: Path) -> Path:
    """The only file that a build of the folder `source` makes."""
    run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder), cwd=source)
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture
def wheel(wheel_file: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(wheel_file)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in the sdist."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))) as archive:
        archive.extractall(folder, filter="data")
    (inside,) = folder.iterdir()
    return inside


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


def test_the_wheel_of_the_sdist_is_that_of_the_repository(
    wheel_file: Path, unpacked: Path, tmp_path: Path
) -> None:
    assert build("wheel", unpacked, tmp_path).read_bytes() == wheel_file.read_bytes()


def test_the_sdist_has_every_file_that_is_committed(unpacked: Path) -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git repository, so which files are committed is not known")
    committed = run(git, "ls-files", "-z", cwd=ROOT).rstrip("\0").split("\0")
    there = [name for name in committed if (ROOT / name).exists()]
    assert there
    assert [name for name in there if not (unpacked / name).is_file()] == []


def test_the_sdist_has_every_file_that_the_makefile_and_the_dockerfile_name(unpacked: Path) -> None:
    texts = [(unpacked / name).read_text(encoding="utf-8") for name in ("Makefile", "Dockerfile")]
    named = re.findall(r"(?<![\w/$)])(?:\.ci|bench)/[\w.-]+\b(?!/)", "\n".join(texts))
    named += re.findall(r"^COPY ((?!-)[^\n]+) \S+$", texts[1], re.MULTILINE)[-1:]
    assert ".ci/constraints-dev.txt" in named
    for name in {one for each in named for one in each.split() if "$" not in one}:
        assert (unpacked / name).exists(), name


def test_the_wheel_works_in_a_project_that_has_a_package_app(
    wheel_file: Path, tmp_path: Path
) -> None:
    """In an environment of its own, and with `PYTHONPATH=.`, as such a project may set it."""
    fresh, project = tmp_path / "fresh", tmp_path / "project"
    run(sys.executable, "-m", "venv", "--without-pip", str(fresh), cwd=tmp_path)
    program = fresh / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(program), "install", "--quiet")
    run(*pip, "--no-deps", "--no-index", str(wheel_file), cwd=tmp_path)
    (site,) = fresh.glob("lib/*/site-packages")
    dependencies = sysconfig.get_paths()["purelib"]  # those of the tests, instead of a download
    (site / "dependencies.pth").write_text(f"{dependencies}\n", encoding="utf-8")

    (project / "app").mkdir(parents=True)
    (project / "app" / "__init__.py").write_text('raise RuntimeError("the project\'s own")\n')
    home = tmp_path / "home"
    variables = {"PYTHONPATH": ".", "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    for command in ((str(fresh / "bin" / "pointsman"),), (str(program), "-m", "pointsman")):
        assert run(*command, "--version", cwd=project, **variables).strip() == app.__version__
    run(*command, "init", "--model", "qwen/qwen3-coder", cwd=project, **variables)
    assert "no problems found" in run(*command, "check", cwd=project, **variables)
    shown = run(*command, "explain", "qwen/qwen3-coder", cwd=project, **variables)
    assert "policies/" in shown
    where = run(str(program), "-c", "import pointsman; print(pointsman.__file__)", cwd=project)
    assert Path(where.strip()).is_relative_to(site)


def test_the_extra_all_has_every_other_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (all_of_them,) = extras["all"]
    assert all_of_them == f"pointsman[{','.join(sorted(extras.keys() - {'all'}))}]"


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
    assert [each.split(":")[0] for each in service["ports"]] == ["127.0.0.1"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_the_readme_names_every_target_of_the_makefile_that_a_newcomer_needs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("make run", "make test", "pip install .", "docker compose up"):
        assert command in readme
