"""What changes of hosts do to sessions, counted turn by turn."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.ledger.bounds import MOST_USD
from app.ledger.session_stats import (
    SessionStats,
    Turn,
    count,
    session_dimensions,
    session_stats_as_json,
)
from app.ledger.store import Store
from app.ledger.wanted import Wanted
from tests.ledger.receipts import START, receipt

PRICES = {"prompt": "1", "completion": "2", "cache_read": "0.1", "cache_write": "1.25"}


def turn(minutes: float = 0, **said: Any) -> Turn:
    """A turn that begins so many minutes after START, with 2,000 tokens of prompt."""
    usual: dict[str, Any] = {
        "session": "one",
        "subagent": None,
        "model": "a/b",
        "caller": None,
        "started_at": START + timedelta(minutes=minutes),
        "provider": "novita",
        "user_agent": "tool/1",
        "rules": ("careful",),
        "affinity": None,
        "prompt": 2000,
        "cached": 0,
        "written": 0,
        "cost": Decimal("0.01"),
        "prices": PRICES,
        "wanted": True,
    }
    return Turn(**(usual | said))


def total(*turns: Turn) -> Any:
    return count(turns, ()).total


def test_a_first_turn_is_neither_cold_nor_a_flip() -> None:
    found = total(turn())
    assert (found.turns, found.flips, found.followed, found.cold) == (1, 0, 0, 0)
    assert found.cold_share is None
    assert found.cached_share == 0


def test_a_turn_at_another_host_is_a_flip_and_its_cold_prompt_is_lost() -> None:
    found = total(turn(), turn(1, provider="deepinfra", prompt=2500))
    assert (found.flips, found.cold, found.lost_tokens) == (1, 1, 2000)
    assert found.lost_usd == Decimal(2000) * Decimal("0.9") / 1_000_000


def test_what_a_cache_had_is_saved_and_the_rest_of_the_last_prompt_is_lost() -> None:
    found = total(turn(), turn(1, cached=1500, prompt=3000))
    assert (found.flips, found.cold, found.lost_tokens, found.cached_tokens) == (0, 0, 500, 1500)
    assert found.saved_usd == Decimal(1500) * Decimal("0.9") / 1_000_000
    assert found.cached_share == 1500 / 5000
    assert found.cost_usd == Decimal("0.02")


@pytest.mark.parametrize(
    ("last", "this"),
    [
        ({"prompt": 1023}, {}),  # too short for any cache
        ({}, {"started_at": START + timedelta(minutes=10.1)}),  # too long ago
        ({}, {"cached": None}),  # nothing was reported
    ],
)
def test_where_no_cache_could_have_helped_nothing_is_cold(last: Any, this: Any) -> None:
    found = total(turn(**last), turn(1, **this))
    assert (found.followed, found.cold, found.lost_tokens) == (0, 0, 0)


def test_a_shorter_prompt_loses_no_more_than_itself() -> None:
    assert total(turn(prompt=9000), turn(1, prompt=1500)).lost_tokens == 1500


@pytest.mark.parametrize(
    "apart", [{"session": "two"}, {"subagent": "a"}, {"model": "a/c"}, {"caller": "me"}]
)
def test_conversations_are_apart(apart: dict[str, Any]) -> None:
    found = total(turn(), turn(1, provider="deepinfra", **apart))
    assert (found.flips, found.followed) == (0, 0)


def test_a_host_that_is_not_named_is_no_flip() -> None:
    assert total(turn(provider=None), turn(1), turn(2, provider=None)).flips == 0


def test_writing_costs_what_is_listed_for_it_or_the_plain_price() -> None:
    assert total(turn(written=800)).written_usd == Decimal(800) * Decimal("1.25") / 1_000_000
    plain = {"prompt": "1", "completion": "2"}
    assert total(turn(written=800, prices=plain)).written_usd == Decimal(800) / 1_000_000
    assert total(turn(cached=500, prices=plain)).saved_usd == 0


def test_a_turn_whose_prices_cant_be_told_counts_as_not_priced() -> None:
    found = total(turn(prices=None), turn(1, provider="deepinfra", prices={}))
    assert (found.not_priced, found.lost_tokens, found.lost_usd) == (2, 2000, 0)


def test_groups_add_up_by_name_the_most_costly_first() -> None:
    turns = [
        turn(rules=("careful", "open"), affinity="pin"),
        turn(1, rules=(), provider="deepinfra", cost=Decimal(1)),
    ]
    found = count(turns, ("rule", "affinity"))
    assert [(names, figures.turns) for names, figures in found.groups] == [
        ((None, "off"), 1),
        (("careful", "pin"), 1),
        (("open", "pin"), 1),
    ]
    assert found.total.turns == 2
    assert count(turns, ()).groups == ()


def test_a_turn_that_is_only_the_one_before_is_not_counted_itself() -> None:
    found = total(turn(wanted=False), turn(1, provider="deepinfra"))
    assert (found.turns, found.flips) == (1, 1)


def test_the_time_of_the_figures_is_that_of_their_turns() -> None:
    found = total(turn(3), turn(1))
    assert (found.since, found.until) == (
        START + timedelta(minutes=1),
        START + timedelta(minutes=3),
    )


def test_dimensions_are_read_once_each_and_a_tool_is_a_user_agent() -> None:
    assert session_dimensions("tool, rule,user_agent,,rule") == ("user_agent", "rule")
    with pytest.raises(ValueError, match="'host' is not one of rule, model, user_agent"):
        session_dimensions("host")


def test_machines_get_numbers() -> None:
    told = session_stats_as_json(count([turn(cached=500), turn(1)], ("provider",)))
    (group,) = told["groups"]
    assert group["provider"] == "novita"
    assert group["saved_usd"] == pytest.approx(0.00045)
    assert (told["total"]["sessions"], told["total"]["since"]) == (1, "2026-11-21T09:30:00.125Z")
    empty = session_stats_as_json(count([], ()))
    assert (empty["groups"], empty["total"]["cached_share"], empty["total"]["since"]) == (
        [],
        None,
        None,
    )


# --- from the ledger --------------------------------------------------------------------------


def written(seconds: float, provider: str, **said: Any) -> Any:
    usual: dict[str, Any] = {
        "session": "one",
        "model_sent": "a/b",
        "provider": provider,
        "status": 200,
        "rules": ("careful",),
        "prompt_tokens": 2000,
        "cached_tokens": 0,
        "cost_usd": Decimal("0.01"),
        "token_prices": PRICES,
    }
    return receipt(seconds, **(usual | said))


def of(store: Store, **wanted: Any) -> SessionStats:
    return store.session_stats(by=("provider",), wanted=Wanted(**wanted))


def test_a_ledger_counts_the_turns_that_were_answered(open_store: Callable[[], Store]) -> None:
    store = open_store()
    store.write(
        [
            written(0, "novita"),
            written(10, "novita", status=502, ending="upstream_error"),
            written(20, "deepinfra", cached_tokens=500, cache_write_tokens=100),
            written(30, "novita", session=None),
            written(40, "parasail", cache_status="HIT"),
            written(50, "together", ending="refused", status=403),
        ]
    )
    found = of(store)
    assert {group.names: group.figures.turns for group in found.groups} == {
        ("novita",): 1,
        ("deepinfra",): 1,
    }
    assert (found.total.flips, found.total.lost_tokens, found.total.written_tokens) == (
        1,
        1500,
        100,
    )
    assert found.total.saved_usd == Decimal(500) * Decimal("0.9") / 1_000_000


def test_a_filter_keeps_the_turn_before_in_sight(open_store: Callable[[], Store]) -> None:
    store = open_store()
    store.write([written(0, "novita"), written(20, "deepinfra"), written(40, "deepinfra")])
    assert of(store, provider="deepinfra").total.flips == 1
    assert of(store, since=START + timedelta(seconds=20)).total.flips == 1
    assert of(store, since=START + timedelta(seconds=30)).total.flips == 0
    assert of(store, until=START + timedelta(seconds=10)).total.turns == 1
    assert of(store, rule="another").total.turns == 0


def test_with_an_own_key_a_turn_costs_all_that_was_paid(open_store: Callable[[], Store]) -> None:
    store = open_store()
    charge = {"upstream_cost_usd": Decimal("0.2")}
    store.write(
        [
            written(0, "novita", is_byok=True, **charge),
            written(10, "novita", is_byok=False, **charge),
            written(20, "novita", is_byok=True, cost_usd=None, **charge),
            written(30, "novita", is_byok=True, cost_usd=MOST_USD, upstream_cost_usd=MOST_USD),
        ]
    )
    store.write([written(40, "novita", cost_usd=None, session="another")])
    dear = Wanted(until=START + timedelta(seconds=25))
    assert store.session_stats(by=(), wanted=dear).total.cost_usd == Decimal("0.42")
    assert of(store).total.cost_usd == MOST_USD + Decimal("0.42")  # a sum stays at its bound
