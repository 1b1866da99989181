"""Sign-ins on the ledger: found by any process until they end, and never too many."""

from datetime import timedelta

from app.ledger.sign_ins import SignedIn
from app.ledger.store import Store
from tests.ledger.receipts import START

HOUR = timedelta(hours=1)


def signed_in(number: int, hours: float = 12) -> SignedIn:
    return SignedIn(f"{number:064x}", "aider", "p" * 64, START + hours * HOUR)


def test_a_sign_in_is_found_as_it_was_kept_until_it_ends(store: Store) -> None:
    one = signed_in(1)
    store.begin_sign_in(one, START, most=9)
    store.begin_sign_in(one, START, most=9)
    assert store.sign_in(one.digest, START) == one
    assert store.sign_in(signed_in(2).digest, START) is None
    assert store.sign_in(one.digest, one.ends_at) is None


def test_a_sign_in_that_is_ended_stays_ended(store: Store) -> None:
    store.begin_sign_in(signed_in(1), START, most=9)
    store.begin_sign_in(signed_in(2), START, most=9)
    for _ in range(2):
        store.end_sign_in(signed_in(1).digest)
    assert store.sign_in(signed_in(1).digest, START) is None
    assert store.sign_in(signed_in(2).digest, START) is not None


def test_those_that_end_first_make_room(store: Store) -> None:
    for number in range(1, 6):
        store.begin_sign_in(signed_in(number, hours=number), START, most=3)
    left = [n for n in range(1, 6) if store.sign_in(signed_in(n).digest, START) is not None]
    assert left == [3, 4, 5]
