"""The pages: read-only routes over the ledger, the policies and the catalog.

Queries run in worker threads (plain `def`), never on the event loop that relays answers.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp

from ..budget.report import readable
from ..catalog.account import Account, compared
from ..catalog.audits import Audits
from ..catalog.catalog import Catalog
from ..catalog.providers import slug_of
from ..errors import LedgerError
from ..known_audits import AuditReader
from ..ledger.notices import Notice
from ..ledger.receipt import Receipt, iso
from ..ledger.spent import spent
from ..ledger.stats import DETAILS, Dimension, Group, Stats
from ..ledger.wanted import FilterError, Wanted
from . import audit_view, charts, figures, names, policy_view, scorecard
from .address import Address, address_of
from .api_view import groups_of
from .assets import asset
from .budgets import BudgetRow, budget_rows
from .live import live
from .matrix import attempts_by_host, attempts_of, matrix_of
from .notices_view import MOST as MOST_NOTICES
from .notices_view import notices_of
from .reading import MOST_SCORED, Reading, last_hour, listed
from .receipt_row import row_of
from .receipt_view import whole_of
from .render import PAGE_HEADERS, page
from .session_cookie import HOME
from .shell import LINKS, Shell, Sources, reads_of, shell_of
from .spreads import spreads_of
from .strip import strip_of
from .tables import Table, table_of
from .tail import Tail
from .trails import MOST as MOST_TRAILS
from .trails import trails_of

_MOST_ROWS = 50
_MOST_AUDITS = 200  # that are looked at for models
_MOST_MODELS = 40
_MOST_RUNS = 20  # of one model
_MONEY_BY: Mapping[Dimension, str] = {
    "caller": "Caller",
    "user_agent": "Tool",
    "rule": "Rule",
    "session": "Session",
    "model": "Model",
    "provider": "Provider",
}
_TALLIED: tuple[Dimension, ...] = ("caller", "model", "provider", "rule")
_DETAILS: tuple[Dimension, ...] = ("user_agent", "session")
_DRAWN: tuple[Dimension, ...] = ("model", "provider")
_MONEY_COLUMNS = (
    *("cost", "requests", "price", "prompt", "completion", "cached", "flips", "lost"),
)

Show = Callable[[Request], Response]

log = logging.getLogger("pointsman")


def dashboard(sources: Sources, way_in: Sequence[Route]) -> ASGIApp:
    """Every page, the live tail, and the files that pages load."""
    pages = Pages(sources)
    tail = Tail(sources.store, leaving=sources.leaving)
    shown: dict[str, Show] = {
        "": pages.now,
        "/receipts": pages.receipts,
        "/who": pages.who,
        "/quality": pages.quality,
        "/audit": pages.audit,
        "/policy": pages.policy,
        "/api": pages.api,
        "/receipts/{id}": pages.receipt,
    }

    def static(request: Request) -> Response:
        return asset(request.path_params["name"]) or pages.missing(request)

    async def money(request: Request) -> Response:
        """The one page that asks OpenRouter, for readers of all receipts only."""
        account = await sources.account() if reads_of(request) is None else None
        show = partial(pages.money, account=account)
        return await run_in_threadpool(pages.show, show, request)

    async def follow(request: Request) -> Response:
        return live(tail, request)

    return Router(
        [
            *way_in,
            *(Route(HOME + path, partial(pages.show, what)) for path, what in shown.items()),
            Route(f"{HOME}/money", money),
            Route(f"{HOME}/live", follow),
            Route(f"{HOME}/static/{{name:path}}", static),
            # All of /dashboard is ours: an unknown path is a 404 and is never sent upstream.
            Route(f"{HOME}/{{rest:path}}", pages.missing),
        ],
        redirect_slashes=False,
    )


class Pages:
    """The content of each page."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._foreseen: policy_view.Foreseen | None = None

    def show(self, what: Show, request: Request) -> Response:
        """Return a page, or a short message if it can't be made."""
        try:
            return what(request)
        except FilterError as error:
            text = f"{error}"
            return self._message(request, 400, title="This filter can't be read", text=text)
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
        address = self._address(request)
        hour = Reading(store, last_hour(address.wanted, self._sources.now()), self._sources.now())
        (total,) = hour.stats(())
        (minutes,) = hour.minutes()
        receipts, looked_since = listed(
            store, address.wanted, limit=_MOST_ROWS, before=None, after=None
        )

        def of_the_hour(**filters: str | None) -> str:
            return address.receipts(**{"since": "1h", "until": None, **filters})

        return page(
            "now.html",
            shell=self._shell(request, address, receipts),
            address=address,
            tiles=figures.now_tiles(total.total, of_the_hour),
            strip=strip_of(minutes, address),
            rows=[row_of(receipt) for receipt in receipts],
            looked_since=looked_since and iso(looked_since),
            is_any=address.wanted == Wanted(caller=reads_of(request)),
            live=f"{HOME}/live?{request.url.query}",
            cursor=cursor,
            most=_MOST_ROWS,
            base_url=f"{request.url.scheme}://{request.headers['host']}/v1",
        )

    def receipts(self, request: Request) -> Response:
        """All receipts, page by page."""
        store = self._sources.store()
        address = self._address(request)
        before, after = (request.query_params.get(name) or None for name in ("before", "after"))
        found, looked_since = listed(
            store, address.wanted, limit=_MOST_ROWS + 1, before=before, after=after
        )
        more = len(found) > _MOST_ROWS
        shown = found[1:] if more and after else found[:_MOST_ROWS]
        if after and not more:  # these are the newest ones
            return RedirectResponse(address.turned(), headers=PAGE_HEADERS)
        older = shown and (more or after) and address.turned(before=shown[-1].id)
        newer = shown and (before or after) and address.turned(after=shown[0].id)
        return page(
            "receipts.html",
            shell=self._shell(request, address, shown),
            address=address,
            rows=[row_of(receipt) for receipt in shown],
            older=older,
            newer=newer,
            newest=address.turned() if before or after else "",
            looked_since=looked_since and iso(looked_since),
            further=looked_since and address.having(until=iso(looked_since)),
        )

    def who(self, request: Request) -> Response:
        """Which provider serves which model, and shares by provider and quantization."""
        address, reading = self._reading(request)
        by_model, by_both = reading.stats(("model", "provider"), ("provider", "quantization"))
        (series,) = reading.series(("provider", "quantization"))
        attempts = attempts_by_host(reading.attempts(), self._slug)
        unit: charts.Unit = "share" if address.own.get("show") == "share" else "count"
        groups = [(group.names, group.figures) for group in by_both.groups]
        return page(
            "who.html",
            shell=self._shell(request, address),
            address=address,
            note=reading.note,
            bound=reading.bound,
            matrix=matrix_of(by_model.groups, attempts, address),
            unit=unit,
            by_provider=charts.chart_of(
                "By provider", unit, series, names.lines(series.lines, names.provider_name), address
            ),
            by_quantization=charts.chart_of(
                "By listed quantization",
                unit,
                series,
                names.lines(series.lines, names.quantization_name),
                address,
            ),
            table=table_of(
                "shares",
                "Providers and listed quantizations",
                "Provider, listed as",
                names.grouped(groups, names.both_names),
                ("requests", "share", "verdicts", "kept", "unproven", "broken"),
                address,
                by="requests",
            ),
            is_empty=not by_both.groups,
        )

    def quality(self, request: Request) -> Response:
        """Faulty answers, errors and speed."""
        address, reading = self._reading(request, figures.USUAL_OF_SCORES)
        (stats,) = reading.stats(("provider",))
        (series,) = reading.series(("provider",), distributions=True)
        groups = names.grouped(
            ((group.names, group.figures) for group in stats.groups), names.provider_name
        )
        drawn = names.lines(series.lines, names.provider_name)
        return page(
            "quality.html",
            shell=self._shell(request, address),
            address=address,
            note=reading.note,
            bound=reading.bound,
            scores=scorecard.matrix_of(reading.scorecard(self._slug), address),
            most_scored=MOST_SCORED,
            table=table_of(
                "providers",
                "Providers",
                "Provider",
                groups,
                ("errors", "requests", "failed", "attempts", "ttft", "slow", "speed"),
                address,
                by="errors",
                attempts=attempts_of(attempts_by_host(reading.attempts(), self._slug)),
            ),
            ttft=spreads_of("Time to first token", "ms", groups, lambda each: each.ttft, address),
            speed=spreads_of("Tokens per second", "rate", groups, lambda each: each.speed, address),
            ttft_over_time=charts.chart_of("Time to first token", "ms", series, drawn, address),
            speed_over_time=charts.chart_of("Tokens per second", "rate", series, drawn, address),
            is_empty=not stats.groups,
        )

    def _budgets(self, request: Request) -> tuple[BudgetRow, ...]:
        report = self._sources.budgets
        return budget_rows(readable(report.rows(), reads_of(request)), report.calendar)

    def money(self, request: Request, account: Account | None = None) -> Response:
        """Cost, cache and flips; and what OpenRouter counts for the configured key."""
        address, reading = self._reading(request)
        stats: dict[Dimension, Stats] = {}
        stats |= zip(_TALLIED, reading.stats(*_each(_TALLIED)), strict=True)
        stats |= zip(_DETAILS, reading.details(*_each(_DETAILS)), strict=True)
        series = reading.series(*_each(_DRAWN))
        total, until = stats["caller"].total, self._sources.now()
        span = charts.span_with_data(series[0])
        begun = max(filter(None, (span and span[0], reading.wanted.since)), default=until)
        length = min(address.wanted.until or until, until) - begun
        return page(
            "money.html",
            shell=self._shell(request, address),
            address=address,
            note=reading.note,
            budgets=self._budgets(request),
            zone=str(self._sources.budgets.calendar.zone),
            account=compared(account, spent(self._sources.store(), until)) if account else (),
            tiles=figures.money_tiles(total, length, address.receipts),
            tables=[
                *(
                    _money_table(by, noun, stats[by].groups, address, reading)
                    for by, noun in _MONEY_BY.items()
                ),
                table_of(
                    "by-day",
                    "By day",
                    "Day (UTC)",
                    names.days(reading.days()),
                    _MONEY_COLUMNS,
                    address,
                    by="name",
                    newest_first=True,
                ),
            ],
            trails=trails_of(reading.session_trails(MOST_TRAILS), address),
            charts=[
                charts.chart_of(
                    f"Cost by {by}",
                    "usd",
                    each,
                    names.lines(each.lines, partial(names.first_name, by)),
                    address,
                )
                for by, each in zip(_DRAWN, series, strict=True)
            ],
            is_empty=not total.requests,
        )

    def audit(self, request: Request) -> Response:
        """What audits say of a model's endpoints: of the filtered model, else the last audited."""
        store, address = self._sources.store(), self._address(request)
        newest = store.audits(limit=_MOST_AUDITS)
        models = tuple(dict.fromkeys(each.model for each in newest))[:_MOST_MODELS]
        asked = address.filters.get("model")
        model = asked or next(iter(models), None)
        audits = store.audits(model, limit=_MOST_RUNS) if model else []
        found = None
        if model and audits:
            verdicts = store.verdicts(model)
            most = audit_view.MOST_HISTORY
            histories = {each.tag: store.history(model, each.tag, limit=most) for each in verdicts}
            found = audit_view.model_audits(model, audits, verdicts, histories)
        return page(
            "audit.html",
            shell=self._shell(request, address, ()),
            address=address,
            model=model,
            models=[(each, address.having(model=each)) for each in models],
            found=found,
        )

    def policy(self, request: Request) -> Response:
        """The policy version, which is shown even if the ledger can't be read."""
        policies, catalog = self._sources.policies, self._sources.catalog()
        trouble, by_rule, note = None, None, ""
        address = self._address(request, figures.USUAL)
        try:
            _, reading = self._reading(request)
            catalog = catalog.with_audits(self._audits())
            (by_rule,) = reading.stats(("rule",), distributions=False)
            note = reading.note
        except LedgerError as error:
            trouble = str(error)
        foreseen = self._foresee(catalog)
        book, anchors = foreseen.book, policy_view.Anchors()
        return page(
            "policy.html",
            shell=self._shell(request, address, ()),
            address=address,
            note=note,
            book={
                "revision": book.revision,
                "counts": policy_view.counts_of(book),
                "folder": str(policies.folder),
            },
            problems=policies.problems,
            place_of=policy_view.place_of,
            trouble=trouble,
            findings=policy_view.grouped(foreseen.findings),
            anchors=anchors,
            drifts=self._sources.drifts()[::-1],
            rules=policy_view.rule_cards(foreseen, by_rule, anchors),
            aliases=policy_view.alias_lines(book.aliases.values(), anchors),
            listings=bool(catalog.listings),
            notices=notices_of(self._notices(request)),
        )

    def api(self, request: Request) -> Response:
        """Every path, as described by OpenAPI."""
        groups = groups_of(self._sources.described())
        shell = shell_of(self._sources, request, self._readable(request))
        return page("api.html", shell=shell, groups=groups)

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
        address = self._readable(request)
        return page(
            "receipt.html",
            shell=shell_of(self._sources, request, address),
            address=address,
            whole=whole_of(found),
        )

    def missing(self, request: Request) -> Response:
        """The page for an unknown path, unless there is only a slash too much."""
        bare = request.url.path.rstrip("/")
        if bare != request.url.path and bare in dict(LINKS):
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(bare + query, headers=PAGE_HEADERS)
        text = f"There is no page at {request.url.path}."
        return self._message(request, 404, title="Page not found", text=text)

    def _message(self, request: Request, status: int, **values: Any) -> Response:
        values = {"detail": None, "retry": False, **values}
        shell = shell_of(self._sources, request, self._readable(request))
        return page("message.html", status, shell=shell, **values)

    def _audits(self) -> Audits:
        """The last audits, also if no policy needs them. Raises `LedgerError`."""
        return AuditReader().read(self._sources.store(), self._sources.now().date())

    def _foresee(self, catalog: Catalog) -> policy_view.Foreseen:
        """Return the forecast; it is computed again only if the policies or the catalog changed."""
        book = self._sources.policies.current
        if self._foreseen is None or not self._foreseen.is_of(book, catalog):
            self._foreseen = policy_view.foresee(book, catalog)
        return self._foreseen

    def _address(self, request: Request, usual: str | None = None) -> Address:
        reads = reads_of(request)
        return address_of(request.url.path, request.query_params, reads=reads, usual=usual)

    def _readable(self, request: Request) -> Address:
        """The filters, for a page that only passes them on: none if one of them can't be read."""
        try:
            return self._address(request)
        except FilterError:
            return address_of(request.url.path, {}, reads=reads_of(request))

    def _reading(self, request: Request, usual: str = figures.USUAL) -> tuple[Address, Reading]:
        """The filters of a page of figures: its usual period, if no time is given."""
        address = self._address(request, usual)
        return address, Reading(self._sources.store(), address.wanted, self._sources.now())

    def _shell(
        self, request: Request, address: Address, receipts: Sequence[Receipt] | None = None
    ) -> Shell:
        """The shell, with the names in the newest receipts as suggestions for filters."""
        if receipts is None:
            newest = Wanted(caller=reads_of(request))
            receipts = self._sources.store().recent(newest, limit=_MOST_ROWS)
        rules = (rule.name for rule in self._sources.policies.current.rules)
        return shell_of(self._sources, request, address, _known(receipts, rules))

    def _notices(self, request: Request) -> list[Notice]:
        """The newest notifications; none if they are off, or the ledger can't be read.

        They are about the requests of all callers, so one that reads only its own gets none.
        """
        if not self._sources.standing().notifies or reads_of(request) is not None:
            return []
        try:
            return self._sources.store().newest_notices(limit=MOST_NOTICES)
        except LedgerError:
            return []

    def _slug(self, name: str) -> str:
        """A provider's slug by its display name: as listed, or derived from the name."""
        listings = self._sources.catalog().listings.values()
        found = (offer for each in listings for offer in each.of_provider(name).endpoints)
        first = next(found, None)
        return first.provider if first else slug_of(name)


def _each(dimensions: Sequence[Dimension]) -> list[Sequence[Dimension]]:
    """One grouping for each dimension."""
    return [(each,) for each in dimensions]


def _known(receipts: Iterable[Receipt], rules: Iterable[str]) -> dict[str, list[str]]:
    """The values to suggest as filters, by the names of `Wanted`."""
    found: dict[str, set[str | None]] = {
        "model": {receipt.alias or receipt.model_asked for receipt in receipts},
        "provider": {receipt.provider for receipt in receipts},
        "caller": {receipt.caller for receipt in receipts},
        "user_agent": {receipt.user_agent for receipt in receipts},
        "rule": set(rules),
    }
    return {name: sorted(filter(None, values)) for name, values in found.items()}


def _money_table(
    by: Dimension, noun: str, groups: Sequence[Group], address: Address, reading: Reading
) -> Table:
    bound = "" if by not in DETAILS or reading.note else reading.bound
    return table_of(
        f"by-{by.replace('_', '-')}",
        f"By {noun.lower()}",
        noun,
        names.grouped(
            ((group.names, group.figures) for group in groups), partial(names.first_name, by)
        ),
        _MONEY_COLUMNS,
        address,
        by="cost",
        bound=bound,
    )
