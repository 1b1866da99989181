"""Which model names are known: those of the catalog and those in the policies.

Callers can ask for any name. A metric labelled with those names would grow without limit.
"""

from typing import TYPE_CHECKING

from ..catalog.catalog import listing_key, model_key
from ..openrouter.catalog_feed import CatalogFeed
from ..policy_folder import PolicyFolder

if TYPE_CHECKING:
    from ..policy.book import Book


class KnownModels:
    """One name for each model, whatever case or variant was requested."""

    def __init__(self, policies: PolicyFolder, feed: CatalogFeed) -> None:
        self._policies = policies
        self._feed = feed
        self._book: Book | None = None
        self._named: frozenset[str] = frozenset()

    def name_of(self, asked: str) -> str | None:
        """The name of the requested model; None if it is unknown."""
        catalog, exact, base = self._feed.current, listing_key(asked), model_key(asked)
        if exact in catalog.models or exact in catalog.listings:
            return exact
        if base in catalog.models or base in catalog.listings:
            return base
        named = self._in_the_book()
        return exact if exact in named else base if base in named else None

    def _in_the_book(self) -> frozenset[str]:
        """The names in the book, aliases included: a refused request has no other model."""
        book = self._policies.current
        if book is not self._book:
            self._book = book
            names = (*book.models_named, *book.aliases)
            self._named = frozenset(map(listing_key, names))
        return self._named
