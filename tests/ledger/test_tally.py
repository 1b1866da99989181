"""Tallies and flips: what one receipt counts for, however odd it is."""

import hashlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ledger.gathering import Gathering
from app.ledger.stats import Figures, Verdicts, dimensions
from app.ledger.tally import NOTHING, Flip, Key, Tally, Turn, flip_between, key_of, tally_of, total
from tests.ledger.receipts import FULL, receipt

MOST = 2**63 - 1  # what a column holds


@settings(max_examples=60)
@given(
    st.sampled_from(["prompt_tokens", "cached_tokens", "completion_tokens"]),
    st.integers(-(2**70), 2**70),
    st.one_of(st.none(), st.decimals(), st.just(Decimal("NaN"))),
)
def test_no_receipt_adds_more_than_a_column_holds(
    name: str, tokens: int, cost: Decimal | None
) -> None:
    numbers: dict[str, Any] = {name: tokens}
    tally = tally_of(receipt(**numbers, cost_usd=cost), None)
    priced = tally.priced_tokens  # a sum of two, bounded when it is written
    assert all(0 <= value <= MOST for value in tally._replace(priced_tokens=0)[:-2])
    assert 0 <= priced <= 2 * MOST


def test_tokens_beyond_any_reason_are_counted_as_they_are() -> None:
    assert tally_of(receipt(prompt_tokens=2**53), None).prompt_tokens == 2**53


@pytest.mark.parametrize(
    ("ending", "errors", "refused"),
    [
        ("complete", 0, 0),
        ("caller_left", 0, 0),  # nobody's failure
        ("upstream_cut", 1, 0),
        ("upstream_error", 1, 0),
        ("refused", 0, 1),
    ],
)
def test_endings_count_by_whose_fault_they_are(ending: str, errors: int, refused: int) -> None:
    tally = tally_of(receipt(ending=ending), None)
    assert (tally.errors, tally.refused) == (errors, refused)


def test_rates_leave_out_what_they_can_not_speak_of() -> None:
    told = receipt(prompt_tokens=100, cached_tokens=50, completion_tokens=0, cost_usd=Decimal(1))
    untold = receipt(prompt_tokens=900, ending="upstream_error")
    refused = receipt(ending="refused")
    figures = Figures(total(tally_of(one, None) for one in (told, untold, refused)))
    assert figures.cached_share == 0.5
    assert figures.cost_per_1k_tokens == Decimal(10)
    assert figures.error_rate == 0.5


def turn(provider: str, prompt: int | None, cached: int | None) -> Turn:
    return Turn(provider, prompt, cached)


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        (turn("a", 1000, 900), turn("b", 2000, 0), 1800),  # nine tenths of 2000
        (turn("a", 1000, 900), turn("b", 2000, 1000), 800),
        (turn("a", 1000, 100), turn("b", 2000, 2000), 0),  # it rose
        (turn("a", 1000, None), turn("b", 2000, 0), 0),  # nobody knows
        (turn("a", 1000, 900), turn("b", None, None), 0),
        (turn("a", 0, 0), turn("b", 2000, 0), 0),
        (turn("a", 10, 900), turn("b", 2000, 0), 2000),  # no more than all
    ],
)
def test_a_flip_loses_the_points_by_which_the_cached_share_fell(
    before: Turn, after: Turn, lost: int
) -> None:
    assert flip_between(before, after, None, 0) == Flip("a", lost, None)


def test_lost_tokens_cost_what_tokens_of_that_request_did() -> None:
    before, after = turn("a", 1000, 900), turn("b", 1500, 150)
    flip = flip_between(before, after, Decimal("0.02"), 500)  # ten millionths a token
    assert flip == Flip("a", 1200, 12_000_000_000)  # 0.012 dollars


def test_to_stay_is_no_flip() -> None:
    assert flip_between(turn("a", 1, 1), turn("a", 1, 0), Decimal(1), 1) is None
    assert flip_between(turn("a", 1, 1), turn("b", 1, 1), Decimal(1), 1) == Flip("a", 0, 0)


def test_the_total_of_nothing_is_nothing() -> None:
    assert total([]) == NOTHING == Tally()
    assert Figures() + Figures() == Figures()


def test_figures_of_parts_add_up() -> None:
    one, other = Figures(tally_of(FULL, None), Verdicts(kept=1)), Figures(verdicts=Verdicts(none=2))
    assert (one + other).tally == one.tally
    assert (one + other).verdicts == Verdicts(kept=1, none=2)


def test_a_key_is_the_same_number_everywhere_and_another_for_each() -> None:
    """It is stored: with another number, an hour would be counted under two keys."""
    text = b'["a", null, "b", null, ["c"], null]'
    digest = hashlib.blake2b(text, digest_size=8).digest()
    key = Key(provider="a", model="b", rules=("c",))
    assert key.number == int.from_bytes(digest, "big") >> 1
    keys = [Key(provider="a"), Key(model="a"), Key(caller="a"), Key(rules=("a",)), Key(rules=("",))]
    assert len({key.number for key in keys}) == len(keys)
    assert all(0 <= key.number < 2**63 for key in keys)


def test_what_was_asked_names_the_model_where_nothing_was_sent() -> None:
    assert key_of(receipt(model_asked="a")).model == "a"
    assert key_of(receipt(model_asked="a", model_sent="b")).model == "b"


def test_several_listed_quantizations_are_one_name_in_any_order() -> None:
    names = {
        key_of(receipt(quantizations_listed=each)).quantization
        for each in (("fp8", "bf16"), ("bf16", "fp8"))
    }
    assert names == {"bf16 or fp8"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("provider", ("provider",)),
        (" rule, caller ,rule", ("rule", "caller")),
    ],
)
def test_what_to_group_by_is_read_from_words(text: str, found: tuple[str, ...]) -> None:
    assert dimensions(text) == found


def test_any_other_word_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'host' is not one of provider, quant"):
        dimensions("provider,host")


def test_groups_without_requests_are_left_out() -> None:
    gathering = Gathering(("provider",))
    gathering.add(0, Key(provider="a"), NOTHING)
    assert gathering.groups() == ()
