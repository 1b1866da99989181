"""Pages of the site: the repository's Markdown as it is, and what it leads to. PURE.

The pages are written for a code host, where a link leads to any file or folder of the repository.
On the site, each of those is a page too, and `Tree.page_of` returns its name:

Rule 1  The README is the front page. Every other Markdown page keeps its place.
Rule 2  A folder is its README if it has one, else a list of its files.
Rule 3  A folder of a room of the reference is a page of the reference, with all modules in it.
Rule 4  An image is itself. Any other file is a page that shows it.
Rule 5  A path that is not in the repository stays as it is, and the generator reports it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import dirname, normpath, relpath

README = "README.md"
INDEX = "docs/index.md"
REFERENCE = "docs/api"
IMAGES = (".png", ".svg")

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^()#\s]+)")
_FENCE = re.compile(r" *(?:```|~~~)")
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_ENTRY = re.compile(r"^- \[([^]]+)\]\(([^()#\s]+)\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the navigation: its title, then title and path of each page."""

    title: str
    entries: tuple[tuple[str, str], ...]


def sections(text: str) -> list[Section]:
    """Return the navigation that the index gives: its `##` parts, and the links of their lists."""
    _, *parts = _SECTION.split(text)
    return [
        Section(title, tuple((name, _resolved(INDEX, to)) for name, to in _ENTRY.findall(entries)))
        for title, entries in zip(parts[::2], parts[1::2], strict=True)
    ]


def targets(page: str, text: str) -> set[str]:
    """Return the paths, from the repository's root, to which a page's links lead."""
    return {_resolved(page, to) for line in _prose(text) for to in _LINK.findall(line)}


def module_name(path: str) -> str:
    """Return the name by which a program imports a file or folder below `app/`."""
    _, *parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(["pointsman", *parts])


@dataclass(frozen=True, slots=True)
class Tree:
    """The repository: the paths of its files, from its root, and the rooms of the reference."""

    files: frozenset[str]
    rooms: tuple[str, ...] = ()  # folders, such as `app/policy`

    def within(self, folder: str) -> list[str]:
        """Return the files in a folder and below it, in order."""
        return sorted(each for each in self.files if each.startswith(f"{folder}/"))

    def packages(self) -> list[str]:
        """Return the rooms of the reference and the folders inside them, in order."""
        modules = (each for room in self.rooms for each in self.within(room))
        return sorted({dirname(each) for each in modules if each.endswith(".py")})

    def page_of(self, path: str) -> str:
        """Return the site's page for a path of the repository."""
        if path == README:
            return "index.md"
        package = dirname(path) if path.endswith(".py") else path
        if package in self.packages():
            return f"{REFERENCE}/{module_name(package)}.md"
        if path in self.files:
            return path if path.endswith((".md", *IMAGES)) else f"{path}.md"
        if self.within(path):
            named = f"{path}/README.md"
            return named if named in self.files else f"{path}/index.md"
        return path

    def linked(self, page: str, text: str) -> str:
        """Return a page's text with its links changed to those of the site."""
        here = dirname(self.page_of(page)) or "."

        def link(found: re.Match[str]) -> str:
            path = _resolved(page, found[0])
            there = self.page_of(path)
            known = there != path or path in self.files
            return relpath(there, here) if known else found[0]

        return "".join(
            _LINK.sub(link, line) if is_prose else line for line, is_prose in _lines(text)
        )


def _resolved(page: str, target: str) -> str:
    return normpath(f"{dirname(page) or '.'}/{target}")


def _prose(text: str) -> Iterator[str]:
    return (line for line, is_prose in _lines(text) if is_prose)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line with its end, and whether it is outside of code blocks."""
    fenced = False
    for line in text.splitlines(keepends=True):
        edge = _FENCE.match(line) is not None
        fenced ^= edge
        yield line, not (fenced or edge)
