"""The sources of the docs site, without its generator: nothing is missing, and nothing is twice."""

import re
from collections import Counter
from pathlib import Path

import pytest

from docs.site.pages import sections
from docs.site.stage import main, pages, repository
from tests.test_layers import PURE

ROOT = Path(__file__).parents[2]
TREE = repository()
PAGES = dict(pages(TREE))

_TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?![a-z]+:)([^()#\s]+)")


def in_the_navigation() -> list[str]:
    found = []
    for page, text in PAGES.items():
        for tree in _TOCTREE.findall(text):
            folder = (Path("/") / page).parent
            found += [
                (folder / each).resolve() for each in re.findall(r" <(.+)>$", tree, re.MULTILINE)
            ]
    return [str(each).removeprefix("/") for each in found]


def test_each_page_of_the_docs_is_in_the_navigation_once() -> None:
    counted = Counter(in_the_navigation())
    docs = {str(each.relative_to(ROOT)) for each in (ROOT / "docs").rglob("*.md")}
    reference = {page for page in PAGES if page.startswith("docs/api/")}
    assert counted == Counter([*docs, *(reference - docs), "CHANGELOG.md"])


def test_the_navigation_has_the_parts_of_the_index_in_their_order() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    captions = re.findall(r"^:caption: (.+)$", PAGES["index.md"], re.MULTILINE)
    assert captions == re.findall(r"^## (.+)$", index, re.MULTILINE)
    assert all(section.entries for section in sections(index))


def test_every_link_of_every_page_leads_to_a_page_or_image_of_the_site() -> None:
    images = {each for each in TREE.files if each.endswith((".png", ".svg"))}
    for page, text in PAGES.items():
        if text.startswith("---\norphan") and "`````" in text:
            continue  # a file that is shown
        for target in _LINK.findall(
            re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        ):
            there = str((Path("/") / page).parent.joinpath(target).resolve()).removeprefix("/")
            assert there in PAGES.keys() | images, f"{page}: {target}"


def test_the_reference_is_of_rooms_that_are_pure_and_has_all_their_modules() -> None:
    rooms = {room.removeprefix("app/") for room in TREE.rooms}
    assert {"policy", "catalog", "wire", "defects", "audit", "notices"} == rooms <= PURE.keys()
    documented = set(
        re.findall(r"^\.\. automodule:: (.+)$", "\n".join(PAGES.values()), re.MULTILINE)
    )
    there = {
        ".".join(["pointsman", *file.relative_to(ROOT / "app").with_suffix("").parts])
        for room in rooms
        for file in (ROOT / "app" / room).rglob("*.py")
    }
    assert documented == {name.removesuffix(".__init__") for name in there}


@pytest.mark.parametrize(
    ("page", "part"),
    [
        ("compose.yaml.md", "services:"),
        ("policies/examples/index.md", "- [cheap.yaml](cheap.yaml.md)"),
        ("index.md", "(docs/index.md)"),
        ("docs/adr/README.md", "0001-the-transport-is-called-directly.md>"),
    ],
)
def test_files_folders_and_pages_are_shown(page: str, part: str) -> None:
    assert part in PAGES[page]


def test_all_of_it_is_written_with_the_images_and_what_was_there_is_gone(tmp_path: Path) -> None:
    old = tmp_path / "sources" / "old.md"
    old.parent.mkdir()
    old.touch()
    main(old.parent)
    written = {str(each.relative_to(old.parent)) for each in old.parent.rglob("*.md")}
    assert written == PAGES.keys()
    assert (old.parent / "docs" / "images" / "dashboard.png").stat().st_size > 1000
