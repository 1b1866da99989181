"""Names the clauses behind a broken verdict: what each allows, and its place in the file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...wording import first_of
from .. import tags
from ..rule import Clause, named
from ..terms import Terms, terms_of
from .judge import Verdict

_MOST_VALUES = 5


def why_broken(
    verdict: Verdict,
    preferences: Mapping[str, Any],
    origins: Mapping[str, Sequence[Clause]],
) -> str:
    """The clauses that the provider or its listed labels break, as a text to add to the reason.

    Empty for any other verdict, or if neither shows the cause: a price, a failed attempt.
    `preferences` are those that were sent, and `origins` the policy's clauses behind them.
    """
    if verdict.verdict != "broken" or verdict.provider is None:
        return ""
    found = (
        f"{field} {'excludes' if field == 'ignore' else 'allows'} "
        f"{first_of(preferences[field], _MOST_VALUES)}, by "
        f"{named(origins.get(field, ())) or 'the request itself'}"
        for field in _broken(verdict.provider, verdict.quantizations_listed, terms_of(preferences))
    )
    return "".join(f"; {each}" for each in found)


def _broken(provider: str, labels: Sequence[str], terms: Terms) -> Iterator[str]:
    """The fields that exclude this provider, or endpoints listed with only these labels."""
    for field, entries in (("only", terms.only), ("order", terms.order)):
        if entries and not tags.of_provider(entries, provider):
            yield field
    if provider in terms.ignore:
        yield "ignore"
    if terms.labels and labels and set(terms.labels).isdisjoint(labels):
        yield "quantizations"
