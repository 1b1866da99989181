"""Checks across rules, aliases and files that are each valid by themselves."""

from collections.abc import Iterable, Iterator, Sequence

from ...catalog.catalog import EMPTY
from ...errors import PolicyProblem
from ...suggest import did_you_mean
from ..book import Book
from ..request import request_for
from ..rule import Alias, Rule


def names_amiss(rules: Sequence[Rule], aliases: Sequence[Alias]) -> Iterator[PolicyProblem]:
    """Names that are given twice, or that nothing defines."""
    yield from _twice("a rule", rules)
    yield from _twice("an alias", aliases)
    known = {rule.name for rule in rules}
    by_alias = {alias.name.lower() for alias in aliases}
    for alias in aliases:
        if alias.rule is not None and alias.rule not in known:
            hint = did_you_mean(alias.rule, known) or "; add such a rule, or remove `rule`"
            yield _problem(alias, f'no rule is named "{alias.rule}"{hint}')
        if alias.model.lower() in by_alias:
            message = f"{alias.model} is itself an alias; use the model that it stands for"
            yield _problem(alias, message)


def purposeless(book: Book) -> Iterator[PolicyProblem]:
    """Rules that no request can ever match."""
    named = {alias.rule for alias in book.aliases.values()}
    for rule in book.rules:
        if not rule.models and rule.name not in named:
            yield _problem(
                rule, "`models` is missing and no alias uses this rule, so it never applies"
            )


def contradictions(book: Book) -> Iterator[PolicyProblem]:
    """Models named in full, and aliases, for which the rules together admit nothing."""
    named: dict[str, Rule | Alias] = dict(book.aliases)
    for rule in book.rules:
        named |= {pattern.text: rule for pattern in rule.models if pattern.exact}
    # Scores and audits come and go, and a file stays valid.
    unjudged = EMPTY.with_scores(None).with_audits(None)
    for model, thing in named.items():
        route = book.route_for(request_for(model), caller=None, user_agent="", catalog=unjudged)
        if route.conflict:
            yield _problem(thing, f"for {model}, {route.conflict}")


def _twice(noun: str, things: Iterable[Rule | Alias]) -> Iterator[PolicyProblem]:
    first: dict[str, Rule | Alias] = {}
    for thing in things:
        other = first.setdefault(thing.name.lower(), thing)
        if other is not thing:
            place = f"{other.file}:{other.line}"
            yield _problem(
                thing, f'{noun} named "{other.name}" already exists at {place}; rename one of them'
            )


def _problem(thing: Rule | Alias, message: str) -> PolicyProblem:
    where = f"rules.{thing.name}" if isinstance(thing, Rule) else f"aliases.{thing.name}"
    return PolicyProblem(thing.file, thing.line, where, message)
