"""Makes the tables of an empty ledger by the statements that its migrations ran the first time.

Thousands of tests begin with an empty ledger, and a third of their time went into working out the
same statements again. Whatever is not empty is migrated as ever, and so is every ledger of another
process; `tests/ledger/test_migrations.py` shows that both ways lead to the same tables.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from app.ledger import opening

_NAME = "_upgrade"  # the function that is replaced
_READS = ("SELECT", "PRAGMA", "SHOW")

Statements = list[tuple[str, Any]]
Upgrade = Callable[[sa.Connection], None]


class Recorded:
    """The upgrade of the ledger, with the statements that it ran on an empty one, by engine."""

    def __init__(self, upgrade: Upgrade) -> None:
        self.upgrade = upgrade
        self._known: dict[str, Statements] = {}

    def __call__(self, connection: sa.Connection) -> None:
        """Upgrade as the program does, or as it did before."""
        if sa.inspect(connection).get_table_names():
            self.upgrade(connection)
            return
        engine = connection.dialect.name
        known = self._known.get(engine)
        if known is None:
            with _listening(connection) as statements:
                self.upgrade(connection)
            self._known[engine] = statements
            return
        with _cursor(connection) as cursor:
            for statement, parameters in known:
                cursor.execute(statement, parameters)


@contextmanager
def _cursor(connection: sa.Connection) -> Iterator[Any]:
    cursor = connection.connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


@contextmanager
def _listening(connection: sa.Connection) -> Iterator[Statements]:
    """What a connection runs meanwhile, apart from reading."""
    statements: Statements = []

    def note(*told: Any) -> None:
        statement, parameters = told[2], told[3]
        if not statement.lstrip().upper().startswith(_READS):
            statements.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(connection, "before_cursor_execute", note)


def once() -> None:
    """From now on, empty ledgers are made in this way in this process."""
    setattr(opening, _NAME, Recorded(getattr(opening, _NAME)))


@contextmanager
def as_ever() -> Iterator[None]:
    """Until the end, every ledger is migrated as the program does."""
    recorded = getattr(opening, _NAME)
    assert isinstance(recorded, Recorded)
    setattr(opening, _NAME, recorded.upgrade)
    try:
        yield
    finally:
        setattr(opening, _NAME, recorded)
