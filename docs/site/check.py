"""Check a built site: `python -m docs.site.check FOLDER`. Prints each fault, and exits 1 if any.

Every link within the site leads to a file of it and, with a `#`, to a part of that page; and no
page loads anything from another host. Sphinx has checked the Markdown; this reads what came out.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADS = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}


@dataclass(frozen=True, slots=True)
class Read:
    """What one page has: names that a link can lead to, and the addresses in it, by tag."""

    anchors: set[str] = field(default_factory=set)
    addresses: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self, read: Read) -> None:
        super().__init__()
        self._read = read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self._read.anchors.add(value)
            elif name in {"href", "src"} and value:
                self._read.addresses.append((tag, value))


def faults(site: Path) -> Iterator[str]:
    """Yield a line for each broken link, missing part and foreign file, page by page."""
    pages = {file.resolve(): _read(file) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        name = file.relative_to(site.resolve())
        for tag, address in page.addresses:
            there = urlsplit(address)
            if there.scheme or there.netloc:
                if tag in _LOADS:
                    yield f"{name}: <{tag}> loads {address} from another host"
                continue
            target = (file.parent / unquote(there.path)).resolve() if there.path else file
            part = unquote(there.fragment)
            if not target.is_file():
                yield f"{name}: {address} is not in the site"
            elif part and target in pages and part not in pages[target].anchors:
                yield f"{name}: {address} names no part of that page"


def _read(file: Path) -> Read:
    read = Read()
    _Reader(read).feed(file.read_text(encoding="utf-8"))
    return read


def main(site: Path) -> int:
    """Print the faults of a site, and return the exit code."""
    found = list(faults(site))
    for fault in found:
        sys.stdout.write(f"{fault}\n")
    if not (site / "index.html").is_file():
        found.append("no front page")
        sys.stdout.write(f"{site} has no index.html\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
