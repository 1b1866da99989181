"""Listings as they were, from the ledger: the one of a receipt, or of a model at some moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..catalog.catalog import Catalog
from ..catalog.kept import rows_in
from ..errors import SettingsError
from ..ledger.receipt import Receipt

if TYPE_CHECKING:
    from ..ledger.listings import Span
    from ..ledger.store import Store

_FILED = timedelta(minutes=1)  # a listing may be fetched again before its receipt is filed


@dataclass(frozen=True, slots=True)
class Then:
    """A model's listing as it was; `seen_at` is when it was fetched, to the hour."""

    model: str  # the catalog's key
    digest: str
    seen_at: datetime
    rows: list[dict[str, Any]]

    def added_to(self, catalog: Catalog) -> Catalog:
        """A catalog that has this listing in place of today's."""
        return catalog.with_listing(self.model, self.rows, self.seen_at.timestamp())

    def __str__(self) -> str:
        """Say which one it is."""
        return f"listed {at_minute(self.seen_at)}, digest {self.digest}"


def of_receipt(store: "Store", receipt: Receipt) -> Then | None:
    """The listing that a receipt was judged by; None if it names none, or it is gone."""
    if receipt.listing is None:
        return None
    ended = receipt.started_at + timedelta(milliseconds=receipt.duration_ms or 0) + _FILED
    spans = store.listing_spans(digest=receipt.listing, until=ended, limit=1)
    return _read(store, spans[0], receipt.started_at) if spans else None


def of_model(store: "Store", model: str, at: datetime) -> Then | None:
    """The listing of a model (the catalog's key) as of a moment; None if none is kept."""
    spans = store.listing_spans(model=model, until=at, limit=1)
    return _read(store, spans[0], at) if spans else None


def history(store: "Store", model: str, *, limit: int) -> Iterator[Then]:
    """The newest listings of a model that differ, oldest first, each as of its first fetch."""
    for span in store.listing_spans(model=model, limit=limit)[::-1]:
        then = _read(store, span, span.since)
        if then is not None:
            yield then


def at_minute(moment: datetime) -> str:
    """A moment in this machine's time zone: 2026-11-20 10:03."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _read(store: "Store", span: "Span", at: datetime) -> Then | None:
    body = store.listing(span.digest)
    if body is None:
        return None
    try:
        rows = rows_in(body)
    except ValueError as error:
        raise SettingsError(f"the ledger's listing {span.digest} can't be read: {error}") from None
    return Then(span.model, span.digest, min(max(at, span.since), span.until), rows)
