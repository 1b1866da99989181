"""What is stored is what SQLAlchemy's own types store, whichever way it takes to the table."""

import enum
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_type_hints

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import SQLAlchemyError

from app.ledger.opening import open_engine
from app.ledger.receipt import FIELDS, Receipt
from app.ledger.rows import row_of
from app.ledger.statements import insert_receipts
from app.ledger.stored_values import storable
from app.ledger.tables import RECEIPTS
from tests.ledger.receipts import FULL, receipt

INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=20),  # halves of surrogate pairs too
    st.sampled_from(["", "\0", "a\0b", "\ud800", "上游😀", "x" * 600, "x" * 601, "😀" * 700]),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), INTEGERS, FLOATS, TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(TEXTS, inner, max_size=3),
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
MAPPINGS = st.one_of(OBJECTS, OBJECTS.map(MappingProxyType))
MADE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: INTEGERS,
    float: FLOATS,
    Decimal: st.decimals(-(10**6), 10**6, places=13),
    datetime: st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the zone comes with the next line
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
    ),
    bool: st.booleans(),
    type(None): st.none(),
    Mapping[str, Any]: MAPPINGS,
    tuple[str, ...]: st.lists(TEXTS, max_size=3).map(tuple),
    tuple[Mapping[str, Any], ...]: st.lists(MAPPINGS, max_size=2).map(tuple),
}
SHORT = {"id": 32, "dialect": 32, "book": 64, "session": 64}  # words of our own, never foreign


def values_for(name: str, hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field, by its type."""
    if name in SHORT:
        return st.text("0123456789abcdef", min_size=1, max_size=SHORT[name])
    if name == "status" and hint is int:
        return st.integers(0, 999)
    if hint in MADE:
        return MADE[hint]
    if all(isinstance(word, str) for word in hint.__args__):
        return st.sampled_from(hint.__args__)
    return st.one_of(*(values_for(name, each) for each in hint.__args__))


RECEIPTS_MADE = st.builds(
    Receipt, **{name: values_for(name, hint) for name, hint in get_type_hints(Receipt).items()}
)


class Word(enum.StrEnum):
    """A text that is more than that."""

    ODD = "a\0b"


class Number(enum.IntEnum):
    """A number that is more than that."""

    ODD = 7


ODD_VALUES: list[Any] = [
    *(None, True, 1, 1.5, 2**63, float("nan"), Decimal("1.5"), Decimal("NaN"), "7", Word.ODD),
    *(Number.ODD, b"x", [], ["a", "\0"], (), (1, True), {}, {1: {"a": ()}}, ({"a": object()},)),
    *([{"a": float("inf")}], MappingProxyType({"a": MappingProxyType({})}), FULL.started_at, set()),
]


@pytest.fixture
def ledger(url: str) -> Iterator[sa.Connection]:
    """A connection to an empty ledger."""
    engine = open_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def ours(connection: sa.Connection, one: Receipt) -> None:
    insert_receipts(connection, [row_of(one, connection.dialect)])


def sqlalchemys(connection: sa.Connection, one: Receipt) -> None:
    row = {name: storable(getattr(one, name)) for name in FIELDS}
    connection.execute(sa.insert(RECEIPTS), row)


def stored(
    connection: sa.Connection, insert: Callable[[sa.Connection, Receipt], None], one: Receipt
) -> list[tuple[type, Any]] | None:
    """What is in the table then, in the engine's own words; nothing if it can't be kept."""
    words = "{}" if connection.dialect.name == "sqlite" else "{}::text"
    columns = ", ".join(words.format(name) for name in FIELDS)
    try:
        insert(connection, one)
        found = connection.exec_driver_sql(f"SELECT {columns} FROM receipts").one()  # noqa: S608
        return [(type(value), value) for value in found]
    except (SQLAlchemyError, ArithmeticError, AttributeError, TypeError, ValueError):
        return None
    finally:
        connection.rollback()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # the ledger is emptied each time
@given(made=RECEIPTS_MADE)
def test_what_is_stored_is_what_sqlalchemy_would_store(
    ledger: sa.Connection, made: Receipt
) -> None:
    expected = stored(ledger, sqlalchemys, made)
    assert expected is not None
    assert stored(ledger, ours, made) == expected
    assert stored(ledger, ours, made) == expected  # also when some of it is remembered


@pytest.mark.parametrize("one", [FULL, receipt()], ids=["every field", "no field"])
def test_the_usual_receipts_too(ledger: sa.Connection, one: Receipt) -> None:
    expected = stored(ledger, sqlalchemys, one)
    assert expected is not None
    assert stored(ledger, ours, one) == expected


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_of_an_odd_type_is_left_to_sqlalchemy(ledger: sa.Connection, name: str) -> None:
    for odd in ODD_VALUES:
        named: dict[str, Any] = {each: getattr(FULL, each) for each in FIELDS}
        one = Receipt(**{**named, name: odd})
        expected = stored(ledger, sqlalchemys, one)
        assert repr(stored(ledger, ours, one)) == repr(expected), odd  # as NaN equals nothing
