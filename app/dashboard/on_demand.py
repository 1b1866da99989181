"""The dashboard, loaded on first use."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from app.budget.report import Report
from app.catalog.account import Account
from app.catalog.catalog import Catalog
from app.dashboard.sign_in import SignIn
from app.policy.forecast.drift import Drift
from app.policy_folder import PolicyFolder
from app.server.on_demand import OnDemand
from app.telemetry.standing import Standing

if TYPE_CHECKING:
    from app.ledger.store import Store


def pages_of(
    sign_in: SignIn,
    *,
    store: "Callable[[], Store]",
    policies: PolicyFolder,
    catalog: Callable[[], Catalog],
    standing: Callable[[], Standing],
    leaving: Callable[[], bool],
    drifts: Callable[[], Sequence[Drift]],
    described: Callable[[], Mapping[str, Any]],
    budgets: Report,
    account: Callable[[], Awaitable[Account | None]],
) -> OnDemand:
    """All of /dashboard, over the sources that `Sources` in `shell.py` describes."""

    def make() -> ASGIApp:
        from app.dashboard.pages import dashboard  # noqa: PLC0415 - see OnDemand
        from app.dashboard.shell import Sources  # noqa: PLC0415

        sources = Sources(
            store=store,
            policies=policies,
            catalog=catalog,
            standing=standing,
            leaving=leaving,
            drifts=drifts,
            described=described,
            budgets=budgets,
            account=account,
        )
        return dashboard(sources, sign_in.routes())

    return OnDemand(make)
