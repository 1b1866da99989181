"""Measures how near an endpoint is to the named providers: the same one, or a similar name.

Callers choose the names, so only a few are compared, and only those that could be names.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from itertools import islice

from ...catalog.endpoint import Endpoint
from ...catalog.providers import SLUGS

_SIMILAR = 0.6  # below it, two names count as unrelated
_MOST = 20  # names that are compared
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,63}")


def distance(endpoint: Endpoint, entries: Iterable[str]) -> float:
    """From 0, for an endpoint of a named provider, to 1, for one similar to none of them."""
    names = (provider_of(entry) for entry in _names(entries))
    ratios = (SequenceMatcher(None, name, endpoint.provider).ratio() for name in names)
    nearest = max(ratios, default=0.0)
    return 1 - nearest if nearest >= _SIMILAR else 1.0


def strangers(entries: Iterable[str], providers: frozenset[str]) -> dict[str, str | None]:
    """The entries that aren't the slug of a provider, each with the most similar provider."""
    odd = (entry for entry in _names(entries) if provider_of(entry) not in providers)
    return {entry: _nearest(provider_of(entry), providers) for entry in odd}


@lru_cache(256)
def _nearest(name: str, providers: frozenset[str]) -> str | None:
    return next(iter(get_close_matches(name, providers, n=1, cutoff=_SIMILAR)), None)


def provider_of(entry: str) -> str:
    """The slug of the provider that an entry names, by its tag, its slug or its display name."""
    lower = entry.strip().lower()
    return SLUGS.get(lower, lower.partition("/")[0])


def _names(entries: Iterable[str]) -> Sequence[str]:
    return [*islice(filter(_NAME.fullmatch, entries), _MOST)]
