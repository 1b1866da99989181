"""The book: all policies, validated and immutable. It answers with a route for each request."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from app.catalog.catalog import Spelling
from app.catalog.trimming import trimmed
from app.policy.match import index_of
from app.policy.policy_preferences import cascade, wishes_of
from app.policy.precision import LADDER, KnowsModels, Weights, weights_of
from app.policy.request import Request
from app.policy.route import Route, join, route_of
from app.policy.rule import Alias, Rule
from app.policy.slug import Slug, read_slug

# Books live until a file is saved, and callers choose the names: what is remembered is bounded.
_REMEMBERED = 4096

_Names = tuple[str, ...]
_Agents = frozenset[str]
_Question = tuple[_Names, str | None, str]  # models, caller, user agent


@dataclass(frozen=True, slots=True)
class Book:
    """Rules and aliases, with a revision that changes with their text."""

    revision: str
    rules: tuple[Rule, ...]  # in the order of files and lines
    aliases: Mapping[str, Alias]  # by name, as written
    ladder: Mapping[str, float]
    _paths: "_Paths" = field(repr=False, compare=False)

    def route_for(
        self,
        request: Request,
        *,
        caller: str | None,
        user_agent: str,
        catalog: KnowsModels,
        inner: tuple[str, ...] = (),
    ) -> Route:
        """What the policies say for a request: for all of the models it lists, the strictest.

        `inner` are models that it names in its tools and plugins.
        """
        paths, names = self._paths, request.models + inner
        recent = paths.recent.under(catalog)
        asked = (names, caller, user_agent)
        found = recent.get(asked)
        if found is None:
            found = paths.route(
                tuple(_asked(name, paths.slug(name), catalog) for name in names),
                caller if caller in paths.callers else None,
                paths.agents(user_agent),
            )
            if len(recent) < _REMEMBERED:
                recent[asked] = found
        return found

    @property
    def models_named(self) -> tuple[str, ...]:
        """Every model that a rule or an alias names in full."""
        exact = (p.text for rule in self.rules for p in rule.models if p.exact)
        return tuple(dict.fromkeys((*exact, *(alias.model for alias in self.aliases.values()))))


@dataclass(frozen=True, slots=True)
class _Paths:
    """The answers that are worth remembering, since nothing in a book ever changes."""

    callers: frozenset[str]
    slug: Callable[[str], Slug]  # of a name's model, which an alias stands for
    agents: Callable[[str], _Agents]  # the user agent patterns that a header fits
    route: Callable[[tuple["_Asked", ...], str | None, _Agents], Route]
    recent: "_Recent"


class _Asked(NamedTuple):
    """One model of a request, and what the catalog knows of it."""

    name: str
    known: str | None  # its own slug, where the name is another one
    weights: Weights
    spelling: Spelling


class _Recent:
    """The routes of late, for as long as the catalog stays the same: one look for a request."""

    def __init__(self) -> None:
        self._kept: tuple[KnowsModels | None, dict[_Question, Route]] = (None, {})

    def under(self, catalog: KnowsModels) -> "dict[_Question, Route]":
        """What is remembered under this catalog."""
        known, routes = self._kept
        if known is not catalog:
            routes = {}
            self._kept = (catalog, routes)
        return routes


def _asked(name: str, slug: Slug, catalog: KnowsModels) -> _Asked:
    listed = ":".join((slug.name, *slug.variants))  # `:free` has a listing of its own
    return _Asked(
        name, catalog.id_of(slug.name), weights_of(slug, catalog), catalog.spelling(listed)
    )


def make_book(
    texts: Iterable[str],
    rules: Sequence[Rule],
    aliases: Sequence[Alias],
    ladder: Mapping[str, float],
) -> Book:
    """A book of rules and aliases that were read from `texts`, both in the files' order."""
    return Book(
        revision=_revision(texts),
        rules=tuple(rules),
        aliases=MappingProxyType({alias.name: alias for alias in aliases}),
        ladder=MappingProxyType(dict(ladder)),
        _paths=_paths(rules, aliases, ladder),
    )


def _revision(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()[:12]


def _paths(rules: Sequence[Rule], aliases: Sequence[Alias], ladder: Mapping[str, float]) -> _Paths:
    index = index_of(rules)
    by_name = {alias.name.lower(): alias for alias in aliases}
    rule_named = {rule.name: rule for rule in rules}

    def alias_of(name: str) -> Alias | None:
        return by_name.get(trimmed(name).lower())

    def layers(alias: Alias | None, found: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """The rule that an alias names comes on top, whoever else it is for."""
        top = (rule_named[alias.rule],) if alias and alias.rule else ()
        return tuple(dict.fromkeys((*top, *found)))

    def route_of_one(asked: _Asked, caller: str | None, agents: _Agents) -> Route:
        alias = alias_of(asked.name)
        names = also(slug(asked.name), asked.known)
        stack = layers(alias, index.matching(names, caller, agents))
        own = (alias.clauses,) if alias else ()
        standing = cascade((*own, *(rule.clauses for rule in stack)))
        return route_of(
            standing,
            wishes_of(standing, asked.weights, ladder, asked.spelling.tiers),
            asked=asked.name,
            alias=alias.name if alias else None,
            rules=tuple(rule.name for rule in stack),
            spelling=asked.spelling,
        )

    def also(given: Slug, known: str | None) -> tuple[Slug, ...]:
        """A model under the name given, and under its own: rules for either speak for it."""
        return (
            (given,)
            if known is None
            else (given, replace(read_slug(known), variants=given.variants))
        )

    @lru_cache(_REMEMBERED)
    def slug(name: str) -> Slug:
        alias = alias_of(name)
        return read_slug(alias.model if alias else name)

    @lru_cache(_REMEMBERED)
    def route(models: tuple[_Asked, ...], caller: str | None, agents: _Agents) -> Route:
        return join(tuple(route_of_one(each, caller, agents) for each in models))

    agents = lru_cache(_REMEMBERED)(index.agents_of)
    return _Paths(index.callers, slug, agents, route, _Recent())


EMPTY_BOOK = make_book((), (), (), LADDER)
