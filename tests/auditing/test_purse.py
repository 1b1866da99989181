"""The ceiling binds to the request."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.auditing.purse import Purse

cents = st.integers(0, 500).map(lambda cent: Decimal(cent) / 100)


def test_a_request_is_sent_only_if_all_that_is_under_way_and_it_fit() -> None:
    purse = Purse(Decimal("1.00"), spent=Decimal("0.10"))
    assert purse.take(Decimal("0.50"))
    assert not purse.take(Decimal("0.41"))
    assert purse.take(Decimal("0.40"))
    purse.settle("a", Decimal("0.50"), Decimal("0.02"))
    assert purse.spent == Decimal("0.12")
    assert not purse.is_idle
    assert purse.take(Decimal("0.48"))
    assert not purse.take(Decimal("0.01"))


def test_a_cost_that_was_not_told_counts_as_the_most() -> None:
    purse = Purse(Decimal(1))
    assert purse.take(Decimal("0.3"))
    assert purse.settle("a", Decimal("0.3"), None) == Decimal("0.3")
    assert (purse.spent, purse.is_idle) == (Decimal("0.3"), True)


def test_an_endpoint_that_charged_more_than_listed_is_reckoned_with_that() -> None:
    purse = Purse(Decimal(1))
    assert purse.take(Decimal("0.1"))
    purse.settle("a", Decimal("0.1"), Decimal("0.4"))
    assert purse.most("a", Decimal("0.1")) == Decimal("0.4")
    assert purse.most("b", Decimal("0.1")) == Decimal("0.1")


@given(cents, st.lists(st.tuples(cents, st.integers(0, 100)), max_size=40), st.integers(1, 6))
def test_whatever_is_asked_nothing_exceeds_the_ceiling(
    ceiling: Decimal, wanted: list[tuple[Decimal, int]], at_once: int
) -> None:
    """As long as no request costs more than the most that it was reckoned with."""
    purse, under_way = Purse(ceiling), list[tuple[Decimal, Decimal]]()
    for most, percent in wanted:
        if len(under_way) == at_once or not purse.take(most):
            if under_way:
                purse.settle("a", *under_way.pop(0))
            continue
        under_way.append((most, most * percent / 100))
        assert purse.spent + sum(most for most, _ in under_way) <= ceiling
    for each in under_way:
        purse.settle("a", *each)
    assert purse.is_idle
    assert purse.spent <= ceiling
