"""`.ci/publish` and `.ci/update` with a stand-in for `gh` that writes down what it is asked."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.releasing.scripts import CI, script

RELEASE = script("release")
CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-11-28\n\n- A thing.\n"


class Checkout:
    """A folder with what the scripts need, and programs that stand in for others."""

    def __init__(self, folder: Path) -> None:
        self.at = folder / "checkout"
        self.programs = folder / "programs"
        self.asked = folder / "asked"
        self.programs.mkdir()
        (self.at / ".ci").mkdir(parents=True)
        for name in ("publish", "update", "release.py"):
            shutil.copy(CI / name, self.at / ".ci")

    def stands_in(self, program: str, does: str = "") -> None:
        """Put a program first on the path: it writes down its arguments, then does this."""
        file = self.programs / program
        file.write_text(f'#!/bin/sh\necho {program} "$@" >>{self.asked}\n{does}\n', "utf-8")
        file.chmod(0o755)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.programs}:{os.environ['PATH']}"
        return subprocess.run(  # noqa: S603 - our own words
            command,
            cwd=self.at,
            env={**os.environ, "PATH": path, "HOME": str(self.at.parent), **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=A Name", "-c", "user.email=a@example.com")
        done = self.run("git", *identity, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def built(checkout: Checkout) -> Checkout:
    """A checkout of 1.2.3, and what was built of it."""
    (checkout.at / "app").mkdir()
    (checkout.at / "app" / "__init__.py").write_text('__version__ = "1.2.3"\n', "utf-8")
    (checkout.at / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    dist = checkout.at / "dist"
    dist.mkdir()
    (dist / "a.whl").write_bytes(b"a")
    (dist / "SHA256SUMS").write_text(RELEASE.sums({"a.whl": b"a"}), "utf-8")
    return checkout


def test_a_release_is_complete_before_it_is_shown_and_can_be_published_again(
    built: Checkout,
) -> None:
    notes = 'for word; do if test -f "$word"; then cat "$word"; fi; done'
    built.stands_in("gh", f'case "$2" in view) exit 1 ;; create) {notes} ;; esac')
    done = built.run(".ci/publish", "github", TAG="v1.2.3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "- A thing."
    asked = built.asked.read_text("utf-8").splitlines()
    view, create, upload, edit = (each.split() for each in asked)
    assert view[:4] == ["gh", "release", "view", "v1.2.3"]
    assert create[:6] == ["gh", "release", "create", "v1.2.3", "--verify-tag", "--draft"]
    assert upload[3:] == ["v1.2.3", "dist/SHA256SUMS", "dist/a.whl", "--clobber"]
    assert edit[3:] == ["v1.2.3", "--draft=false", "--latest"]

    built.asked.unlink()
    built.stands_in("gh")
    assert built.run(".ci/publish", "github", TAG="v1.2.3").returncode == 0
    assert "create" not in built.asked.read_text("utf-8")


@pytest.mark.parametrize("tag", ["v1.2.4", ""])
def test_another_tag_publishes_nothing(built: Checkout, tag: str) -> None:
    built.stands_in("gh")
    assert built.run(".ci/publish", "github", TAG=tag).returncode != 0
    assert not built.asked.exists()


def test_a_file_that_is_not_what_was_built_is_not_published(built: Checkout) -> None:
    built.stands_in("gh")
    (built.at / "dist" / "a.whl").write_bytes(b"b")
    assert built.run(".ci/publish", "github", TAG="v1.2.3").returncode != 0
    assert not built.asked.exists()


@pytest.fixture
def pinned(checkout: Checkout) -> Checkout:
    """A checkout with a constraints file, cloned from a repository."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    origin = checkout.at.parent / "origin.git"
    (checkout.at / ".ci" / "constraints-dev.txt").write_text("a==1\n", "utf-8")
    checkout.git("init", "--quiet", "--initial-branch", "main")
    checkout.git("add", ".ci")
    checkout.git("commit", "--quiet", "--message", "Begin")
    checkout.git("clone", "--quiet", "--bare", ".", str(origin))
    checkout.git("remote", "add", "origin", str(origin))
    return checkout


def test_newer_pins_are_a_commit_and_then_a_pull_request_from_its_patch(pinned: Checkout) -> None:
    pinned.stands_in("make", "echo a==2 >.ci/constraints-dev.txt")
    done = pinned.run(".ci/update", "make")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["-a==1", "+a==2"]
    assert "a==2" in pinned.git("show", "HEAD:.ci/constraints-dev.txt")  # what .ci/run tests

    pinned.git("reset", "--quiet", "--hard", "HEAD~1")  # the other job's checkout
    pinned.stands_in("gh", 'test "$2" != view')
    done = pinned.run(".ci/update", "propose")
    assert done.returncode == 0, done.stderr
    assert "a==2" in pinned.git("show", "origin/update-dependencies:.ci/constraints-dev.txt")
    asked = pinned.asked.read_text("utf-8").splitlines()
    assert asked[-1].startswith("gh pr create --head update-dependencies --title Pin the newest")


def test_without_newer_pins_nothing_is_proposed(pinned: Checkout) -> None:
    pinned.stands_in("make")
    pinned.stands_in("gh")
    assert pinned.run(".ci/update", "make").stdout == "all dependencies are the newest\n"
    assert pinned.run(".ci/update", "propose").stdout == "nothing to propose\n"
    assert pinned.asked.read_text("utf-8") == "make constraints\n"


@pytest.mark.parametrize("name", ["publish", "update"])
def test_without_a_command_a_script_says_what_it_can_do(checkout: Checkout, name: str) -> None:
    done = checkout.run(f".ci/{name}")
    assert done.returncode == 2
    assert f".ci/{name} " in done.stdout
