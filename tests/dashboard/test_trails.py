"""A session as a trail of its turns: one column each, in its host's colour."""

from decimal import Decimal
from typing import Any

from app.dashboard.address import address_of
from app.dashboard.names import UNNAMED_GREY, colour_of
from app.dashboard.trails import Host, trails_of
from app.ledger.session_stats import MOST_IN_TRAIL, trails
from tests.ledger.test_session_stats import turn


def rows(*turns: Any, most: int = 8) -> Any:
    return trails_of(trails(turns, most), address_of("/dashboard/money", {}, reads=None))


def test_a_turn_is_a_column_in_its_hosts_colour_with_its_cached_share() -> None:
    (row,) = rows(turn(), turn(1, provider="deepinfra"), turn(2, provider="deepinfra", cached=500))
    assert [step.colour for step in row.steps] == [
        colour_of("novita"),
        *[colour_of("deepinfra")] * 2,
    ]
    assert [step.cached for step in row.steps] == [0, 0, 25]
    assert row.steps[2].title == "deepinfra: 2,000 tokens, cached 25.0\N{NARROW NO-BREAK SPACE}%"
    assert row.hosts == (
        Host("novita", colour_of("novita")),
        Host("deepinfra", colour_of("deepinfra")),
    )
    assert row.told.startswith("3 turns, 1 flip, ")
    assert row.told.endswith(" lost")
    assert row.tool == "tool/1"
    assert "session=one" in row.href


def test_a_host_that_is_not_named_and_an_unknown_share_are_said_to_be_so() -> None:
    (row,) = rows(turn(provider=None, cached=None, prompt=0, prices=None, user_agent=None))
    assert row.steps[0].colour == UNNAMED_GREY
    assert row.steps[0].title == "provider not named: 0 tokens, cached unknown"
    assert row.hosts == (Host("not named", UNNAMED_GREY),)
    assert (row.tool, row.steps[0].cached) == ("", 0)


def test_the_most_costly_sessions_come_first_each_with_its_last_turns() -> None:
    many = [turn(number, session="long") for number in range(MOST_IN_TRAIL + 5)]
    dear = turn(session="dear", cost=Decimal(9))
    found = rows(*many, dear, turn(session="cheap", cost=None), most=2)
    assert [row.name for row in found] == ["dear", "long"]
    assert len(found[1].steps) == MOST_IN_TRAIL
    assert found[0].steps[0].width == found[1].steps[0].width
    assert rows() == ()


def test_a_turn_that_is_only_the_one_before_has_no_column() -> None:
    (row,) = rows(turn(wanted=False), turn(1, provider="deepinfra"))
    assert len(row.steps) == 1
    assert "1 flip" in row.told
