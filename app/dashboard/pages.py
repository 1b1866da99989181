"""The pages: routes over the ledger, the policies and the catalog. They read, and change nothing.

Queries run in worker threads (plain `def`), never on the event loop that relays answers.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from app import __version__
from app.catalog.catalog import Catalog
from app.dashboard import figures, policy_view
from app.dashboard.assets import asset
from app.dashboard.figures import PERIODS, Period, period_of
from app.dashboard.receipt_view import row_of, whole_of
from app.dashboard.render import PAGE_HEADERS, fragment, page
from app.dashboard.sign_in import HOME
from app.dashboard.tail import News, Tail, event
from app.errors import LedgerError
from app.ledger.receipt import Receipt
from app.ledger.stats import Dimension, Series, Stats, Wanted
from app.ledger.writer import Writer
from app.policy_folder import PolicyFolder

if TYPE_CHECKING:
    from app.ledger.store import Store

_MOST_ROWS = 50
_KEEP_ALIVE = 30  # looks without news, some twelve seconds
_LINKS = (
    (HOME, "Now"),
    (f"{HOME}/who", "Who served"),
    (f"{HOME}/quality", "Quality"),
    (f"{HOME}/money", "Money"),
    (f"{HOME}/policy", "Policy"),
)
_FILTERS = ("model", "provider", "verdict", "caller")
_VERDICTS = frozenset({"kept", "broken", "unproven"})

Show = Callable[["Store", Request], Response]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the pages get what they show."""

    store: "Callable[[], Store]"
    policies: PolicyFolder
    catalog: Callable[[], Catalog]
    writer: Writer
    leaving: Callable[[], bool]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def dashboard(sources: Sources, way_in: Sequence[Route]) -> ASGIApp:
    """Every page, the live tail, and the files that pages load."""
    pages = Pages(sources)
    tail = Tail(sources.store, leaving=sources.leaving)
    shown = {
        "": pages.now,
        "/who": pages.who,
        "/quality": pages.quality,
        "/money": pages.money,
        "/receipts/{id}": pages.receipt,
    }

    def static(request: Request) -> Response:
        return asset(request.path_params["name"]) or pages.missing(request)

    async def live(request: Request) -> Response:
        return _live(tail, request)

    return Router(
        [
            *way_in,
            *(Route(HOME + path, partial(pages.show, what)) for path, what in shown.items()),
            Route(f"{HOME}/policy", pages.policy),
            Route(f"{HOME}/live", live),
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
        """A page over the ledger; a calm word where it can't be read."""
        try:
            return what(self._sources.store(), request)
        except LedgerError as error:
            return self._message(
                request,
                503,
                title="The ledger can't be read right now",
                text="Requests are served all the same, and receipts wait in memory until it is "
                "well again.",
                detail=str(error),
                retry=True,
            )

    def now(self, store: "Store", request: Request) -> Response:
        """The last hour, and the newest receipts."""
        cursor = store.end()
        filters = _filters(request)
        hour = period_of("1h")
        last_hour = self._stats(store, hour, ())
        known = store.recent(limit=_MOST_ROWS)
        receipts = known
        if any(filters.values()):
            receipts = store.recent(
                limit=_MOST_ROWS,
                model=filters["model"],
                provider=filters["provider"],
                verdict=filters["verdict"],
                caller=filters["caller"],
            )
        return page(
            "now.html",
            shell=self._shell(request),
            tiles=figures.now_tiles(last_hour.total),
            rows=[row_of(receipt) for receipt in receipts],
            filters={**filters, "any": any(filters.values())},
            known=_known(known),
            live=f"{HOME}/live?{request.url.query}",
            cursor=cursor,
            most=_MOST_ROWS,
            base_url=f"{request.url.scheme}://{request.headers['host']}/v1",
        )

    def who(self, store: "Store", request: Request) -> Response:
        """Shares by provider and quantization."""
        period = _period(request)
        by_provider = self._series(store, period, ("provider",))
        chart = figures.share_chart("Share by provider", by_provider)
        by_quantization = self._series(store, period, ("quantization",))
        return page(
            "who.html",
            shell=self._shell(request),
            stats=self._stats(store, period, ("provider", "quantization")),
            by_provider=chart,
            by_quantization=figures.share_chart("Share by listed quantization", by_quantization),
            colour_of=lambda name: dict(zip(chart.names, chart.colours, strict=True)).get(name, 0),
            verdict_parts=figures.verdict_parts,
        )

    def quality(self, store: "Store", request: Request) -> Response:
        """Speed and errors."""
        period = _period(request)
        stats = self._stats(store, period, ("provider",))
        series = self._series(store, period, ("provider",), distributions=True)
        return page(
            "quality.html",
            shell=self._shell(request),
            stats=stats,
            ttft=figures.spreads_of(
                "Time to first token", "ms", stats.groups, lambda each: each.ttft
            ),
            speed=figures.spreads_of(
                "Tokens per second", "rate", stats.groups, lambda each: each.speed
            ),
            ttft_over_time=figures.ttft_chart("Time to first token, median", series),
            speed_over_time=figures.speed_chart("Tokens per second, median", series),
        )

    def money(self, store: "Store", request: Request) -> Response:
        """Cost, cache and flips."""
        period = _period(request)
        by_model = self._stats(store, period, ("model",))
        return page(
            "money.html",
            shell=self._shell(request),
            tiles=figures.money_tiles(by_model.total),
            by_model=by_model,
            by_provider=self._stats(store, period, ("provider",)),
            models_over_time=figures.cost_chart(
                "Cost by model", self._series(store, period, ("model",))
            ),
            providers_over_time=figures.cost_chart(
                "Cost by provider", self._series(store, period, ("provider",))
            ),
        )

    def policy(self, request: Request) -> Response:
        """The book, which is shown even where the ledger can't be read."""
        policies, catalog = self._sources.policies, self._sources.catalog()
        trouble, by_rule = None, None
        try:
            by_rule = self._stats(self._sources.store(), _period(request), ("rule",))
        except LedgerError as error:
            trouble = str(error)
        foreseen = self._foresee(catalog)
        book = foreseen.book
        return page(
            "policy.html",
            shell=self._shell(request),
            book={
                "revision": book.revision,
                "counts": policy_view.counts_of(book),
                "folder": str(policies.folder),
            },
            problems=policies.problems,
            place_of=policy_view.place_of,
            trouble=trouble,
            findings=foreseen.findings,
            rules=policy_view.rule_cards(foreseen, by_rule),
            aliases=policy_view.alias_lines(book.aliases.values()),
            listings=bool(catalog.listings),
            verdict_parts=figures.verdict_parts,
        )

    def receipt(self, store: "Store", request: Request) -> Response:
        """One receipt in full."""
        wanted = request.path_params["id"]
        found = store.get(wanted)
        if found is None:
            return self._message(
                request,
                404,
                title="No such receipt",
                text=f"The ledger has no receipt {wanted}. It may have been too old to keep, or "
                "not be written yet.",
            )
        return page("receipt.html", shell=self._shell(request), whole=whole_of(found))

    def missing(self, request: Request) -> Response:
        """The page for a page that isn't there, unless but a slash is too much."""
        bare = request.url.path.rstrip("/")
        if bare != request.url.path and bare in dict(_LINKS):
            return RedirectResponse(bare, headers=PAGE_HEADERS)
        text = f"There is no page at {request.url.path}."
        return self._message(request, 404, title="Nothing here", text=text)

    def _message(self, request: Request, status: int, **values: Any) -> Response:
        values = {"detail": None, "retry": False, **values}
        return page("message.html", status, shell=self._shell(request), **values)

    def _shell(self, request: Request) -> dict[str, Any]:
        """What stands on every page."""
        path = request.url.path
        return {
            "links": [
                {
                    "href": href,
                    "label": label,
                    "current": path == href,
                }
                for href, label in _LINKS
            ],
            "periods": PERIODS,
            "period": _period(request),
            "here": f"{path}?{request.url.query}" if request.url.query else path,
            "caller": request.scope.get("caller"),
            "warnings": self._warnings(path),
            "version": __version__,
            "book": self._sources.policies.current.revision,
        }

    def _warnings(self, path: str) -> list[dict[str, str]]:
        warnings = []
        writer = self._sources.writer
        if self._sources.policies.problems and path != f"{HOME}/policy":
            warnings.append(
                {
                    "title": "A policy file is broken.",
                    "text": "The last good book stays in force.",
                    "href": f"{HOME}/policy",
                    "link": "See what is wrong",
                }
            )
        if writer.error:
            text = f"{writer.error}. {writer.pending:,} wait in memory."
            warnings.append({"title": "Receipts can't be written.", "text": text})
        if writer.dropped:
            text = f"{writer.dropped:,} receipts were lost since the start: the queue was full."
            warnings.append({"title": "Receipts were lost.", "text": text})
        return [{"href": "", "link": "", **warning} for warning in warnings]

    def _foresee(self, catalog: Catalog) -> policy_view.Foreseen:
        """Worked out anew only when the book or the catalog has changed."""
        book = self._sources.policies.current
        if self._foreseen is None or not self._foreseen.is_of(book, catalog):
            self._foreseen = policy_view.foresee(book, catalog)
        return self._foreseen

    def _stats(self, store: "Store", period: Period, by: tuple[Dimension, ...]) -> Stats:
        return store.stats(by=by, wanted=self._since(period))

    def _series(
        self,
        store: "Store",
        period: Period,
        by: tuple[Dimension, ...],
        *,
        distributions: bool = False,
    ) -> Series:
        return store.series(
            by=by,
            wanted=self._since(period),
            points=period.points,
            distributions=distributions,
        )

    def _since(self, period: Period) -> Wanted:
        return Wanted(since=self._sources.now() - period.length)


def _period(request: Request) -> Period:
    return period_of(request.query_params.get("since"))


def _filters(request: Request) -> dict[str, str | None]:
    """What is wanted of the receipts; a verdict that there isn't is none."""
    asked = {name: request.query_params.get(name, "").strip() or None for name in _FILTERS}
    if asked["verdict"] not in _VERDICTS:
        asked["verdict"] = None
    return asked


def _known(receipts: list[Receipt]) -> dict[str, list[str]]:
    """What to offer as filters: the names among the newest receipts."""
    models = {receipt.model_asked for receipt in receipts}
    providers = {receipt.provider for receipt in receipts}
    return {"models": sorted(filter(None, models)), "providers": sorted(filter(None, providers))}


def _fits(receipt: Receipt, filters: Mapping[str, str | None]) -> bool:
    models = (receipt.model_asked, receipt.model_sent, receipt.model_served)
    return all(
        wanted is None or wanted in (models if name == "model" else (getattr(receipt, name),))
        for name, wanted in filters.items()
    )


# --- the live tail ----------------------------------------------------------------------------


def _live(tail: Tail, request: Request) -> Response:
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return Response("for Pointsman's own pages only", 403, PAGE_HEADERS)
    if tail.is_full:
        return Response("too many are looking", 503, {**PAGE_HEADERS, "retry-after": "30"})
    headers = {**PAGE_HEADERS, "x-accel-buffering": "no"}
    return StreamingResponse(
        _events(tail, request), media_type="text/event-stream", headers=headers
    )


async def _events(tail: Tail, request: Request) -> AsyncIterator[str]:
    filters = _filters(request)
    quiet, well = 0, False
    yield "retry: 2000\n\n"
    async for news in tail.follow(_cursor(request), request.is_disconnected):
        told = _tell(news, filters)
        quiet = 0 if told else quiet + 1
        if told:
            yield told
        elif not well:
            yield event("well", "", news.cursor)
        elif quiet % _KEEP_ALIVE == 0:
            yield ": still here\n\n"
        well = news.trouble is None


def _tell(news: News, filters: Mapping[str, str | None]) -> str:
    if news.trouble is not None:
        return event("trouble", "the ledger can't be read; trying again …")
    fitting = [row_of(receipt) for receipt in reversed(news.receipts) if _fits(receipt, filters)]
    return event("receipts", fragment("rows.html", rows=fitting), news.cursor) if fitting else ""


def _cursor(request: Request) -> int | None:
    """Where to go on: where the browser's last stream broke, or where its page was made."""
    known = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return int(known) if known.isascii() and known.isdigit() and len(known) < 19 else None  # noqa: PLR2004 - 64 bits
