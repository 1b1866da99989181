"""Drift: a change in the catalog that changes which endpoints a policy admits.

A host's label goes from fp8 to fp4, a pinned provider leaves, a price exceeds a cap: the policy
has not changed, but different endpoints than yesterday can serve, or none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ...catalog.catalog import Catalog
from ...catalog.endpoint import Endpoint
from ...wording import first_of, plural
from ..apply import apply
from ..book import Book
from ..request import request_for
from ..rule import Clause
from .forecast import forecasts
from .funnel import Drop

_MOST_TAGS = 20  # in one message; a popular model has dozens of endpoints


@dataclass(frozen=True, slots=True)
class Drift:
    """The change in the endpoints that a policy admits for one model: removed and added."""

    model: str  # as requested: a slug, or an alias
    gone: tuple[str, ...]  # tags
    come: tuple[str, ...]
    left: int
    why: str  # the lines that now drop the removed ones, or that they are no longer offered
    clauses: tuple[Clause, ...] = ()  # those lines
    admitted: tuple[str, ...] = ()  # tags of all that are left
    rules: tuple[str, ...] = ()  # that apply to the model, most specific first

    def __str__(self) -> str:
        """Render for a log line."""
        parts = [f"{self.model}: {plural(self.left, 'endpoint')} left"]
        if self.gone:
            parts.append(f"gone {first_of(self.gone, _MOST_TAGS)} ({self.why})")
        if self.come:
            parts.append(f"new {first_of(self.come, _MOST_TAGS)}")
        return "; ".join(parts)


def drifts(book: Book, model: str, before: Catalog, after: Catalog) -> Iterator[Drift]:
    """The drift from a change in a model's listing, for the model and for each alias of it.

    Yields nothing if the model was not listed before: a first listing is not a change.
    """
    if before.listing(model) is None:
        return
    aliases = (alias.name for alias in book.aliases.values() if alias.model == model)
    for name in (model, *aliases):
        drift = _drift(book, name, before, after)
        if drift is not None:
            yield drift


def _drift(book: Book, name: str, before: Catalog, after: Catalog) -> Drift | None:
    old = _let_through(book, name, before).survivors
    new, drops, rules = _let_through(book, name, after)
    gone = [tag for tag in old if tag not in new]
    come = [tag for tag in new if tag not in old]
    if not (gone or come):
        return None
    fell = [drops[tag] for tag in gone if tag in drops]
    clauses = tuple(dict.fromkeys(clause for drop in fell for clause in drop.clauses))
    reasons = dict.fromkeys(
        f"{drop.filter} by {drop.behind}" if drop.behind else drop.because for drop in fell
    )
    if len(fell) < len(gone):
        reasons["no longer offered"] = None
    why = "; ".join(reasons)
    return Drift(name, tuple(gone), tuple(come), len(new), why, clauses, tuple(new), rules)


class _LetThrough(NamedTuple):
    """The endpoints that remain, by tag, the drops of the others, and the rules that apply."""

    survivors: Mapping[str, Endpoint]
    drops: Mapping[str, Drop]
    rules: tuple[str, ...]


def _let_through(book: Book, name: str, catalog: Catalog) -> _LetThrough:
    request = request_for(name)
    route = book.route_for(request, caller=None, user_agent="", catalog=catalog)
    if not route.matched or route.conflict or route.refuse.keys() & {"model"}:
        return _LetThrough({}, {}, route.rules)
    outgoing = apply(request, route)
    survivors: dict[str, Endpoint] = {}
    drops: dict[str, Drop] = {}
    for each in forecasts(request, route, outgoing.preferences, catalog, ladder=book.ladder):
        survivors |= {endpoint.tag: endpoint for endpoint in each.funnel.survivors}
        drops |= {drop.endpoint.tag: drop for drop in each.funnel.dropped}
    return _LetThrough(survivors, drops, route.rules)
