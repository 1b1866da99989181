"""What pages load: all of it is here, as it was published, and nothing comes from elsewhere."""

import hashlib
import re
from pathlib import Path

import pytest

from app.dashboard import __file__ as package
from app.dashboard.assets import ASSET_PATHS, asset, asset_url
from tests.dashboard.conftest import Served

FOLDER = Path(package).parent
VENDOR = FOLDER / "static" / "vendor"
OURS = [
    *(FOLDER / "templates").glob("*.html"),
    *(file for file in (FOLDER / "static").iterdir() if file.is_file()),
]
NAMES = sorted(path.removeprefix("/dashboard/static/") for path in ASSET_PATHS)


@pytest.mark.parametrize("name", NAMES)
def test_every_asset_is_served_and_may_be_kept_for_ever(day: Served, name: str) -> None:
    answer = day.get(asset_url(name))
    assert answer.status_code == 200
    assert answer.content == (FOLDER / "static" / name).read_bytes()
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].partition(";")[0] in {
        "text/css",
        "text/javascript",
        "image/svg+xml",
    }


def test_every_file_in_the_folder_is_an_asset_or_speaks_for_one() -> None:
    there = {
        str(file.relative_to(FOLDER / "static"))
        for file in (FOLDER / "static").rglob("*")
        if file.is_file()
    }
    beside = {"vendor/README.md", "vendor/htmx.LICENSE", "vendor/uPlot.LICENSE"}
    assert there - beside == set(NAMES)


@pytest.mark.parametrize(
    "name", ["", "nothing.js", "../pages.py", "vendor/../../pages.py", "/etc/passwd", "vendor"]
)
def test_nothing_else_is_an_asset(name: str) -> None:
    assert asset(name) is None


def test_vendored_files_are_those_that_were_published() -> None:
    readme = (VENDOR / "README.md").read_text(encoding="utf-8")
    sums = dict(re.findall(r"^\| `([\w.]+)` .*`([0-9a-f]{64})` \|$", readme, re.MULTILINE))
    found = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.iterdir()
        if file.suffix in {".js", ".css"}
    }
    assert sums == found


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_no_page_loads_anything_from_elsewhere_or_carries_scripts_and_styles(file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"https?://|//\w+\.\w+/|@import|url\(", text)
    if file.suffix == ".html":
        assert not re.findall(r"<script(?! defer src)|<style|\sstyle=|\son\w+=|javascript:", text)
        assert "| safe" not in text


def test_an_address_changes_with_its_content() -> None:
    digest = hashlib.sha256((FOLDER / "static" / "dashboard.css").read_bytes()).hexdigest()
    assert asset_url("dashboard.css") == f"/dashboard/static/dashboard.css?v={digest[:12]}"
