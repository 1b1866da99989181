"""Write the sources of the site to a folder, for the generator: `python -m docs.site.stage FOLDER`.

Nothing is listed twice. The navigation is that of `docs/index.md`; the decisions are the files of
`docs/adr`; the rooms of the reference are those to which `docs/api/README.md` leads.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from posixpath import dirname, relpath

from .pages import IMAGES, INDEX, README, REFERENCE, Tree, module_name, sections, targets

ROOT = Path(__file__).resolve().parents[2]

_DECISIONS = "docs/adr/README.md"
_ROOMS = f"{REFERENCE}/README.md"
_ORPHAN = "---\norphan: true\n---\n\n"  # reached by a link, and not part of the navigation
_MADE = {"__pycache__", "build", "dist", "node_modules"}
_LANGUAGES = {
    ".json": "json",
    ".py": "python",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".plist": "xml",
    ".service": "ini",
    ".toml": "toml",
}


def main(folder: Path) -> None:
    """Write every page of the site, and the files that pages show."""
    shutil.rmtree(folder, ignore_errors=True)
    tree = repository()
    for name, text in pages(tree):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for name in tree.files:
        if name.startswith("docs/") and name.endswith(IMAGES):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def repository() -> Tree:
    """Return the files that git has or would add; without git, those that are there."""
    files = frozenset(each for each in _listed() if (ROOT / each).is_file())
    folders = targets(_ROOMS, _read(_ROOMS))
    return Tree(files, tuple(sorted(each for each in folders if each.startswith("app/"))))


def _listed() -> Iterable[str]:
    if not (ROOT / ".git").exists():
        found = (each.relative_to(ROOT) for each in ROOT.rglob("*"))
        return (
            str(each)
            for each in found
            if not (_MADE & set(each.parts) or str(each).startswith("."))
        )
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return listed.stdout.split("\0")


def pages(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each page."""
    written = written_pages(tree)
    named = {entry for section in sections(_read(INDEX)) for _, entry in section.entries}
    shown: set[str] = set()
    for page in written:
        text = _read(page)
        shown |= targets(page, text)
        beside = not page.startswith("docs/") and page not in named | {README}
        head = _ORPHAN if beside else ""
        yield tree.page_of(page), head + tree.linked(page, text) + _navigation(tree, page)
    for package in tree.packages():
        yield tree.page_of(package), _reference(tree, package)
    for path in shown:
        yield from _shown(tree, path)


def written_pages(tree: Tree) -> list[str]:
    """Return the README, all pages of `docs/`, and each page to which one of these leads."""
    found = [README, *(each for each in tree.within("docs") if each.endswith(".md"))]
    for page in found:  # which grows meanwhile
        more = targets(page, _read(page)) & tree.files
        found += sorted(each for each in more if each.endswith(".md") and each not in found)
    return found


def _read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


# --- navigation -------------------------------------------------------------------------------


def _navigation(tree: Tree, page: str) -> str:
    """The part of the navigation that begins at a page; readers see it at the side."""
    if page == README:
        trees = [
            _toctree(tree, page, section.entries, option=f":hidden:\n:caption: {section.title}")
            for section in sections(_read(INDEX))
        ]
        return "".join([_toctree(tree, page, [("All pages", INDEX)]), *trees])
    if page == _DECISIONS:
        decisions = [each for each in tree.within("docs/adr") if each != _DECISIONS]
        titled = [(_title(each), each) for each in decisions]
        return _toctree(tree, page, titled, option=":maxdepth: 1")
    if page == _ROOMS:
        return _toctree(tree, page, [(module_name(each), each) for each in tree.packages()])
    return ""


def _title(page: str) -> str:
    return _read(page).partition("\n")[0].removeprefix("# ")


def _toctree(
    tree: Tree, page: str, entries: Iterable[tuple[str, str]], *, option: str = ":hidden:"
) -> str:
    """Entries of the navigation: at the side, and with `:maxdepth: 1` in the page as well."""
    here = dirname(tree.page_of(page)) or "."
    lines = [f"{title} <{relpath(tree.page_of(path), here)}>" for title, path in entries]
    return "\n".join(["", "```{toctree}", option, "", *lines, "```", ""])


# --- pages that are made of code and files ----------------------------------------------------


def _reference(tree: Tree, package: str) -> str:
    """The page of a folder of code: what its own docstring says, then each of its modules."""
    inside = [each for each in tree.within(package) if dirname(each) == package]
    return "\n".join(
        f"{'#' if each.endswith('/__init__.py') else '##'} `{module_name(each)}`\n\n"
        f"```{{eval-rst}}\n.. automodule:: {module_name(each)}\n```\n"
        for each in inside
        if each.endswith(".py")
    )


def _shown(tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    """The page of a file or folder that is not a page itself."""
    page = tree.page_of(path)
    if page == path or page in tree.files or path in (README, *tree.packages()):
        return
    if path not in tree.files:
        inside = [f"- [{relpath(each, path)}]({relpath(each, path)})" for each in tree.within(path)]
        yield page, tree.linked(f"{path}/index.md", f"{_ORPHAN}# `{path}/`\n\n" + "\n".join(inside))
        for each in tree.within(path):
            yield from _shown(tree, each)
    else:
        language = _LANGUAGES.get(PurePosixPath(path).suffix, "text")
        yield page, f"{_ORPHAN}# `{path}`\n\n`````{language}\n{_read(path)}\n`````\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
