"""Reports when a change of the catalog changes which endpoints the policies admit."""

import logging
from collections import deque
from collections.abc import Callable

from ..catalog.catalog import Catalog
from ..policy.forecast.drift import Drift, drifts
from ..policy_folder import PolicyFolder

log = logging.getLogger("pointsman")

_KEPT = 20


class DriftLog:
    """Logs one line for each drift, keeps the newest for display and counts all of them."""

    def __init__(
        self, policies: PolicyFolder, tell: Callable[[Drift], None] = lambda _: None
    ) -> None:
        """`tell` is called with each drift."""
        self._policies = policies
        self._tell = tell
        self.latest: deque[Drift] = deque(maxlen=_KEPT)
        self.count = 0

    def changed(self, model: str, before: Catalog, after: Catalog) -> None:
        """Record the drift that a new listing of `model` causes."""
        for drift in drifts(self._policies.current, model, before, after):
            log.warning("catalog drift: %s", drift)
            self.latest.append(drift)
            self.count += 1
            self._tell(drift)
