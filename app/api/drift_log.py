"""Notes when a change of the catalog changes whom the policies let through."""

import logging
from collections import deque

from app.catalog.catalog import Catalog
from app.policy.forecast.drift import Drift, drifts
from app.policy_folder import PolicyFolder

log = logging.getLogger("pointsman")

_KEPT = 20


class DriftLog:
    """One log line for each drift, the newest of them kept to be shown, all of them counted."""

    def __init__(self, policies: PolicyFolder) -> None:
        self._policies = policies
        self.latest: deque[Drift] = deque(maxlen=_KEPT)
        self.count = 0

    def changed(self, model: str, before: Catalog, after: Catalog) -> None:
        """Note what a new listing of `model` means."""
        for drift in drifts(self._policies.current, model, before, after):
            log.warning("catalog drift: %s", drift)
            self.latest.append(drift)
            self.count += 1
