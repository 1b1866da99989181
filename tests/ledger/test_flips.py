"""Flips: a session that went on at another provider, found as its receipts are written."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from app.ledger.receipt import Receipt
from app.ledger.store import Store
from tests.ledger.receipts import receipt


def turn(provider: str | None, cached: int | None = 0, **fields: Any) -> Receipt:
    """A turn of a thousand prompt tokens, in session s with model m where nothing else is said."""
    named = {"session": "s", "model_sent": "m", "prompt_tokens": 1000, "completion_tokens": 0}
    return receipt(provider=provider, cached_tokens=cached, **{**named, **fields})


def together(store: Store, turns: list[Receipt]) -> None:
    store.write(turns)


def one_by_one(store: Store, turns: list[Receipt]) -> None:
    for each in turns:
        store.write([each])


WAYS = [together, one_by_one]
Write = Callable[[Store, list[Receipt]], None]


@pytest.mark.parametrize("write", WAYS)
@pytest.mark.parametrize(
    ("turns", "flips", "lost"),
    [
        ([turn("a", 900)], 0, 0),
        ([turn("a", 900), turn("a", 0)], 0, 0),
        ([turn("a", 900), turn("b", 0)], 1, 900),
        ([turn("a", 900), turn("b", 0), turn("a", 0)], 2, 900),  # b had nothing cached
        ([turn("a", 900), turn("b", 950)], 1, 0),
        ([turn("a", 900), turn(None), turn("b", 100)], 1, 800),  # nobody served in between
        ([turn("a", 900), turn("b", session="t")], 0, 0),  # another session
        ([turn("a", 900), turn("b", model_sent="n")], 0, 0),  # another model
        ([turn("a", 900, model_sent=None), turn("b", model_sent=None)], 1, 900),
        ([turn("a", 900), turn("b", model_sent=None)], 0, 0),
        ([turn("a", 900), turn("b", session=None), turn("b", session=None)], 0, 0),
        ([turn("a", 900), turn("c", model_sent="n"), turn("b", 400), turn("c", 400)], 2, 500),
    ],
)
def test_a_flip_is_against_the_turn_before_of_the_same_session_and_model(
    store: Store, write: Write, turns: list[Receipt], flips: int, lost: int
) -> None:
    write(store, turns)
    total = store.stats().total
    assert (total.flips, total.flip_tokens) == (flips, lost)


@pytest.mark.parametrize("write", WAYS)
def test_a_flip_counts_with_the_provider_it_went_to_and_at_its_own_price(
    store: Store, write: Write
) -> None:
    write(store, [turn("a", 1000), turn("b", 500, cost_usd=Decimal("0.001"))])
    by_provider = {group.names: group.figures for group in store.stats(by=("provider",)).groups}
    assert by_provider["a",].flips == 0
    assert by_provider["b",].flips == 1
    assert by_provider["b",].flip_tokens == 500
    assert by_provider["b",].flip_usd == Decimal("0.0005")


def test_a_flip_without_a_price_is_counted_in_tokens_only(store: Store) -> None:
    store.write([turn("a", 1000), turn("b", 0, cost_usd=None)])
    total = store.stats().total
    assert (total.flip_tokens, total.flip_usd) == (1000, Decimal(0))


def test_the_ledger_remembers_from_where(store: Store, engine: sa.Engine) -> None:
    store.write([turn("a", 1000), later := turn("b", 0)])
    query = sa.text("SELECT flip_from, flip_tokens FROM receipts WHERE id = :id")
    with engine.connect() as connection:
        assert tuple(connection.execute(query, {"id": later.id}).one()) == ("a", 1000)
