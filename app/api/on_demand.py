"""Parts that are loaded on first use: metrics, and the paths that FastAPI serves."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from ..policy.book import Book
from ..policy_folder import InForce
from ..server.on_demand import OnDemand
from ..server.process import Worker
from ..telemetry.tallies import Tallies

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..budget.report import Report
    from ..catalog.scores import Scores
    from ..ledger.store import Store
    from ..telemetry.standing import Standing
    from .framed import Application
    from .metrics import Metrics
    from .peers import Peers


def metrics_of(
    tallies: Tallies, standing: "Callable[[], Standing]", worker: Worker | None
) -> "tuple[Callable[[], Metrics], Peers | None]":
    """The factory of this process's metrics, and the link to other workers, if there are any."""

    @cache
    def make() -> "Metrics":
        from .metrics import Metrics  # noqa: PLC0415 - see OnDemand

        return Metrics(tallies, standing, peers)

    peers = _peers(worker, make)
    return make, peers


def reporting(callers: frozenset[str], scores: "Callable[[], Scores]") -> InForce:
    """The function that reports the policies in force.

    `callers` are the names that have a key, `scores` returns the benchmark scores kept by then.
    """

    def report_on(folder: Path, book: Book) -> None:
        from ..policy_report import report  # noqa: PLC0415 - once the server is ready

        report(folder, book, callers, scores())

    return report_on


def framed_api(
    store: "Callable[[], Store]",
    *,
    budgets: "Report",
    explain: ASGIApp,
    pages: ASGIApp,
    otherwise: ASGIApp,
) -> OnDemand:
    """Receipts, figures, explanations and pages; `otherwise` answers all other paths."""

    def make() -> ASGIApp:
        from .framed import framed  # noqa: PLC0415 - see OnDemand

        return framed(store, budgets=budgets, explain=explain, pages=pages, otherwise=otherwise)

    return OnDemand(make)


def made_by(framed: OnDemand) -> "Application":
    """The FastAPI application that it loads."""
    from .framed import Application  # noqa: PLC0415 - see OnDemand

    made = framed.made()
    assert isinstance(made, Application)  # noqa: S101 - what `framed_api` makes
    return made


def described(framed: OnDemand) -> Mapping[str, Any]:
    """All paths, by OpenAPI."""
    return made_by(framed).openapi()


def _peers(worker: Worker | None, metrics: "Callable[[], Metrics]") -> "Peers | None":
    if worker is None:
        return None
    from .peers import Peers  # noqa: PLC0415 - most proxies are alone

    return Peers(worker, metrics)
