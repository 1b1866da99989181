"""What an entry of `only`, `order` or `ignore` covers, and what two lists of them share.

A base slug (`deepinfra`) covers every endpoint of its provider, `deepinfra/fp8` and
`deepinfra/us` alike, but not the service tiers (`openai/priority`): those are other offers at
other prices, and a request reaches them by their full name only. A tag covers itself. `tiers` are
the tags of which only a listing tells that they are a tier's (openrouter.md §1.3, §2.7).
"""

from collections.abc import Collection, Iterable, Sequence

from app.catalog.endpoint import OTHER_TIERS, TIERS, Endpoint, tier_in

NO_TIERS: Collection[str] = frozenset()


def means(entry: str, endpoint: Endpoint) -> bool | None:
    """Whether an entry of a list means an endpoint; None: OpenRouter may read it so, or not.

    A base slug means all endpoints of its provider but those of a service tier, a tag the endpoints
    with exactly that tag. A display name or another case may be read as the slug
    (openrouter.md §1.3).
    """
    if entry == endpoint.tag:
        return True
    whole = endpoint.tier is None
    if whole and entry == endpoint.provider:
        return True
    lower = entry.lower()
    if lower == endpoint.tag:
        return None
    named = lower in {endpoint.provider, endpoint.provider_name.lower()}
    return None if whole and named else False


def of_provider(entries: Iterable[str], provider: str) -> list[str]:
    """The entries, in lower case, that name a provider or one of its endpoints."""
    return [entry for entry in entries if entry.partition("/")[0] == provider]


def covers(entry: str, other: str, tiers: Collection[str] = NO_TIERS) -> bool:
    """Whether every endpoint that `other` stands for is one that `entry` stands for."""
    entry, other = entry.lower(), other.lower()
    if entry == other:
        return True
    if entry != other.partition("/")[0]:
        return False
    return tier_in(other) is None and other not in tiers


def covered(entry: str, by: Collection[str], tiers: Collection[str] = NO_TIERS) -> bool:
    """Whether one of `by`, in lower case, covers `entry`; for long lists `by` is a set."""
    entry = entry.lower()
    if entry in by:
        return True
    return entry.partition("/")[0] in by and tier_in(entry) is None and entry not in tiers


def meet(
    ours: Sequence[str], theirs: Sequence[str], tiers: Collection[str] = NO_TIERS
) -> list[str]:
    """The entries that stand for what both lists stand for, in the order of `ours`.

    `deepinfra` and `deepinfra/fp8` meet in `deepinfra/fp8`. Takes time for the sum of the lists.
    """
    all_of_theirs = lowered(theirs)
    of_provider: dict[str, list[str]] = {}
    for entry in theirs:
        of_provider.setdefault(entry.lower().partition("/")[0], []).append(entry)
    shared: dict[str, None] = {}
    for one in ours:
        if covered(one, all_of_theirs, tiers):
            shared[one] = None
        else:
            own = of_provider.get(one.lower(), ())
            shared |= dict.fromkeys(other for other in own if covers(one, other, tiers))
    return list(shared)


def lowered(entries: Iterable[str]) -> frozenset[str]:
    """The entries in lower case, to be asked often."""
    return frozenset(entry.lower() for entry in entries)


def with_tiers(ignored: Sequence[str], tiers: Collection[str] = NO_TIERS) -> list[str]:
    """A list to ignore, each base slug followed by its provider's service tiers.

    A policy that ignores a provider means all of it, but upstream a base slug covers no tier. Tags
    that no endpoint has are ignored there in silence (openrouter.md §1.4).
    """
    found: dict[str, None] = {}
    for entry in ignored:
        found[entry] = None
        if "/" not in entry:
            others = sorted(tag for tag in (*OTHER_TIERS, *tiers) if tag.startswith(f"{entry}/"))
            found |= dict.fromkeys((*(f"{entry}/{tier}" for tier in sorted(TIERS)), *others))
    return list(found)


def without_tiers(entries: Sequence[str]) -> list[str]:
    """A list as people would write it: no tiers of a provider that is in it as a whole."""
    return [e for e in entries if tier_in(e) is None or e.partition("/")[0] not in entries]
