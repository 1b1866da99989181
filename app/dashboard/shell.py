"""The frame of every page: navigation, the signed-in caller, and important notices."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from .. import __version__
from ..budget.report import Report
from ..catalog.account import Account
from ..catalog.catalog import Catalog
from ..policy.forecast.drift import Drift
from ..policy_folder import PolicyFolder
from ..telemetry.standing import Standing
from ..wording import plural
from .address import RECEIPTS, Address
from .figures import PERIODS, Period
from .session_cookie import HOME

if TYPE_CHECKING:
    from ..ledger.store import Store

POLICY = f"{HOME}/policy"
AUDIT = f"{HOME}/audit"
LINKS = (
    (HOME, "Now"),
    (RECEIPTS, "Receipts"),
    (f"{HOME}/who", "Providers"),
    (f"{HOME}/quality", "Quality"),
    (f"{HOME}/money", "Money"),
    (AUDIT, "Audit"),
    (POLICY, "Policy"),
    (f"{HOME}/api", "API"),
)


async def no_account() -> None:
    """Tell nothing of an account."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of the data on the pages."""

    store: "Callable[[], Store]"
    policies: PolicyFolder
    catalog: Callable[[], Catalog]
    standing: Callable[[], Standing]
    leaving: Callable[[], bool]
    drifts: Callable[[], Sequence[Drift]]  # oldest first
    described: Callable[[], Mapping[str, Any]]  # all paths, by OpenAPI
    budgets: Report
    account: Callable[[], Awaitable[Account | None]] = no_account  # of the configured key
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    href: str
    label: str
    current: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """A problem that is shown on every page."""

    title: str
    text: str
    href: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """The data of the frame that the templates put round a page."""

    links: tuple[Link, ...]
    here: str
    address: Address | None  # None: links to other pages have no filters
    known: Mapping[str, Sequence[str]]  # suggestions for filters
    caller: str | None
    reads_all: bool
    notices: tuple[Notice, ...]
    book: str
    periods: tuple[Period, ...] = PERIODS
    version: str = __version__


def reads_of(request: Request) -> str | None:
    """The one caller whose receipts may be shown; None: those of all. Access control decides it."""
    reads: str | None = request.scope["reads"]
    return reads


def shell_of(
    sources: Sources,
    request: Request,
    address: Address | None = None,
    known: Mapping[str, Sequence[str]] | None = None,
) -> Shell:
    """The shell of the requested page; links to other pages keep the filters."""
    path, query = request.url.path, request.url.query
    links = ((href, address.page(href) if address else href, label) for href, label in LINKS)
    return Shell(
        links=tuple(Link(href, label, path == bare) for bare, href, label in links),
        here=f"{path}?{query}" if query else path,
        address=address,
        known=known or {},
        caller=request.scope.get("caller"),
        reads_all=reads_of(request) is None,
        notices=_notices(sources, path, address.page(POLICY) if address else POLICY),
        book=sources.policies.current.revision,
    )


def _notices(sources: Sources, path: str, policy: str) -> tuple[Notice, ...]:
    notices = []
    now = sources.standing()
    if now.problems and path != POLICY:
        kept = "The last valid policy version stays in force."
        notices.append(Notice("A policy file has mistakes.", kept, policy, "Show the mistakes"))
    if now.ledger_error:
        waiting = f" ({now.ledger_waiting:,} wait in memory)" if now.ledger_waiting else ""
        notices.append(Notice("Receipts can't be written:", now.ledger_error + waiting))
    if now.ledger_dropped:
        text = (
            f"{now.ledger_dropped:,} since the start; the queue was full, or a value did not fit."
        )
        notices.append(Notice("Receipts were lost.", text))
    if now.notifications_undelivered:
        text = plural(now.notifications_undelivered, "notification") + " of the last day."
        why = f" The last error: {now.notifications_error}." if now.notifications_error else ""
        notices.append(Notice("Not delivered:", text + why, policy, "Show them"))
    return tuple(notices)
