"""Failed attempts are found on the receipts that have any."""

from datetime import timedelta
from typing import TYPE_CHECKING

from app.ledger.attempts import FailedAttempt
from app.ledger.store import Store
from app.ledger.wanted import EVERYTHING, Wanted
from tests.ledger.receipts import START, receipt

if TYPE_CHECKING:
    from app.ledger.queries import Groupings


def attempt(provider: str, status: int | None) -> dict[str, object]:
    return {"provider": provider, "model": None, "status": status}


def test_a_provider_that_failed_before_another_one_served_is_counted(store: Store) -> None:
    fell_back = (attempt("Novita", 500), attempt("Novita", None), attempt("Together", 200))
    store.write(
        [
            receipt(1, model_sent="a/b", provider="together", attempts=fell_back),
            receipt(
                2, model_asked="a/b", ending="upstream_error", attempts=(attempt("Groq", 429),)
            ),
            receipt(3, model_sent="a/b", provider="together", attempts=(attempt("Together", 200),)),
            receipt(7200, model_sent="a/b", provider="x", attempts=fell_back),
        ]
    )
    hour = Wanted(until=START + timedelta(hours=1))
    assert store.failed_attempts(hour) == {
        FailedAttempt("Novita", "a/b", "together", receipt_failed=False, status=500): 1,
        FailedAttempt("Novita", "a/b", "together", receipt_failed=False, status=None): 1,
        FailedAttempt("Groq", "a/b", None, receipt_failed=True, status=429): 1,
    }
    assert sum(store.failed_attempts(EVERYTHING).values()) == 5


def test_a_single_failed_attempt_counts_although_another_provider_then_served(
    store: Store,
) -> None:
    """Router metadata need not list the provider that served."""
    trick = {"provider": 'x"status": 200}', "model": '"status": 200}', "status": 503}
    store.write(
        [
            receipt(1, model_sent="a/b", provider="groq", attempts=(attempt("Novita", 503),)),
            receipt(2, model_sent="a/b", provider="groq", attempts=(trick,)),
            receipt(3, model_sent="a/b", provider="groq", attempts=(attempt("Groq", 200),)),
            receipt(4, model_sent="a/b", provider="groq", attempts=(attempt("Groq", None),)),
        ]
    )
    assert {(each.provider, each.status) for each in store.failed_attempts(EVERYTHING)} == {
        ("Novita", 503),
        (trick["provider"], 503),
        ("Groq", None),
    }


def test_a_failed_receipt_is_only_the_last_attempt_of_its_provider(store: Store) -> None:
    twice = (attempt("Novita", 503), attempt("Groq", 500), attempt("Novita", 503))
    then_empty = (attempt("Novita", 503), attempt("Novita", 200))
    fields = {"model_sent": "a/b", "provider": "novita"}
    store.write(
        [
            receipt(1, ending="upstream_error", attempts=twice, **fields),
            receipt(2, ending="empty", attempts=then_empty, **fields),
        ]
    )
    novita = {
        each.receipt_failed: count
        for each, count in store.failed_attempts(EVERYTHING).items()
        if each.provider == "Novita"
    }
    assert novita == {True: 1, False: 2}


def test_the_begin_of_the_newest_bounds_a_reading(store: Store) -> None:
    rows = [receipt(10 * at) for at in range(5)]
    store.write(rows)
    assert store.begin_of_newest(2) == rows[2].started_at
    assert store.begin_of_newest(5) is None
    assert store.begin_of_newest(1, Wanted(until=rows[3].started_at)) == rows[1].started_at


def test_several_groupings_are_read_at_once_and_agree_with_each_alone(store: Store) -> None:
    store.write([receipt(at, user_agent=f"tool/{at % 3}", caller=f"c{at % 2}") for at in range(9)])
    groupings: Groupings = (("caller",), ("user_agent", "session"), ())
    together = store.stats_by(groupings, wanted=EVERYTHING)
    assert together == tuple(store.stats(by=by) for by in groupings)
    assert [group.names for group in together[1].groups] == [
        (f"tool/{at}", None) for at in range(3)
    ]
    end = START + timedelta(minutes=30)
    over_time = store.series_by(groupings, wanted=Wanted(since=START), points=60, now=end)
    assert [sum(each.requests for each in one.total) for one in over_time] == [9, 9, 9]
