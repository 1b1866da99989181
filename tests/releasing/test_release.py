"""`.ci/release.py`: a tag is released only if the code and the changelog have its version."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import app
from tests.releasing.scripts import CI, ROOT, script

release = script("release")
CODE = '"""A program."""\n\n__version__ = "1.2.3"\n'
CHANGELOG = """\
# Changelog

## Unreleased

## 1.2.3 - 2026-11-28

### Added

- A thing.
  Of two lines.

## 1.2.2 - 2026-10-01

- Another.
"""


def test_a_tag_that_code_and_changelog_have_can_be_released() -> None:
    assert release.check("v1.2.3", CODE, CHANGELOG) == "1.2.3"
    assert release.notes_in(CHANGELOG, "1.2.3") == "### Added\n\n- A thing.\n  Of two lines."
    assert release.notes_in(CHANGELOG, "1.2.2") == "- Another."


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.2", "v1.2.3 ", "v1.2.30", "refs/tags/v1.2.3", ""])
def test_another_tag_is_refused_with_the_version_that_the_code_has(tag: str) -> None:
    with pytest.raises(release.NotReady, match=r"does not fit the version '1\.2\.3'"):
        release.check(tag, CODE, CHANGELOG)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("## 1.2.3 - 2026-11-28", "## 1.2.30 - 2026-11-28"), "has no section 1.2.3; run"),
        (("## 1.2.3 - 2026-11-28", "## 1.2.3"), "write the heading as"),
        (("## 1.2.3 - 2026-11-28", "## 1.2.3 - 2026-13-28"), "write the heading as"),
        (("- A thing.\n  Of two lines.\n", ""), "lists no change"),
        (("## Unreleased\n", "## Unreleased\n\n- Left over.\n"), "changes under Unreleased"),
    ],
)
def test_a_changelog_that_is_not_ready_is_refused(change: tuple[str, str], complaint: str) -> None:
    assert change[0] in CHANGELOG
    with pytest.raises(release.NotReady, match=complaint):
        release.check("v1.2.3", CODE, CHANGELOG.replace(*change))


@pytest.mark.parametrize("code", ["", CODE + '__version__ = "1.2.4"\n'])
def test_the_code_has_one_version(code: str) -> None:
    with pytest.raises(release.NotReady, match="write one line"):
        release.version_in(code)


def test_a_version_of_development_is_not_released() -> None:
    with pytest.raises(release.NotReady, match="does not fit"):
        release.check("v1.2.3.dev1", CODE.replace("1.2.3", "1.2.3.dev1"), CHANGELOG)


@pytest.mark.parametrize("version", ["1.3.0", "2.0.0rc1"])
def test_what_is_prepared_can_be_released_under_its_tag(version: str) -> None:
    changelog = CHANGELOG.replace("## Unreleased\n", "## Unreleased\n\n### Fixed\n\n- A fault.\n")
    code, headed = release.prepared(version, "2026-12-01", CODE, changelog)
    assert release.check(f"v{version}", code, headed) == version
    assert release.notes_in(headed, version) == "### Fixed\n\n- A fault."
    assert release.notes_in(headed, "1.2.3") == release.notes_in(CHANGELOG, "1.2.3")


@pytest.mark.parametrize(
    ("version", "complaint"), [("1.3", "is not a version"), ("1.3.0", "lists no change")]
)
def test_what_is_no_release_is_not_prepared(version: str, complaint: str) -> None:
    with pytest.raises(release.NotReady, match=complaint):
        release.prepared(version, "2026-12-01", CODE, CHANGELOG)


def test_this_repository_can_be_prepared_and_the_build_reads_the_same_version() -> None:
    code = (ROOT / "app" / "__init__.py").read_text(encoding="utf-8")
    assert release.version_in(code) == app.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    prepared = release.prepared("99.0.0", "2026-12-01", code, changelog)
    assert release.check("v99.0.0", *prepared) == "99.0.0"
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project
    assert not re.search(r"^version = ", project, re.MULTILINE)


def test_the_commands_work_on_the_files_and_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / "app").mkdir()
    shutil.copy(CI / "release.py", tmp_path / ".ci")
    (tmp_path / "app" / "__init__.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, str(tmp_path / ".ci" / "release.py"), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")  # noqa: S603
        return done.returncode, done.stdout + done.stderr

    assert run("check", "v1.2.3") == (0, "1.2.3 can be released\n")
    assert run("notes", "v1.2.3") == (0, "### Added\n\n- A thing.\n  Of two lines.\n")
    status, told = run("check", "v1.2.4")
    assert (status, "1.2.3" in told) == (1, True)
    status, told = run("publish")
    assert (status, "prepare 0.2.0" in told) == (2, True)
    dist = tmp_path / "dist"
    dist.mkdir()
    assert run("sums", str(dist))[0] == 1
    (dist / "a.whl").write_bytes(b"a")
    for _ in range(2):  # the file of sums is not summed up itself
        assert run("sums", str(dist)) == (0, "")
    assert (dist / "SHA256SUMS").read_text() == f"{hashlib.sha256(b'a').hexdigest()}  a.whl\n"
