"""Health and readiness, for supervisors, load balancers and people."""

from collections.abc import Callable

from starlette.types import Receive, Scope, Send

from .. import __version__
from ..server.plain import send_json
from ..telemetry.standing import Standing


async def health(scope: Scope, receive: Receive, send: Send) -> None:
    """`/health`: the process answers."""
    del scope, receive
    await send_json(send, 200, {"status": "alive"})


class Ready:
    """`/ready`: the status of this process.

    Degraded is still a 200: requests are served, under the last good policies and whether or not
    receipts can be written, and taking the proxy out of service would help no client. It is a 503
    only while the process is stopping, and while it opens a ledger that replicas share: until that
    is migrated, a rolling update should not stop the next older one, whose receipts wait, too. With
    several workers, one answers, for itself only.
    """

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        del scope, receive
        now = self._standing()
        await send_json(send, 503 if now.draining or now.starting else 200, _as_json(now))


def _as_json(now: Standing) -> dict[str, object]:
    oldest, age = now.catalog_oldest_seconds, now.budgets_age_seconds
    which = {"number": now.worker, "of": now.workers}
    notified = {"undelivered": now.notifications_undelivered, "error": now.notifications_error}
    return {
        "status": now.status,
        "version": __version__,
        **({} if now.worker is None else {"worker": which}),
        "open": now.open_requests,
        "connections": {
            "open": now.connections,
            "most": now.most_connections,
            "descriptors": now.descriptors,
            "descriptors_run_out": now.descriptors_run_out,
        },
        "book": {
            "revision": now.book,
            "rules": now.book_rules,
            "aliases": now.book_aliases,
            "problems": now.problems,
        },
        "catalog": {
            "models": now.catalog_models,
            "listings": now.catalog_listings,
            "oldest_seconds": None if oldest is None else round(oldest),
            "drifts": now.latest_drifts,
        },
        "ledger": {
            "error": now.ledger_error,
            "waiting": now.ledger_waiting,
            "oldest_seconds": round(now.ledger_oldest_seconds, 1),
            "dropped": now.ledger_dropped,
        },
        **({"budgets": {"age_seconds": round(age, 1)}} if age is not None else {}),
        **({"notifications": notified} if now.notifies else {}),
    }
