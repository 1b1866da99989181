"""A ledger on each engine, as for the tests of the ledger itself."""

from tests.ledger.conftest import open_store, postgres, store, url

__all__ = ["open_store", "postgres", "store", "url"]
