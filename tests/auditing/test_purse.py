"""The ceiling binds to the request."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.auditing.purse import Purse

cents = st.integers(0, 500).map(lambda cent: Decimal(cent) / 100)
KNOWN = {"a": Decimal("0.01"), "b": Decimal("0.01")}


def test_a_request_is_sent_only_if_all_that_is_under_way_and_it_fit() -> None:
    purse = Purse(Decimal("1.00"), spent=Decimal("0.10"), dearest=KNOWN)
    assert purse.take("a", Decimal("0.50"))
    assert not purse.take("b", Decimal("0.41"))
    assert purse.take("b", Decimal("0.40"))
    purse.settle("a", Decimal("0.02"))
    assert purse.spent == Decimal("0.12")
    assert not purse.is_idle
    assert purse.take("c", Decimal("0.48"))
    assert not purse.take("d", Decimal("0.01"))


def test_a_cost_that_was_not_told_counts_as_the_most() -> None:
    purse = Purse(Decimal(1))
    assert purse.take("a", Decimal("0.3"))
    assert purse.settle("a", None) == Decimal("0.3")
    assert (purse.spent, purse.is_idle) == (Decimal("0.3"), True)


def test_an_endpoint_that_charged_more_than_listed_is_reckoned_with_that() -> None:
    purse = Purse(Decimal(1))
    assert purse.take("a", Decimal("0.1"))
    purse.settle("a", Decimal("0.4"))
    assert purse.take("a", Decimal("0.1"))
    assert purse.reserved == Decimal("0.4")
    assert purse.take("b", Decimal("0.1"))
    assert purse.reserved == Decimal("0.5")
    assert not purse.take("a", Decimal("0.1"))  # 0.4 are spent already


def test_what_is_learned_of_an_endpoint_holds_for_its_requests_under_way() -> None:
    purse = Purse(Decimal(10), dearest=KNOWN)
    assert purse.take("a", Decimal("0.1"))
    assert purse.take("a", Decimal("0.1"))
    purse.settle("a", Decimal(4))
    assert purse.reserved == Decimal(4)
    assert not purse.take("b", Decimal("2.01"))
    assert purse.take("b", Decimal(2))


def test_until_an_endpoint_has_charged_it_gets_one_request_at_a_time() -> None:
    purse = Purse(Decimal(10))
    assert purse.take("a", Decimal("0.1"))
    assert not purse.take("a", Decimal("0.1"))
    assert purse.take("b", Decimal("0.1"))
    purse.settle("a", Decimal(0))  # an error
    assert purse.take("a", Decimal("0.1"))
    assert not purse.take("a", Decimal("0.1"))
    purse.settle("a", Decimal("0.05"))
    assert purse.take("a", Decimal("0.1"))
    assert purse.take("a", Decimal("0.1"))
    free = Purse(Decimal(10))
    assert free.take("a", Decimal(0))
    assert free.take("a", Decimal(0))


@given(
    cents,
    st.lists(st.tuples(st.sampled_from("abc"), cents, st.integers(0, 100)), max_size=40),
    st.integers(1, 6),
)
def test_whatever_is_asked_nothing_exceeds_the_ceiling(
    ceiling: Decimal, wanted: list[tuple[str, Decimal, int]], at_once: int
) -> None:
    """As long as no request costs more than the most that it was reckoned with."""
    purse, under_way = Purse(ceiling), list[tuple[str, Decimal]]()
    for tag, most, percent in wanted:
        if len(under_way) == at_once or not purse.take(tag, most):
            if under_way:
                purse.settle(*under_way.pop(0))
            continue
        under_way.append((tag, most * percent / 100))
        assert purse.spent + purse.reserved <= ceiling
        assert purse.reserved >= sum(cost for _, cost in under_way)
    for each in under_way:
        purse.settle(*each)
    assert purse.is_idle
    assert purse.spent <= ceiling
