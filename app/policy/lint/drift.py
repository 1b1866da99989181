"""Reports changes since an older catalog, as findings."""

from collections.abc import Iterator

from ...catalog.catalog import Catalog
from ..book import Book
from ..forecast.drift import Drift, drifts
from ..request import request_for
from .finding import Finding

CODE = "drift"


def lint_drift(book: Book, before: Catalog, after: Catalog) -> Iterator[Finding]:
    """A warning for each model whose admitted endpoints differ from those in `before`.

    An error if endpoints were removed and none is left. Models that either catalog doesn't list
    are skipped.
    """
    for model in sorted(before.listings.keys() & after.listings.keys()):
        for drift in drifts(book, model, before, after):
            yield _finding(book, drift, after)


def _finding(book: Book, drift: Drift, catalog: Catalog) -> Finding:
    route = book.route_for(request_for(drift.model), caller=None, user_agent="", catalog=catalog)
    every = (clause for clauses in route.origins.values() for clause in clauses)
    clause = next(iter((*drift.clauses, *every)))
    return Finding(
        "error" if drift.gone and not drift.left else "warning",
        CODE,
        clause.file,
        clause.line,
        clause.rule,
        str(drift),
    )
