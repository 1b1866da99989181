"""The dashboard, loaded on first use."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from ..budget.report import Report
from ..catalog.account import Account
from ..catalog.catalog import Catalog
from ..policy.forecast.drift import Drift
from ..policy_folder import PolicyFolder
from ..server.on_demand import OnDemand
from ..telemetry.standing import Standing
from .sign_in import SignIn

if TYPE_CHECKING:
    from ..ledger.store import Store


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
        from .pages import dashboard  # noqa: PLC0415 - see OnDemand
        from .shell import Sources  # noqa: PLC0415

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
