"""The requests that a book applies to: each model, caller, tool and header that its rules name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from ...catalog.catalog import Catalog
from ..book import Book
from ..request import request_for
from ..route import Route
from ..slug import read_slug
from .forecast import Forecast, forecasts

Headers = tuple[tuple[str, str], ...]  # names in lower case, and values


@dataclass(frozen=True, slots=True)
class Case:
    """One model as a client may request it, and its forecast if its endpoints are known."""

    model: str
    named: bool  # in full, by a rule or an alias; else matched by a pattern
    caller: str | None
    user_agent: str
    headers: Headers
    route: Route
    forecast: Forecast | None

    def __str__(self) -> str:
        """Render as `qwen/qwen3-coder for caller background`."""
        caller = f" for caller {self.caller}" if self.caller else ""
        agent = f" for {self.user_agent}" if self.user_agent else ""
        headers = ", ".join(f"{name}: {value}" for name, value in self.headers)
        return f"{self.model}{caller}{agent}{f' with {headers}' if headers else ''}"


def cases_of(book: Book, catalog: Catalog) -> Iterator[Case]:
    """Every case that is routed differently from those before it."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for model, named in _models(book, catalog).items():
        for caller, user_agent, headers in _askers(book):
            request = request_for(model)
            route = book.route_for(
                request,
                caller=caller,
                user_agent=user_agent,
                catalog=catalog,
                headers=book.matches_of((name.encode(), value.encode()) for name, value in headers),
            )
            if not route.matched or (model, route.rules) in seen:
                continue
            seen.add((model, route.rules))
            found = forecasts(request, route, route.preferences, catalog, ladder=book.ladder)
            forecast = None if route.conflict else next(found, None)
            yield Case(model, named, caller, user_agent, headers, route, forecast)


def models_wanted(book: Book, catalog: Catalog) -> list[str]:
    """The models whose endpoints a check needs, the most informative first.

    Those named by aliases and rules, then those that patterns match, narrow ones before wide ones.
    """
    patterns = [pattern for rule in book.rules for pattern in rule.models]
    exact = (pattern.text for pattern in patterns if pattern.exact)
    aliased = (alias.model for alias in book.aliases.values())
    globs = sorted((p for p in patterns if not p.exact), key=lambda p: -p.literals)
    matched = (
        slug for pattern in globs for slug in catalog.models if pattern.covers(read_slug(slug))
    )
    return list(dict.fromkeys(chain(aliased, exact, matched)))


def _models(book: Book, catalog: Catalog) -> Mapping[str, bool]:
    """Names, with whether each is named in full; for a pattern without matches, an example."""
    patterns = [pattern for rule in book.rules for pattern in rule.models]
    exact = (pattern.text for pattern in patterns if pattern.exact)
    models = dict.fromkeys(chain(book.aliases, exact), True)
    found = {name: read_slug(name) for name in catalog.listings}
    examples = (
        _example(pattern.text)
        for pattern in patterns
        if not pattern.exact and not any(map(pattern.covers, found.values()))
    )
    for name in chain(found, examples):
        models.setdefault(name, False)
    return models


def _example(pattern: str) -> str:
    text = _fitting(pattern)
    return text if "/" in text else f"{text}/x"


def _fitting(pattern: str) -> str:
    return pattern.replace("*", "x").replace("?", "x")


def _askers(book: Book) -> Mapping[tuple[str | None, str, Headers], None]:
    """An unnamed caller, then each caller with each tool and the headers that some rule is for."""
    askers: dict[tuple[str | None, str, Headers], None] = {(None, "", ()): None}
    for rule in book.rules:
        callers: list[str | None] = [*sorted(rule.callers)]
        headers = tuple((name, _fitting(pattern)) for name, pattern in sorted(rule.headers))
        for caller in callers or [None]:
            for pattern in rule.user_agents or ("",):
                askers[caller, _fitting(pattern), headers] = None
    return askers
