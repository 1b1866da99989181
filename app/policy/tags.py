"""The endpoints that an entry of `only`, `order` or `ignore` covers, and how two lists intersect.

A base slug (`deepinfra`) covers every endpoint of its provider, `deepinfra/fp8` and
`deepinfra/us` alike, but not the service tiers (`openai/priority`): those are other offers at
other prices, and a request reaches them only by their full name. A tag covers itself. `tiers` are
the tags that only a listing identifies as a tier's (openrouter.md §1.3, §2.7).
"""

from collections.abc import Collection, Iterable, Sequence

from ..catalog.endpoint import OTHER_TIERS, TIERS, Endpoint, tier_in

NO_TIERS: Collection[str] = frozenset()


def means(entry: str, endpoint: Endpoint) -> bool | None:
    """Whether an entry of a list means an endpoint; None: OpenRouter may or may not accept it.

    A base slug means all endpoints of its provider except those of a service tier, a tag means the
    endpoints with exactly that tag. OpenRouter may accept a display name or another case as the
    slug (openrouter.md §1.3).
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
    """Whether `entry` covers every endpoint that `other` covers."""
    entry, other = entry.lower(), other.lower()
    if entry == other:
        return True
    if entry != other.partition("/")[0]:
        return False
    return not is_tier(other, tiers)


def is_tier(entry: str, tiers: Collection[str] = NO_TIERS) -> bool:
    """Whether an entry is the tag of a service tier."""
    return tier_in(entry) is not None or entry in tiers


def covered(entry: str, by: Collection[str], tiers: Collection[str] = NO_TIERS) -> bool:
    """Whether one of `by`, in lower case, covers `entry`; for long lists `by` is a set."""
    entry = entry.lower()
    if entry in by:
        return True
    return entry.partition("/")[0] in by and not is_tier(entry, tiers)


def meet(
    ours: Sequence[str], theirs: Sequence[str], tiers: Collection[str] = NO_TIERS
) -> list[str]:
    """The intersection of two lists of entries, in the order of `ours`.

    `deepinfra` and `deepinfra/fp8` give `deepinfra/fp8`. Takes time linear in the sum of the lists.
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
    """The entries in lower case, as a set for repeated lookups."""
    return frozenset(entry.lower() for entry in entries)


def with_tiers(ignored: Sequence[str], tiers: Collection[str] = NO_TIERS) -> list[str]:
    """A list to ignore, each base slug followed by its provider's service tiers.

    A policy that ignores a provider means all of it, but upstream a base slug covers no tier.
    Upstream silently ignores tags that no endpoint has (openrouter.md §1.4).
    """
    found: dict[str, None] = {}
    for entry in ignored:
        found[entry] = None
        if "/" not in entry:
            others = sorted(tag for tag in (*OTHER_TIERS, *tiers) if tag.startswith(f"{entry}/"))
            found |= dict.fromkeys((*(f"{entry}/{tier}" for tier in sorted(TIERS)), *others))
    return list(found)


def without_tiers(entries: Sequence[str]) -> list[str]:
    """A list as users write it: without the tiers of a provider that is listed as a whole."""
    return [e for e in entries if tier_in(e) is None or e.partition("/")[0] not in entries]
