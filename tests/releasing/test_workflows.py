"""Workflows have GitHub's shape, the least rights, and commands that run by hand."""

import re
from pathlib import Path

import pytest

from tests.releasing.scripts import ROOT
from tests.releasing.workflows import files, misshapen, problems, read

GITHUB = ROOT / ".github"
RELEASE = (GITHUB / "workflows" / "release.yml").read_text(encoding="utf-8")
HASH = "3d3c42e5aac5ba805825da76410c181273ba90b1"


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_the_workflow_has_no_problem(file: Path) -> None:
    assert problems(file.read_text(encoding="utf-8")) == []


def test_an_action_has_the_same_version_in_all_workflows() -> None:
    used: dict[str, set[str]] = {}
    texts = "\n".join(file.read_text(encoding="utf-8") for file in files())
    for name, version in re.findall(r"uses: ([\w/-]+)@(.*)$", texts, re.MULTILINE):
        used.setdefault("/".join(name.split("/")[:2]), set()).add(version)
    assert "actions/checkout" in used
    assert {name: versions for name, versions in used.items() if len(versions) > 1} == {}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("permissions: {}\n", "", "permissions are not {}"),
        ("permissions: {}\n", "permissions: read-all\n", "permissions are not {}"),
        ("permissions:\n      contents: read\n", "permissions: write-all\n", "one by one"),
        (f"@{HASH} # v7.0.1", "@v7.0.1", "is not pinned by a full hash"),
        (f"@{HASH} # v7.0.1", f"@{HASH}", "is not pinned by a full hash"),
        (f"@{HASH} # v7.0.1", "@3d3c42e # v7.0.1", "is not pinned by a full hash"),
        (".ci/package", "make all", "make has no target all"),
        (".ci/package", ".ci/pakage", ".ci/pakage is no program"),
        (".ci/package", ".ci/constraints.txt", ".ci/constraints.txt is no program"),
        (".ci/package", "make dist; make keys", "is not one make target"),
        (".ci/package", "make dist && make keys", "is not one make target"),
        (".ci/package", "echo hello", "is not one make target"),
        (".ci/package", 'make formula REPOSITORY="${{ github.actor }}"', "is not one make target"),
        (".ci/publish index", ".ci/run", "'.ci/run' runs where ['id-token'] may be written"),
        ("persist-credentials: false", "persist-credentials: true", "leaves its token behind"),
        ("    timeout-minutes: 20\n", "", "no timeout-minutes"),
        ("runs-on: ubuntu-latest\n", "runs_on: ubuntu-latest\n", "jobs.fits"),
        ("secrets.GITHUB_TOKEN", "secrets.INDEX_TOKEN", "a secret besides GITHUB_TOKEN"),
        ("  push:\n", "  pull_request_target:\n  push:\n", "pull_request_target is dangerous"),
        ("./.github/workflows/ci.yml", "./.github/workflows/no.yml", "no.yml is not there"),
    ],
)
def test_a_mistake_is_found(old: str, new: str, problem: str) -> None:
    assert old in RELEASE
    assert problem in "\n".join(problems(RELEASE.replace(old, new, 1)))


def test_a_release_waits_for_all_tests_and_publishes_last() -> None:
    jobs = read(RELEASE)["jobs"]

    def before(name: str) -> set[str]:
        needs = jobs[name].get("needs", [])
        direct = {needs} if isinstance(needs, str) else set(needs)
        return direct.union(*map(before, direct))

    assert before("build") == {"fits", "ci"}
    assert before("index") == {"fits", "ci", "build", "attest", "image"}
    assert before("github") == set(jobs) - {"github"}
    assert {jobs["ci"]["uses"]} == {"./.github/workflows/ci.yml"}


def test_ci_runs_the_tests_and_the_checks_on_every_python_that_is_supported() -> None:
    jobs = read((GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for job, command in {"tests": ".ci/run", "checks": ".ci/check"}.items():
        versions = jobs[job]["strategy"]["matrix"]["python"]
        assert f'requires-python = ">={versions[0]}"' in project
        assert versions == [f"3.{minor}" for minor in range(11, 11 + len(versions))]
        assert command in [step.get("run") for step in jobs[job]["steps"]]


def test_the_image_is_built_for_two_architectures_with_its_parts_and_its_origin() -> None:
    (pushed,) = [
        step for step in read(RELEASE)["jobs"]["image"]["steps"] if step.get("id") == "pushed"
    ]
    assert pushed["with"]["platforms"] == "linux/amd64,linux/arm64"
    assert (pushed["with"]["sbom"], pushed["with"]["provenance"]) == (True, "mode=max")


def test_dependabot_looks_after_what_has_no_constraints_file() -> None:
    content = read((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))
    assert misshapen("dependabot", content) == []
    looked_after = {each["package-ecosystem"]: each["directory"] for each in content["updates"]}
    assert looked_after.keys() == {"docker", "github-actions", "npm"}
    assert (ROOT / looked_after["npm"].lstrip("/") / "package-lock.json").is_file()
    assert misshapen("dependabot", content | {"version": 1})
