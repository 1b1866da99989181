"""Sets of header names, given as names and as prefixes: `x-foo`, `x-foo-*`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

HEADER_ENTRY = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,98}\*?"  # a name, or the beginning of names and a `*`
_ENTRY = re.compile(HEADER_ENTRY)
_WILD = "*"
_ANY = ("utf-8", "surrogateescape")  # what a terminal passes on may be no text


@dataclass(frozen=True, slots=True, eq=False)
class HeaderNames:
    """A set of names in lower case. Equal to itself alone, so that caches find it at once."""

    exact: frozenset[bytes]
    prefixes: tuple[bytes, ...]

    def cover(self, name: bytes) -> bool:
        """Whether a name, in lower case, is in the set."""
        return name in self.exact or name.startswith(self.prefixes)

    def meet(self, entry: str) -> bool:
        """Whether any name is both in the set and meant by `entry`."""
        text = entry.lower().encode()
        if not entry.endswith(_WILD):
            return self.cover(text)
        start = text[:-1]
        return any(name.startswith(start) for name in self.exact) or any(
            each.startswith(start) or start.startswith(each) for each in self.prefixes
        )


NO_NAMES = HeaderNames(frozenset(), ())


def header_given(text: str) -> tuple[bytes, bytes]:
    """A header written as `name: value`, as in a request; without a colon, its value is empty."""
    name, _, value = text.partition(":")
    return name.strip().lower().encode(*_ANY), value.strip().encode(*_ANY)


def is_entry(text: str) -> bool:
    """Whether `text` is a header's name, or the beginning of names and a `*`."""
    return _ENTRY.fullmatch(text) is not None


def names_of(entries: Iterable[str]) -> HeaderNames:
    """The set that entries mean; the same entries give the same set.

    Each entry is a name, or the beginning of names and a `*`, in any case.
    """
    given = tuple(entries)
    return _names_of(given) if given else NO_NAMES


@lru_cache(256)  # policies and settings have few of them
def _names_of(entries: tuple[str, ...]) -> HeaderNames:
    lower = [entry.lower() for entry in entries]
    return HeaderNames(
        exact=frozenset(each.encode() for each in lower if not each.endswith(_WILD)),
        prefixes=tuple(each[:-1].encode() for each in lower if each.endswith(_WILD)),
    )
