"""What an entry of `only`, `order` or `ignore` covers, and what two lists of them share.

A base slug (`deepinfra`) covers every endpoint of its provider, `deepinfra/fp8` and
`deepinfra/us` alike, but not the service tiers (`openai/priority`): those are other offers at
other prices, and a request reaches them by their full name only. A tag covers itself.
"""

from collections.abc import Iterable, Sequence

SERVICE_TIERS = frozenset({"flex", "priority", "ultrafast"})


def covers(entry: str, other: str) -> bool:
    """Whether every endpoint that `other` stands for is one that `entry` stands for."""
    entry, other = entry.lower(), other.lower()
    if entry == other:
        return True
    return entry == other.partition("/")[0] and other.rpartition("/")[2] not in SERVICE_TIERS


def covered(entry: str, by: Iterable[str]) -> bool:
    """Whether one of `by` covers `entry`."""
    return any(covers(each, entry) for each in by)


def meet(ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """The entries that stand for what both lists stand for, in the order of `ours`.

    `deepinfra` and `deepinfra/fp8` meet in `deepinfra/fp8`.
    """
    shared: dict[str, None] = {}
    for one in ours:
        finer = (other for other in theirs if covers(one, other))
        shared |= dict.fromkeys((one,) if covered(one, theirs) else finer)
    return list(shared)
