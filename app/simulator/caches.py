"""The prompt cache of each endpoint: the prefixes of the prompts that it served.

A cache belongs to one endpoint of one model, whatever the session: a prompt that starts like an
earlier one there is read from it, at any other endpoint it is new. An endpoint with a price for
cache reads keeps prefixes

- up to each `cache_control` marker of a request, if it has a price for writes; for five minutes, or
  for an hour at the price `input_cache_write_1h`, by default twice the prompt's;
- else implicitly, in blocks of 128 tokens, if its listing says so; writing is free.

Each read keeps a prefix for its whole time again (openrouter.md §2.6, §A5.1).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from .ask import Ask
from .catalog import Row
from .rendering import Marker, parts_of, tools_of

BLOCK = 128  # tokens
_PIECE = 4  # characters per token
_HOUR = 3600.0
_MOST_PREFIXES = 4_000  # of one endpoint: half a million tokens in blocks


@dataclass(frozen=True, slots=True)
class CacheUse:
    """The tokens of one prompt that were read from a cache, and written to it."""

    read: int = 0
    written: int = 0  # for five minutes
    written_1h: int = 0


class _Held(NamedTuple):
    until: float
    seconds: float  # for which each read keeps it again


class Prefix(NamedTuple):
    """The start of a prompt."""

    tokens: int
    digest: bytes
    marker: Marker = None


class Caches:
    """The caches of all endpoints; each forgets what was not used for the longest time."""

    def __init__(self, clock: Callable[[], float], most: int = _MOST_PREFIXES) -> None:
        self._clock = clock
        self._most = most
        self._held: dict[Row, OrderedDict[bytes, _Held]] = {}

    def use(self, ask: Ask, row: Row) -> CacheUse:
        """Read a prompt from an endpoint's cache, and keep it there."""
        if not row.price("input_cache_read"):
            return CacheUse()
        prefixes, marked = self._prefixes(ask, row)
        held, now = self._held.setdefault(row, OrderedDict()), self._clock()
        kept = {each.digest: held[each.digest] for each in prefixes if each.digest in held}
        fresh = [digest for digest, was in kept.items() if was.until > now]
        read = max((each.tokens for each in prefixes if each.digest in fresh[-1:]), default=0)
        for prefix in reversed(prefixes):  # so that the longest are forgotten first
            if marked and not prefix.marker and prefix.digest not in fresh[-1:]:
                continue  # only found again if an earlier request marked it
            seconds = _HOUR if prefix.marker == "1h" else ask.switches.cache_seconds
            if prefix.digest in kept and kept[prefix.digest].until > now:
                seconds = max(seconds, kept[prefix.digest].seconds)
            held[prefix.digest] = _Held(now + seconds, seconds)
            held.move_to_end(prefix.digest)
        while len(held) > self._most:
            held.popitem(last=False)
        if not marked:
            return CacheUse(read)
        long = max((each.tokens for each in prefixes if each.marker == "1h"), default=0)
        short = max((each.tokens for each in prefixes if each.marker == "5m"), default=0)
        return CacheUse(read, max(short - max(read, long), 0), max(long - read, 0))

    def _prefixes(self, ask: Ask, row: Row) -> tuple[list[Prefix], bool]:
        """The prefixes that a row may know of a prompt, shortest first; and whether by markers."""
        prefixes: list[Prefix] = []
        by_part = list(_by_part(ask)) if row.takes_markers else []
        last = max((n for n, prefix in enumerate(by_part) if prefix.marker), default=-1)
        if last >= 0:
            prefixes = by_part[: last + 1]
        elif row.caches_by_itself or ask.switches.unlisted_caches:
            prefixes = list(_by_block(ask))
        least = ask.switches.cache_minimum
        return [prefix for prefix in prefixes if prefix.tokens >= least], last >= 0


def _by_part(ask: Ask) -> Iterator[Prefix]:
    digest, length = blake2b(tools_of(ask.body).encode(), digest_size=16), 0
    for part in parts_of(ask.body):
        digest.update(_bytes(part.text))
        length += len(part.text)
        yield Prefix(length // _PIECE, digest.digest(), part.marker)


def _by_block(ask: Ask) -> Iterator[Prefix]:
    digest = blake2b(tools_of(ask.body).encode(), digest_size=16)
    text = "".join(part.text for part in parts_of(ask.body))
    size = BLOCK * _PIECE
    for end in range(size, len(text) + 1, size):
        digest.update(_bytes(text[end - size : end]))
        yield Prefix(end // _PIECE, digest.digest())


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
