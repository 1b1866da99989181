"""What is known here of endpoints beside their listings: benchmark scores, and audits."""

import time

from ..catalog.audits import NO_AUDITS, Audits
from ..catalog.catalog import Catalog
from ..errors import LedgerError
from ..openrouter.score_copies import today_by
from ..settings import Settings
from .scores import kept_scores
from .which_ledger import absent, with_ledger


def with_facts(catalog: Catalog, settings: Settings) -> Catalog:
    """A catalog with the scores and audits that a server with these settings would apply."""
    return catalog.with_scores(kept_scores(settings)).with_audits(kept_audits(settings))


def kept_audits(settings: Settings) -> Audits:
    """The audits on the ledger that commands read, if there is one; else none, with the reason."""
    settings = with_ledger(settings)
    if absent(settings):
        return NO_AUDITS
    from ..known_audits import read_once  # noqa: PLC0415 - 150 ms, as the next
    from ..ledger.store import Store  # noqa: PLC0415

    try:
        store = Store.open(settings.ledger(), read_only=True)
    except LedgerError as error:
        return Audits(why_none=str(error))
    try:
        return read_once(store, today_by(time.time))
    finally:
        store.close()
