"""Finds the rules that apply to a request, the most specific first.

A rule for some callers goes before a rule for all, one for more headers before one for fewer, one
for some user agents before one for all, an exact name before a glob, more literal characters before
fewer, and, where all that is equal, a later file and line before an earlier one. Nothing else about
the order of rules matters, nor does the order of a request's headers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .pattern import ModelPattern, glob
from .rule import HeaderMatch, Rule
from .slug import Slug

Rank = tuple[bool, int, bool, bool, int, int]
Matches = frozenset[HeaderMatch]

NO_MATCHES: Matches = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One pattern of one rule."""

    pattern: ModelPattern
    rule: Rule
    rank: Rank


@dataclass(frozen=True, slots=True)
class RuleIndex:
    """All rules, indexed so that exact names are found without a search through every rule."""

    exact: Mapping[str, Sequence[Entry]]  # by model, variants aside
    globs: Sequence[Entry]
    user_agents: frozenset[str]
    callers: frozenset[str]
    headers: Mapping[bytes, Sequence[HeaderMatch]]  # by name in lower case

    def matching(
        self, slugs: Sequence[Slug], caller: str | None, agents: frozenset[str], headers: Matches
    ) -> tuple[Rule, ...]:
        """The rules for one request, by every name of its model.

        `agents` are the user agent patterns that the request fits, `headers` the header patterns.
        """
        best: dict[str, tuple[Rank, Rule]] = {}
        exact = (entry for slug in slugs for entry in self.exact.get(slug.base, ()))
        for entry in (*exact, *self.globs):
            if not _speaks_to(entry.rule, caller, agents, headers):
                continue
            if not any(map(entry.pattern.covers, slugs)):
                continue
            found = best.get(entry.rule.name)
            if found is None or found[0] < entry.rank:
                best[entry.rule.name] = (entry.rank, entry.rule)
        ranked = sorted(best.values(), key=lambda pair: pair[0], reverse=True)
        return tuple(rule for _, rule in ranked)

    def agents_of(self, user_agent: str) -> frozenset[str]:
        """Which of the book's user agent patterns a header value fits."""
        return frozenset(each for each in self.user_agents if glob(each).match(user_agent))

    def headers_of(self, name: bytes, value: bytes) -> Matches:
        """Which of the book's header patterns one header fits; `name` is in lower case."""
        text = value.decode("latin-1")
        return frozenset(each for each in self.headers[name] if glob(each[1]).match(text))


def index_of(rules: Iterable[Rule]) -> RuleIndex:
    """Build an index of `rules`, which are in the order of their files and lines."""
    exact: dict[str, list[Entry]] = defaultdict(list)
    globs: list[Entry] = []
    everything = tuple(rules)
    for position, rule in enumerate(everything):
        for pattern in rule.models:
            entry = Entry(pattern, rule, rank(rule, pattern, position))
            if pattern.exact:
                exact[pattern.text.removeprefix("~").partition(":")[0]].append(entry)
            else:
                globs.append(entry)
    return RuleIndex(
        exact=dict(exact),
        globs=tuple(globs),
        user_agents=frozenset(each for rule in everything for each in rule.user_agents),
        callers=frozenset(each for rule in everything for each in rule.callers),
        headers=_by_name(each for rule in everything for each in rule.headers),
    )


def rank(rule: Rule, pattern: ModelPattern, position: int) -> Rank:
    """How specific a pattern of a rule is; `position` is the rule's among all rules."""
    return (
        bool(rule.callers),
        len(rule.headers),
        bool(rule.user_agents),
        pattern.exact,
        pattern.literals,
        position,
    )


def _by_name(matches: Iterable[HeaderMatch]) -> dict[bytes, list[HeaderMatch]]:
    found: dict[bytes, list[HeaderMatch]] = defaultdict(list)
    for match in dict.fromkeys(matches):
        found[match[0].encode()].append(match)
    return dict(found)


def _speaks_to(rule: Rule, caller: str | None, agents: frozenset[str], headers: Matches) -> bool:
    if rule.callers and caller not in rule.callers:
        return False
    if not rule.headers <= headers:
        return False
    return not rule.user_agents or not agents.isdisjoint(rule.user_agents)
