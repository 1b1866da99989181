"""The pages: routes over the ledger, the policies and the catalog. They read, and change nothing.

Queries run in worker threads (plain `def`), never on the event loop that relays answers.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from app.catalog.catalog import Catalog
from app.dashboard import charts, figures, policy_view
from app.dashboard.api_view import groups_of
from app.dashboard.assets import asset
from app.dashboard.figures import Period, period_of
from app.dashboard.filtering import asked, kept_beside
from app.dashboard.live import live
from app.dashboard.receipt_row import row_of
from app.dashboard.receipt_view import whole_of
from app.dashboard.render import PAGE_HEADERS, page
from app.dashboard.session_cookie import HOME
from app.dashboard.shell import LINKS, Sources, period_asked, readable, reads_of, shell_of
from app.dashboard.spreads import spreads_of
from app.dashboard.tail import Tail
from app.errors import LedgerError
from app.ledger.receipt import Receipt
from app.ledger.stats import Dimension, Series, Stats
from app.ledger.wanted import EVERYTHING, FilterError, Wanted

_MOST_ROWS = 50

Show = Callable[[Request], Response]

log = logging.getLogger("pointsman")


def dashboard(sources: Sources, way_in: Sequence[Route]) -> ASGIApp:
    """Every page, the live tail, and the files that pages load."""
    pages = Pages(sources)
    tail = Tail(sources.store, leaving=sources.leaving)
    shown: dict[str, Show] = {
        "": pages.now,
        "/who": pages.who,
        "/quality": pages.quality,
        "/money": pages.money,
        "/policy": pages.policy,
        "/api": pages.api,
        "/receipts/{id}": pages.receipt,
    }

    def static(request: Request) -> Response:
        return asset(request.path_params["name"]) or pages.missing(request)

    async def follow(request: Request) -> Response:
        return live(tail, request)

    return Router(
        [
            *way_in,
            *(Route(HOME + path, partial(pages.show, what)) for path, what in shown.items()),
            Route(f"{HOME}/live", follow),
            Route(f"{HOME}/static/{{name:path}}", static),
            # All of /dashboard is ours: what isn't there is not there, whatever upstream may have.
            Route(f"{HOME}/{{rest:path}}", pages.missing),
        ],
        redirect_slashes=False,
    )


class Pages:
    """What each page shows."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._foreseen: policy_view.Foreseen | None = None

    def show(self, what: Show, request: Request) -> Response:
        """A page; a calm word where it can't be made."""
        try:
            return what(request)
        except FilterError as error:
            text = f"The address asks for receipts by a filter that can't be read. {error}"
            return self._message(request, 400, title="No such filter", text=text)
        except LedgerError as error:
            return self._message(
                request,
                503,
                title="The ledger can't be read right now",
                text="Requests are still served, and receipts wait in memory until the ledger "
                "works again.",
                detail=str(error),
                retry=True,
            )
        except Exception:
            log.exception("the page %s could not be rendered", request.url.path)
            return self._message(
                request,
                500,
                title="This page could not be rendered",
                text="This is a defect of Pointsman; its log has details. Requests are still "
                "served.",
                retry=True,
            )

    def now(self, request: Request) -> Response:
        """The last hour, and the newest receipts."""
        store = self._sources.store()
        cursor = store.end()
        reads = reads_of(request)
        wanted = asked(request.query_params, reads_all=reads is None)
        last_hour = self._stats(request, period_of("1h"), ())
        newest = store.recent(Wanted(caller=reads), limit=_MOST_ROWS)
        receipts = newest
        if wanted != EVERYTHING:
            receipts = store.recent(readable(wanted, request), limit=_MOST_ROWS)
        return page(
            "now.html",
            shell=shell_of(self._sources, request),
            tiles=figures.now_tiles(last_hour.total),
            rows=[row_of(receipt) for receipt in receipts],
            wanted=wanted,
            is_any=wanted == EVERYTHING,
            beside=kept_beside(request.query_params),
            known=_known(newest),
            live=f"{HOME}/live?{request.url.query}",
            cursor=cursor,
            most=_MOST_ROWS,
            base_url=f"{request.url.scheme}://{request.headers['host']}/v1",
        )

    def who(self, request: Request) -> Response:
        """Shares by provider and quantization."""
        period = period_asked(request)
        by_provider = self._series(request, period, ("provider",))
        chart = charts.share_chart("Share by provider", by_provider)
        by_quantization = self._series(request, period, ("quantization",))
        return page(
            "who.html",
            shell=shell_of(self._sources, request),
            stats=self._stats(request, period, ("provider", "quantization")),
            by_provider=chart,
            by_quantization=charts.share_chart("Share by listed quantization", by_quantization),
            colour_of=lambda name: dict(zip(chart.names, chart.colours, strict=True)).get(name, 0),
            verdict_parts=figures.verdict_parts,
        )

    def quality(self, request: Request) -> Response:
        """Speed and errors."""
        period = period_asked(request)
        stats = self._stats(request, period, ("provider",))
        series = self._series(request, period, ("provider",), distributions=True)
        ttft = spreads_of("Time to first token", "ms", stats.groups, lambda each: each.ttft)
        speed = spreads_of("Tokens per second", "rate", stats.groups, lambda each: each.speed)
        return page(
            "quality.html",
            shell=shell_of(self._sources, request),
            stats=stats,
            ttft=ttft,
            speed=speed,
            ttft_over_time=charts.ttft_chart("Time to first token, median", series, ttft.colours),
            speed_over_time=charts.speed_chart("Tokens per second, median", series, speed.colours),
        )

    def money(self, request: Request) -> Response:
        """Cost, cache and flips."""
        period = period_asked(request)
        by_model = self._stats(request, period, ("model",))
        return page(
            "money.html",
            shell=shell_of(self._sources, request),
            tiles=figures.money_tiles(by_model.total),
            by_model=by_model,
            by_provider=self._stats(request, period, ("provider",)),
            models_over_time=charts.cost_chart(
                "Cost by model", self._series(request, period, ("model",))
            ),
            providers_over_time=charts.cost_chart(
                "Cost by provider", self._series(request, period, ("provider",))
            ),
        )

    def policy(self, request: Request) -> Response:
        """The book, which is shown even where the ledger can't be read."""
        policies, catalog = self._sources.policies, self._sources.catalog()
        trouble, by_rule = None, None
        try:
            by_rule = self._stats(request, period_asked(request), ("rule",))
        except LedgerError as error:
            trouble = str(error)
        foreseen = self._foresee(catalog)
        book = foreseen.book
        return page(
            "policy.html",
            shell=shell_of(self._sources, request),
            book={
                "revision": book.revision,
                "counts": policy_view.counts_of(book),
                "folder": str(policies.folder),
            },
            problems=policies.problems,
            place_of=policy_view.place_of,
            trouble=trouble,
            findings=foreseen.findings,
            drifts=self._sources.drifts()[::-1],
            rules=policy_view.rule_cards(foreseen, by_rule),
            aliases=policy_view.alias_lines(book.aliases.values()),
            listings=bool(catalog.listings),
            verdict_parts=figures.verdict_parts,
        )

    def api(self, request: Request) -> Response:
        """Every path, as OpenAPI describes it."""
        groups = groups_of(self._sources.described())
        return page("api.html", shell=shell_of(self._sources, request), groups=groups)

    def receipt(self, request: Request) -> Response:
        """One receipt in full."""
        wanted = request.path_params["id"]
        found = self._sources.store().get(wanted)
        if found is None or reads_of(request) not in {None, found.caller}:
            return self._message(
                request,
                404,
                title="No such receipt",
                text=f"The ledger has no receipt {wanted}. It may have been deleted by age, or "
                "not be written yet.",
            )
        return page("receipt.html", shell=shell_of(self._sources, request), whole=whole_of(found))

    def missing(self, request: Request) -> Response:
        """The page for a page that isn't there, unless but a slash is too much."""
        bare = request.url.path.rstrip("/")
        if bare != request.url.path and bare in dict(LINKS):
            return RedirectResponse(bare, headers=PAGE_HEADERS)
        text = f"There is no page at {request.url.path}."
        return self._message(request, 404, title="Page not found", text=text)

    def _message(self, request: Request, status: int, **values: Any) -> Response:
        values = {"detail": None, "retry": False, **values}
        return page("message.html", status, shell=shell_of(self._sources, request), **values)

    def _foresee(self, catalog: Catalog) -> policy_view.Foreseen:
        """Worked out anew only when the book or the catalog has changed."""
        book = self._sources.policies.current
        if self._foreseen is None or not self._foreseen.is_of(book, catalog):
            self._foreseen = policy_view.foresee(book, catalog)
        return self._foreseen

    def _stats(self, request: Request, period: Period, by: tuple[Dimension, ...]) -> Stats:
        return self._sources.store().stats(by=by, wanted=self._wanted(request, period))

    def _series(
        self,
        request: Request,
        period: Period,
        by: tuple[Dimension, ...],
        *,
        distributions: bool = False,
    ) -> Series:
        return self._sources.store().series(
            by=by,
            wanted=self._wanted(request, period),
            points=period.points,
            distributions=distributions,
        )

    def _wanted(self, request: Request, period: Period) -> Wanted:
        since = self._sources.now() - period.length
        return Wanted(since=since, caller=reads_of(request))


def _known(receipts: list[Receipt]) -> dict[str, list[str]]:
    """What to offer as filters: the names among the newest receipts."""
    models = {receipt.model_asked for receipt in receipts}
    providers = {receipt.provider for receipt in receipts}
    return {"models": sorted(filter(None, models)), "providers": sorted(filter(None, providers))}
