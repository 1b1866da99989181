"""Late costs: added once, to the receipt and every sum, and to nothing that is not there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from app.ledger.keep import Keep
from app.ledger.late import LateCost, with_cost
from app.ledger.receipt import Receipt
from app.ledger.spender import Question, bucket_of
from app.ledger.stats import DIMENSIONS
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from tests.ledger.receipts import START, receipt
from tests.ledger.traffic import traffic

COST = Decimal("0.25")
LEFT: dict[str, Any] = {
    "caller": "alice",
    "user_agent": "tool/1",
    "session": "s1",
    "rules": ("one", "two"),
    "model_sent": "acme/sim-1",
    "provider": "novita",
    "ending": "caller_left",
    "ttft_ms": 12.5,
}


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url, writer=7)
    yield opened
    opened.close()


def late(one: Receipt, cost: Decimal = COST, **more: Any) -> LateCost:
    return LateCost(id=one.id, cost_usd=cost, **more)


def spent(store: Store) -> dict[str, Any]:
    bucket = bucket_of(START)
    questions = [Question(rule, "caller", bucket, bucket + 1) for rule in ("one", "two")]
    return dict(zip(("one", "two"), store.spent(questions, (), 0).answers, strict=True))


def test_what_the_answer_said_stays_and_what_it_did_not_say_is_added() -> None:
    told = receipt(prompt_tokens=10, is_byok=True)
    found = with_cost(
        told,
        late(told, prompt_tokens=99, completion_tokens=5, is_byok=False, upstream_cost_usd=COST),
    )
    assert found == replace(
        told, cost_usd=COST, completion_tokens=5, upstream_cost_usd=COST, cost_source="record"
    )


def test_a_late_cost_is_on_the_receipt_in_the_tallies_and_in_the_spending(store: Store) -> None:
    one, other = receipt(**LEFT), receipt(1, cost_usd=Decimal("0.5"), **LEFT)
    store.write([one, other])
    end = store.end()
    store.note_costs([late(one, prompt_tokens=100, completion_tokens=20, is_byok=False)])
    found = store.get(one.id)
    assert found is not None
    assert (found.cost_usd, found.cost_source, found.is_byok) == (COST, "record", False)
    assert (found.prompt_tokens, found.completion_tokens) == (100, 20)
    assert store.get(other.id) == other
    assert store.end() == end  # it is not written anew: a follower does not see it twice
    total = store.stats().total
    assert (total.requests, total.cost_usd) == (2, Decimal("0.75"))
    for answer in spent(store).values():
        ((caller, amount),) = answer
        assert (caller, amount.requests, amount.pico) == ("alice", 2, 750_000_000_000)
    assert {row.pico for row in rows(store)} == {750_000_000_000}


def rows(store: Store) -> list[Any]:
    """What other processes read: the totals that changed."""
    return [row.amount for row in store.spent_since(0, ("one", "two"), but=0)[1]]


def test_every_figure_is_as_if_the_answer_had_named_the_cost(store: Store, tmp_path: Any) -> None:
    """Of traffic over days, half of whose costs come late."""
    receipts = traffic(120, days=3)
    halves = [
        replace(one, cost_usd=None, prompt_tokens=None, completion_tokens=None)
        if number % 2 and one.cost_usd is not None
        else one
        for number, one in enumerate(receipts)
    ]
    store.write(halves)
    costs = [
        late(
            one,
            one.cost_usd,
            prompt_tokens=one.prompt_tokens,
            completion_tokens=one.completion_tokens,
        )
        for half, one in zip(halves, receipts, strict=True)
        if half is not one and one.cost_usd is not None
    ]
    assert len(costs) > 20
    for first in range(0, len(costs), 10):
        store.note_costs(costs[first : first + 10])
    plain = Store.open(f"sqlite:///{tmp_path}/plain.sqlite")
    plain.write(receipts)
    edge = Wanted(since=START + timedelta(hours=5, minutes=7))  # counted by receipts
    for wanted in (Wanted(), edge):
        assert figures(store, wanted) == figures(plain, wanted)
    plain.close()


def figures(store: Store, wanted: Wanted) -> list[Any]:
    """All of them but for flips, which keep the price that they were counted with."""
    groups = store.stats(by=DIMENSIONS, wanted=wanted).groups
    return [
        (group.names, group.figures.tally._replace(flips=0, flip_tokens=0, flip_pico=0))
        for group in groups
    ]


@pytest.mark.parametrize("times", [1, 3])
def test_a_cost_that_is_noted_again_counts_once(store: Store, times: int) -> None:
    one = receipt(**LEFT)
    store.write([one])
    for _ in range(times):
        store.note_costs([late(one)])
        store.note_costs([late(one, Decimal(9)), late(one, Decimal(8))])
    assert store.stats().total.cost_usd == COST
    assert {row.requests for row in rows(store)} == {1}


def test_a_cost_that_the_answer_named_stays(store: Store) -> None:
    one = receipt(cost_usd=Decimal("0.5"), **LEFT)
    store.write([one])
    store.note_costs([late(one)])
    assert store.get(one.id) == one
    assert store.stats().total.cost_usd == Decimal("0.5")


def test_with_an_own_key_the_provider_s_charge_counts_as_well(store: Store) -> None:
    one = receipt(is_byok=True, **LEFT)
    store.write([one])
    store.note_costs([late(one, Decimal("0.01"), is_byok=True, upstream_cost_usd=COST)])
    assert store.stats().total.cost_usd == Decimal("0.26")
    assert {row.pico for row in rows(store)} == {260_000_000_000}


def test_what_was_counted_already_is_not_counted_again(store: Store) -> None:
    """The answer named the provider's charge, and the record adds OpenRouter's fee."""
    one = receipt(is_byok=True, upstream_cost_usd=COST, **LEFT)
    store.write([one])
    store.note_costs([late(one, Decimal("0.01"))])
    assert [*rows(store)] == [(1, 260_000_000_000)] * 2


def test_nothing_happens_for_a_receipt_that_is_gone_or_an_audits(url: str, store: Store) -> None:
    gone, audited = receipt(**LEFT), receipt(1, audit="aud_1", **LEFT)
    store.write([gone, audited])
    keeping = Store.open(url, Keep(age=timedelta(seconds=1)))
    while keeping.tidy(datetime.now(UTC)):
        pass
    store.write([audited])
    store.note_costs([late(gone), late(audited), late(receipt())])
    assert store.get(gone.id) is None
    assert rows(store) == []
    found = store.get(audited.id)
    assert found is None or found.cost_usd is None
    keeping.close()


def test_a_record_of_no_cost_marks_the_receipt_and_adds_nothing(store: Store) -> None:
    one = receipt(**LEFT)
    store.write([one])
    store.note_costs([late(one, Decimal(0))])
    found = store.get(one.id)
    assert found is not None
    assert (found.cost_usd, found.cost_source) == (Decimal(0), "record")
    assert rows(store) == []


def test_a_reading_of_all_spending_says_which_late_costs_it_contains(store: Store) -> None:
    """What becomes known while it reads is not in it, even if it is written at once."""
    there, missing = (receipt(**{**LEFT, "rules": (rule,)}) for rule in ("one", "two"))
    store.write([there, missing])
    store.note_costs([late(there)])

    def known() -> list[str]:
        store.note_costs([late(missing)])
        return [there.id, missing.id, "rcpt_of_another"]

    found = store.spent([], ["one", "two"], 0, known)
    assert found.settled == {there.id}
    assert [row.spender.rule for row in found.rows] == ["one"]
    assert store.spent([], ["one", "two"], 0, known).settled == {there.id, missing.id}


def test_a_cost_that_cannot_be_stored_takes_no_other_with_it(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    receipts = [receipt(number, **LEFT) for number in range(3)]
    store.write(receipts)
    costs = [late(one) for one in receipts]
    costs[1] = late(receipts[1], Decimal("NaN"))
    store.note_costs(costs)
    found = [store.get(one.id) for one in receipts]
    assert [one and one.cost_usd for one in found] == [COST, None, COST]
    assert store.stats().total.cost_usd == 2 * COST
    assert caplog.text.count("a late cost can't be stored") == 1
