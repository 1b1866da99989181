"""Only hosts that are surely worse than the others of their model part from them."""

from app.ledger.parted import Parted, parted
from app.ledger.rates import Rate
from tests.ledger.test_scorecard import card, outcome


def found(*outcomes: object) -> list[tuple[str | None, str, Rate, Rate]]:
    (model,) = card(*outcomes, by=("provider",)).models  # type: ignore[arg-type]
    return [
        (each.host.names[0], each.column.name, each.rate, each.others) for each in parted(model)
    ]


BAD = ("tool_call_as_text",)


def test_a_host_parts_from_all_others_together() -> None:
    assert found(
        outcome(30, provider="bad", defects=BAD),
        outcome(70, provider="bad"),
        outcome(90, provider="good"),
        outcome(2, provider="fair", defects=BAD),
        outcome(88, provider="fair"),
    ) == [("bad", "tool_calls", Rate(30, 100), Rate(2, 180))]


def test_intervals_that_touch_say_nothing() -> None:
    assert (
        found(
            outcome(3, provider="a", defects=BAD),
            outcome(27, provider="a"),
            outcome(1, provider="b", defects=BAD),
            outcome(39, provider="b"),
        )
        == []
    )


def test_few_requests_on_either_side_say_nothing() -> None:
    few_here = (outcome(19, provider="a", defects=BAD), outcome(500, provider="b"))
    few_there = (outcome(50, provider="a", defects=BAD), outcome(19, provider="b"))
    enough = (outcome(20, provider="a", defects=BAD), outcome(20, provider="b"))
    assert [len(found(*each)) for each in (few_here, few_there, enough)] == [0, 0, 1]


def test_a_host_alone_parts_from_nothing() -> None:
    assert found(outcome(100, provider="only", defects=BAD)) == []


def test_failed_attempts_count_too() -> None:
    tried = outcome(60, provider="good", attempts=(("Down", 429), ("Good", 200)))
    assert [each[:3] for each in found(tried)] == [("down", "failed", Rate(60, 60))]
    assert Parted._fields == ("host", "column", "rate", "others")
