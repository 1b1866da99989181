"""What stands on every page: where one is, who looks, and what needs to be known first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.requests import Request

from app import __version__
from app.catalog.catalog import Catalog
from app.dashboard.address import RECEIPTS, Address
from app.dashboard.figures import PERIODS, Period
from app.dashboard.session_cookie import HOME
from app.ledger.writer import Writer
from app.policy.forecast.drift import Drift
from app.policy_folder import PolicyFolder

if TYPE_CHECKING:
    from app.ledger.store import Store

POLICY = f"{HOME}/policy"
LINKS = (
    (HOME, "Now"),
    (RECEIPTS, "Receipts"),
    (f"{HOME}/who", "Who served"),
    (f"{HOME}/quality", "Quality"),
    (f"{HOME}/money", "Money"),
    (POLICY, "Policy"),
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the pages get what they show."""

    store: "Callable[[], Store]"
    policies: PolicyFolder
    catalog: Callable[[], Catalog]
    writer: Writer
    leaving: Callable[[], bool]
    drifts: Callable[[], Sequence[Drift]]  # oldest first
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the navigation."""

    href: str
    label: str
    current: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is wrong, whatever page one looks at."""

    title: str
    text: str
    href: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Shell:
    """What the templates put round a page."""

    links: tuple[Link, ...]
    here: str
    address: Address | None  # of a page that filters
    known: Mapping[str, Sequence[str]]  # what to offer as filters
    caller: str | None
    reads_all: bool
    notices: tuple[Notice, ...]
    book: str
    periods: tuple[Period, ...] = PERIODS
    version: str = __version__


def reads_of(request: Request) -> str | None:
    """The one caller whose receipts may be shown; None: those of all. The door has decided it."""
    reads: str | None = request.scope["reads"]
    return reads


def shell_of(
    sources: Sources,
    request: Request,
    address: Address | None = None,
    known: Mapping[str, Sequence[str]] | None = None,
) -> Shell:
    """The shell of the page that is being asked for; filters stay when one goes on."""
    path, query = request.url.path, request.url.query
    links = ((href, address.page(href) if address else href, label) for href, label in LINKS)
    return Shell(
        links=tuple(Link(href, label, path == bare) for bare, href, label in links),
        here=f"{path}?{query}" if query else path,
        address=address,
        known=known or {},
        caller=request.scope.get("caller"),
        reads_all=reads_of(request) is None,
        notices=_notices(sources, path),
        book=sources.policies.current.revision,
    )


def _notices(sources: Sources, path: str) -> tuple[Notice, ...]:
    notices = []
    writer = sources.writer
    if sources.policies.problems and path != POLICY:
        kept = "The last good book stays in force."
        notices.append(Notice("A policy file is broken.", kept, POLICY, "See what is wrong"))
    if writer.error:
        waiting = f" ({writer.pending:,} wait in memory)" if writer.pending else ""
        notices.append(Notice("Receipts can't be written:", writer.error + waiting))
    if writer.dropped:
        text = f"{writer.dropped:,} since the start: the queue was full, or a value did not fit."
        notices.append(Notice("Receipts were lost.", text))
    return tuple(notices)
