"""The book: all policies, validated and immutable. It returns a route for each request."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from ..catalog.catalog import Spelling
from ..catalog.trimming import trimmed
from .audited import KEY as AUDITED
from .bars import Facts
from .budgets import Budget, budgets_of
from .match import NO_MATCHES, Matches, index_of
from .notify import is_told
from .policy_preferences import cascade, wishes_of
from .precision import LADDER, KnowsModels, Weights, weights_of
from .request import Request
from .route import PINNING, Route, join, route_of
from .rule import Alias, Clause, Rule
from .slug import Slug, read_slug

# A book lives until a file is saved, and callers choose the names, so the cache is bounded.
_REMEMBERED = 4096
_LONGEST = 256  # bytes of a header's value; longer ones are matched each time

_Names = tuple[str, ...]
_Agents = frozenset[str]
_Question = tuple[_Names, str | None, str, Matches]  # models, caller, user agent, headers
_Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Book:
    """Rules and aliases, with a revision that changes with their text."""

    revision: str
    rules: tuple[Rule, ...]  # in the order of files and lines
    aliases: Mapping[str, Alias]  # by name, as written
    ladder: Mapping[str, float]
    keeps_hosts: bool  # whether any rule keeps conversations at their hosts by itself
    names_headers: bool  # whether any rule is only for requests with certain headers
    needs_audits: bool  # whether any rule or alias admits endpoints by their audits
    budgets: tuple[Budget, ...]  # of all rules
    _paths: "_Paths" = field(repr=False, compare=False)

    def route_for(
        self,
        request: Request,
        *,
        caller: str | None,
        user_agent: str,
        catalog: KnowsModels,
        inner: tuple[str, ...] = (),
        headers: Matches = NO_MATCHES,
    ) -> Route:
        """Return the route for a request: the strictest for all of the models it lists.

        `inner` are models that it names in its tools and plugins; `headers` are what `matches_of`
        returns for it.
        """
        paths, names = self._paths, request.models + inner
        recent = paths.recent.under(catalog)
        asked = (names, caller, user_agent, headers)
        found = recent.get(asked)
        if found is None:
            found = paths.route(
                tuple(_asked(name, paths.slug(name), catalog) for name in names),
                caller if caller in paths.callers else None,
                paths.agents(user_agent),
                headers,
            )
            if len(recent) < _REMEMBERED:
                recent[asked] = found
        return found

    def matches_of(self, headers: Iterable[_Header]) -> Matches:
        """Which of the rules' header patterns a request fits, by its headers in any order.

        A header that is sent several times fits what any of its values fits. Only headers that a
        rule names are looked at, and no value is kept in the result.
        """
        return self._paths.matches_of(headers)

    def alias_of(self, name: str) -> Alias | None:
        """The alias of this name, whatever its case; None if there is none."""
        return self._paths.alias_of(name)

    def tells(self, event: str, rules: Iterable[str]) -> bool:
        """Whether an event is told that concerns the rules of these names, most specific first."""
        return is_told(event, filter(None, map(self._paths.rule, rules)))

    @property
    def models_named(self) -> tuple[str, ...]:
        """Every model that a rule or an alias names in full."""
        exact = (p.text for rule in self.rules for p in rule.models if p.exact)
        return tuple(dict.fromkeys((*exact, *(alias.model for alias in self.aliases.values()))))


class _Asked(NamedTuple):
    """One model of a request, with its slug in the catalog."""

    name: str
    known: str | None  # its own slug, where the name is another one
    weights: Weights
    spelling: Spelling
    facts: Facts


class _Recent:
    """Recent routes, kept while the catalog stays the same, so that a request needs one lookup."""

    def __init__(self) -> None:
        self._kept: tuple[KnowsModels | None, dict[_Question, Route]] = (None, {})

    def under(self, catalog: KnowsModels) -> "dict[_Question, Route]":
        """The routes that are cached for this catalog."""
        known, routes = self._kept
        if known is not catalog:
            routes = {}
            self._kept = (catalog, routes)
        return routes


class _Paths:
    """Maps the models that a request names to its route, cached because books never change."""

    def __init__(
        self, rules: Sequence[Rule], aliases: Sequence[Alias], ladder: Mapping[str, float]
    ) -> None:
        self._index = index_of(rules)
        self._aliases = {alias.name.lower(): alias for alias in aliases}
        self._rules = {rule.name: rule for rule in rules}
        self.budgets = budgets_of(rules)
        self.rule = self._rules.get
        self._ladder = ladder
        self.callers = self._index.callers
        self.recent = _Recent()
        self.slug = lru_cache(_REMEMBERED)(self._slug)
        self.agents = lru_cache(_REMEMBERED)(self._index.agents_of)
        self._header = lru_cache(_REMEMBERED)(self._index.headers_of)
        self.route = lru_cache(_REMEMBERED)(self._route)

    def matches_of(self, headers: Iterable[_Header]) -> Matches:
        """The header patterns that a request fits; short values are remembered."""
        found = NO_MATCHES
        for header, value in headers:
            name = header.lower()
            if name in self._index.headers:
                match = self._header if len(value) <= _LONGEST else self._index.headers_of
                found |= match(name, value)
        return found

    def _slug(self, name: str) -> Slug:
        """The slug of the model that a name or an alias stands for."""
        alias = self.alias_of(name)
        return read_slug(alias.model if alias else name)

    def _route(
        self, models: tuple[_Asked, ...], caller: str | None, agents: _Agents, headers: Matches
    ) -> Route:
        """The strictest of the models' routes.

        `agents` and `headers` are the patterns that fit the request.
        """
        return join(tuple(self._route_of_one(each, caller, agents, headers) for each in models))

    def _route_of_one(
        self, asked: _Asked, caller: str | None, agents: _Agents, headers: Matches
    ) -> Route:
        alias = self.alias_of(asked.name)
        names = _also(self.slug(asked.name), asked.known)
        stack = self._layers(alias, self._index.matching(names, caller, agents, headers))
        own = (alias.clauses,) if alias else ()
        standing = cascade((*own, *(rule.clauses for rule in stack)))
        return route_of(
            standing,
            wishes_of(standing, asked.weights, self._ladder, asked.spelling.tiers, asked.facts),
            asked=asked.name,
            alias=alias.name if alias else None,
            rules=tuple(rule.name for rule in stack),
            spelling=asked.spelling,
            budgets=tuple(each for rule in stack for each in self.budgets.get(rule.name, ())),
        )

    def alias_of(self, name: str) -> Alias | None:
        """The alias of this name, in any case and with blanks around it."""
        return self._aliases.get(trimmed(name).lower())

    def _layers(self, alias: Alias | None, found: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """Put the rule that an alias names first, whichever clients the rule is for."""
        top = (self._rules[alias.rule],) if alias and alias.rule else ()
        return tuple(dict.fromkeys((*top, *found)))


def _also(given: Slug, known: str | None) -> tuple[Slug, ...]:
    """A model's given name and its own slug: rules for either name apply to it."""
    return (
        (given,) if known is None else (given, replace(read_slug(known), variants=given.variants))
    )


def _asked(name: str, slug: Slug, catalog: KnowsModels) -> _Asked:
    listed = ":".join((slug.name, *slug.variants))  # `:free` has a listing of its own
    return _Asked(
        name,
        catalog.id_of(slug.name),
        weights_of(slug, catalog),
        catalog.spelling(listed),
        Facts(catalog.scored(listed), catalog.audited(listed)),
    )


def make_book(
    texts: Iterable[str],
    rules: Sequence[Rule],
    aliases: Sequence[Alias],
    ladder: Mapping[str, float],
) -> Book:
    """A book of rules and aliases that were read from `texts`, both in the files' order."""
    paths = _Paths(rules, aliases, ladder)
    return Book(
        revision=_revision(texts),
        rules=tuple(rules),
        aliases=MappingProxyType({alias.name: alias for alias in aliases}),
        ladder=MappingProxyType(dict(ladder)),
        keeps_hosts=any(map(_keeps_hosts, rules)),
        names_headers=any(rule.headers for rule in rules),
        needs_audits=any(AUDITED in clauses for clauses in _written(rules, aliases)),
        budgets=tuple(each for budgets in paths.budgets.values() for each in budgets),
        _paths=paths,
    )


def _written(rules: Sequence[Rule], aliases: Sequence[Alias]) -> Iterator[Mapping[str, Clause]]:
    yield from (rule.clauses for rule in rules)
    yield from (alias.clauses for alias in aliases)


def _keeps_hosts(rule: Rule) -> bool:
    clause = rule.clauses.get("affinity")
    return clause is not None and clause.value in PINNING


def _revision(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:12]


EMPTY_BOOK = make_book((), (), (), LADDER)
