"""Statements: the SQL that runs for each batch, compiled only once.

SQLAlchemy compiles the SQL, for either engine. Values then go to the driver unchanged, in the
order in which they are named here: the caller has converted them to their stored form.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from .bounds import MOST_WHOLE
from .receipt import FIELDS
from .tables import KEYS, RECEIPTS, TALLIES
from .tally import HISTOGRAMS, SUMS

INSERT: Mapping[str, Callable[..., Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
PLACE = ("span", "start", "key")
_MOST_AT_ONCE = 1024

Values = tuple[Any, ...]


def insert_receipts(connection: sa.Connection, rows: Sequence[Values]) -> int:
    """Insert receipts that are not there yet, each a row of `FIELDS`; return their number."""
    return _run(connection, _insert_receipts, rows).rowcount


def insert_keys(connection: sa.Connection, rows: Sequence[Values]) -> None:
    """Insert keys that are not there yet, each a row of the table."""
    _run(connection, _insert_keys, rows)


def add_tallies(connection: sa.Connection, rows: Sequence[Values]) -> None:
    """Add to tallies, each a row of the table; histograms replace the stored ones.

    A sum that would exceed its column stays at the column's maximum.
    """
    _run(connection, _add_tallies, rows)


def histograms(connection: sa.Connection, places: Sequence[Values]) -> dict[Values, Values]:
    """The histograms of existing tallies, by span, start and key."""
    rows = _look_up(connection, _select_histograms, places)
    return {tuple(row[:3]): tuple(row[3:]) for row in rows}


def last_turns(connection: sa.Connection, places: Sequence[Values]) -> Iterable[Values]:
    """Session, model, provider, prompt and cached tokens of the last served receipt of each place.

    A place is a session, a model sent, and the `seq` before which to look.
    """
    return _look_up(connection, _select_last_turns, places)


def _look_up(
    connection: sa.Connection, make: Callable[[int], Any], asked: Sequence[Values]
) -> Iterable[Values]:
    """Look up rows; nulls, which match nothing, pad the parameters, so few texts are needed."""
    for first in range(0, len(asked), _MOST_AT_ONCE):
        some = asked[first : first + _MOST_AT_ONCE]
        count = 1 << (len(some) - 1).bit_length()
        flat = [value for one in some for value in one]
        flat += [None] * len(asked[0]) * (count - len(some))
        text = _text(make, connection.dialect, count)
        yield from connection.exec_driver_sql(text, tuple(flat)).all()


def _run(
    connection: sa.Connection, make: Callable[[str], Any], rows: Sequence[Values]
) -> sa.CursorResult[Any]:
    text = _text(make, connection.dialect, connection.dialect.name)
    return connection.exec_driver_sql(text, list(rows))


@lru_cache(maxsize=64)
def _text(make: Callable[[Any], Any], dialect: sa.Dialect, about: object) -> str:
    return str(make(about).compile(dialect=dialect))


def _insert_receipts(engine: str) -> Any:
    named: dict[str, Any] = {name: sa.bindparam(name) for name in FIELDS}
    statement = INSERT[engine](RECEIPTS).inline().values(named)
    return statement.on_conflict_do_nothing(index_elements=["id"])


def _insert_keys(engine: str) -> Any:
    return INSERT[engine](KEYS).inline().on_conflict_do_nothing()


def _add_tallies(engine: str) -> Any:
    statement = INSERT[engine](TALLIES).inline()
    most: Any = sa.literal_column(str(MOST_WHOLE))
    added = {
        name: sa.case(
            (TALLIES.c[name] > most - statement.excluded[name], most),
            else_=TALLIES.c[name] + statement.excluded[name],
        )
        for name in SUMS
    }
    replaced = {name: statement.excluded[name] for name in HISTOGRAMS}
    return statement.on_conflict_do_update(index_elements=PLACE, set_={**added, **replaced})


def _select_histograms(count: int) -> Any:
    asked = _asked(count, *(TALLIES.c[name] for name in PLACE))
    table = TALLIES.c
    return sa.select(*(table[name] for name in (*PLACE, *HISTOGRAMS))).join_from(
        asked, TALLIES, sa.and_(*(table[name] == asked.c[name] for name in PLACE))
    )


def _select_last_turns(count: int) -> Any:
    asked = _asked(count, RECEIPTS.c.session, RECEIPTS.c.model_sent, RECEIPTS.c.seq)

    def last(same_model: Callable[[Any], Any]) -> Any:
        """By the index of sessions, a session's last turn is one step away, however long it is."""
        turn = RECEIPTS.alias("turn").c
        return (
            sa.select(sa.func.max(turn.seq))
            .where(turn.session == asked.c.session, same_model(turn.model_sent))
            .where(turn.provider.is_not(None), turn.seq < asked.c.seq)
            .scalar_subquery()
        )

    last_seq = sa.case(
        (asked.c.model_sent.is_(None), last(lambda model: model.is_(None))),
        else_=last(lambda model: model == asked.c.model_sent),
    )
    names = ("session", "model_sent", "provider", "prompt_tokens", "cached_tokens")
    return sa.select(*(RECEIPTS.c[name] for name in names)).join_from(
        asked, RECEIPTS, RECEIPTS.c.seq == last_seq
    )


def _asked(count: int, *columns: sa.Column[Any]) -> Any:
    """A table of `count` rows, made of parameters."""
    table = sa.values(*(sa.column(each.name, each.type) for each in columns), name="asked")
    rows: list[Values] = [
        tuple(sa.bindparam(f"{each.name}{row}") for each in columns) for row in range(count)
    ]
    return table.data(rows).cte("asked")
