"""`.ci/formula.py`: the Homebrew formula of a release."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.releasing.scripts import CI, ROOT, script

formula = script("formula")
REPOSITORY = "https://example.com/an/owner"
URL = f"{REPOSITORY}/releases/download/v1.2.3/pointsman-1.2.3.tar.gz"
LOCK = """\
lock-version = "1.0"

[[packages]]
name = "zeta"
version = "2"
sdist = { url = "https://example.com/zeta-2.tar.gz", hashes = { sha256 = "aa" } }

[[packages]]
name = "alpha"
version = "1"
sdist = { url = "https://example.com/alpha-1.tar.gz", hashes = { sha256 = "bb" } }
wheels = [{ url = "https://example.com/alpha-1.whl", hashes = { sha256 = "cc" } }]
"""
TEMPLATE = formula.TEMPLATE.read_text(encoding="utf-8")


def test_each_dependency_is_a_resource_by_name_with_its_sdist() -> None:
    resources = formula.resources_in([LOCK, LOCK.replace("zeta", "only-there")])
    assert list(resources) == ["alpha", "only-there", "zeta"]
    assert resources["alpha"] == ("https://example.com/alpha-1.tar.gz", "bb")


@pytest.mark.parametrize(
    ("locks", "complaint"),
    [
        ([re.sub(r"sdist = .*zeta.*\n", "", LOCK)], "zeta 2 has no sdist"),
        ([LOCK, LOCK.replace('"aa"', '"dd"')], "zeta has one version on one platform"),
    ],
)
def test_what_can_be_no_resource_is_refused(locks: list[str], complaint: str) -> None:
    with pytest.raises(formula.NoFormula, match=complaint):
        formula.resources_in(locks)


def test_the_formula_has_every_value_and_no_place_left(tmp_path: Path) -> None:
    values = {"HOMEPAGE": REPOSITORY, "URL": URL, "SHA256": "ee" * 32}
    filled = formula.filled(TEMPLATE, values, formula.resources_in([LOCK]))
    assert not re.search(r"@[A-Z]", filled)
    assert f'  homepage "{REPOSITORY}"\n' in filled
    assert f'  url "{URL}"\n  sha256 "{"ee" * 32}"\n' in filled
    assert filled.index('resource "alpha" do') < filled.index('resource "zeta" do')
    ruby = shutil.which("ruby")
    if ruby is not None:
        (tmp_path / "pointsman.rb").write_text(filled, encoding="utf-8")
        subprocess.run([ruby, "-c", "pointsman.rb"], cwd=tmp_path, check=True)  # noqa: S603


def test_the_sdist_is_looked_for_on_the_release_of_its_version() -> None:
    assert formula.url_of(REPOSITORY, "pointsman-1.2.3.tar.gz") == URL


@pytest.mark.parametrize(
    ("repository", "sdist"),
    [
        ("", "pointsman-1.2.3.tar.gz"),
        ("http://example.com/an/owner", "pointsman-1.2.3.tar.gz"),
        ("https://example.com/an", "pointsman-1.2.3.tar.gz"),
        (REPOSITORY, "pointsman-1.2.3-py3-none-any.whl"),
        (REPOSITORY, "other-1.2.3.tar.gz"),
    ],
)
def test_what_is_no_repository_or_sdist_is_refused(
    repository: str, sdist: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / sdist).write_bytes(b"")
    assert formula.main([repository, str(tmp_path / sdist)]) == 1
    assert "are not https://HOST/OWNER/REPOSITORY and" in capsys.readouterr().err


def test_its_python_is_that_of_the_image_and_its_versions_are_those_pinned() -> None:
    assert f"FROM python:{formula.PYTHON}-" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert (CI / "constraints.txt").is_file()
