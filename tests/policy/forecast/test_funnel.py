"""The funnel: who falls where, by which line, and what can't be told."""

from typing import Any

from app.catalog.endpoint import Endpoint
from app.policy.filters import FILTERS, Asked
from app.policy.forecast.funnel import funnel
from app.policy.forecast.ways import WAYS
from app.policy.requirements import Needs
from app.policy.rule import Clause
from app.policy.sides import Side
from tests.policy.listings import row
from tests.policy.reading import read

HOSTS = ("deepinfra", "deepinfra/fp8", "openai", "openai/priority", "novita/fp4")


def offer(tag: str, quantization: str | None = "fp8", **fields: Any) -> Endpoint:
    return read({**row(tag, tag.partition("/")[0].title(), quantization), **fields})


def able(*parameters: str, **fields: Any) -> Endpoint:
    return offer("-".join(("p", *parameters)), supported_parameters=[*parameters], **fields)


def clause(key: str, value: Any, line: int = 3) -> Clause:
    return Clause(key, value, "mine", "mine.yaml", line)


def test_the_line_names_filters_as_the_policy_does_and_each_fall_its_clauses() -> None:
    pin, floor = clause("pin", ["deepinfra", "novita"]), clause("quantization_floor", "fp8", 4)
    caps = clause("max_price.prompt", 0.5, 5), clause("max_price.completion", 9, 6)
    preferences = {
        "only": ["deepinfra", "novita"],
        "quantizations": ["fp8", "bf16"],
        "zdr": True,
        "max_price": {"prompt": 0.5, "completion": 9},
    }
    origins = {"only": (pin,), "quantizations": (floor,), "max_price": caps}
    asked = Asked(preferences, sides=(Side(preferences, origins),))
    endpoints = [offer(tag, "fp4" if "fp4" in tag else "fp8") for tag in HOSTS]
    found = funnel(endpoints, asked)
    line = "5 -> service_tier 4 -> pin 3 -> fp8+ 2 -> zdr 2? -> max_price 0"
    assert str(found) == line
    fell = {drop.endpoint.tag: (drop.filter, drop.clauses) for drop in found.dropped}
    assert fell["openai"] == ("only", (pin,))
    assert fell["novita/fp4"] == ("quantizations", (floor,))
    assert fell["deepinfra"] == ("max_price", (caps[0],))
    assert fell["openai/priority"] == ("service_tier", ())


def test_every_hard_filter_has_a_way_to_loosen_it() -> None:
    assert set(WAYS) == {each.name for each in FILTERS if not each.gentle}


def test_nobody_offered_is_nobody_left() -> None:
    found = funnel([], Asked({"only": ["novita"]}))
    assert (str(found), found.survivors, found.dropped) == ("0", (), ())


def test_nobody_falls_because_of_somebody_who_may_not_be_there() -> None:
    """`response_format` would drop the second, but only if the first retains nothing."""
    endpoints = [able("response_format"), able()]
    asked = Asked({"zdr": True}, needs=Needs(parameters=frozenset({"response_format"})))
    found = funnel(endpoints, asked)
    assert (str(found), len(found.survivors)) == ("2 -> zdr 2? -> response_format 2?", 2)
