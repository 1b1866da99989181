"""Endpoints that fail at a rate or for a time, and that show defects by themselves."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.simulator import Host, Switches
from app.simulator.catalog import Catalog
from app.simulator.refusals import Refusal
from app.simulator.router import Router
from tests.simulator.simulated import TOOL, Clock, Simulated, asked, endpoint, model

A_ONLY = {"only": ["a"]}


class House:
    """A router over two hosts, with a clock."""

    def __init__(self, hosts: dict[str, Host] | None = None, seed: int = 0) -> None:
        self.catalog = Catalog([model(endpoint("a"), endpoint("b"))])
        self.clock = Clock()
        self.router = Router(self.catalog, seed=seed, clock=self.clock, hosts=hosts or {})

    def attempt(self, **switches: Any) -> int:
        """The status of one attempt at `a`."""
        ask = asked(self.catalog, Switches(**switches), provider=A_ONLY)
        try:
            self.router.route(ask)
        except Refusal as refusal:
            return refusal.status
        return 200

    def attempts(self, count: int, **switches: Any) -> list[int]:
        return [self.attempt(**switches) for _ in range(count)]


@pytest.mark.parametrize(
    ("hosts", "switches", "status"),
    [
        ({}, {"fail_rate": {"a": 0.3}}, 503),
        ({}, {"fail_rate": {"a": 0.3}, "fail": {"a": 429}}, 429),
        ({"a": Host(fail_rate=0.3)}, {}, 503),
        ({"a": Host(fail_rate=0.3, status=502)}, {}, 502),
    ],
)
def test_a_host_fails_at_a_rate_and_alike_by_the_seed(
    hosts: dict[str, Host], switches: dict[str, Any], status: int
) -> None:
    found = House(hosts).attempts(300, **switches)
    assert set(found) == {200, status}
    assert 60 < Counter(found)[status] < 120
    assert House(hosts).attempts(300, **switches) == found
    assert House(hosts, seed=1).attempts(300, **switches) != found


def test_a_rate_of_zero_never_fails_and_of_one_always() -> None:
    assert House().attempts(20, fail_rate={"a": 0}, fail={"a": 429}) == [200] * 20
    assert House().attempts(20, fail_rate={"a": 1}) == [503] * 20


def test_chances_leave_the_routing_of_other_requests_alone() -> None:
    def served(**switches: Any) -> list[str]:
        catalog = Catalog([model(*[endpoint(tag) for tag in "abcd"])])
        router = Router(catalog, seed=3, clock=Clock())
        ask = asked(catalog, Switches(**switches))
        return [router.route(ask).available[0].tag for _ in range(20)]

    assert served(fail_rate={"a": 0.5}) == served()


def test_an_outage_has_a_beginning_and_an_end() -> None:
    house = House({"a": Host(outages=((60, 120), (300, 301)), status=500)})
    expected = {0: 200, 59: 200, 60: 500, 119: 500, 120: 200, 300: 500, 301: 200}
    begun = house.clock.now
    for second, status in expected.items():
        house.clock.now = begun + second
        assert house.attempt() == status, second


async def test_a_request_can_start_an_outage_for_all_and_end_it(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, model(endpoint("a")))
    asking = {"headers": {}, "provider": A_ONLY}
    assert (await simulated.chat(**asking)).status_code == 200
    started = {"fail_for": {"a": 30}, "fail": {"a": 429}}
    assert (await simulated.chat(**asking, simulate=started)).status_code == 429
    simulated.clock.now += 29
    assert (await simulated.chat(**asking)).status_code == 503
    simulated.clock.now += 2
    assert (await simulated.chat(**asking)).status_code == 200
    header = {"X-OpenRouter-Simulate": '{"fail_for": {"a": 30.5}}'}
    assert (await simulated.get("/models", header)).status_code == 200
    assert (await simulated.chat(**asking)).status_code == 503
    assert (await simulated.chat(**asking, simulate={"fail_for": {"a": 0}})).status_code == 200
    assert (await simulated.chat(**asking)).status_code == 200


async def test_an_outage_can_begin_with_the_simulator(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, model(endpoint("a")), fail_for={"a": 30})
    assert (await simulated.chat()).status_code == 503
    simulated.clock.now += 31
    assert (await simulated.chat()).status_code == 200


@pytest.mark.parametrize(
    "told",
    [
        {"fail_rate": {"a": 1.5}},
        {"fail_rate": {"a": -0.1}},
        {"fail_rate": {"a": "0.1"}},
        {"fail_for": {"a": "soon"}},
        {"fail_for": {"a": True}},
    ],
)
async def test_a_wrong_rate_or_time_is_refused(told: dict[str, Any]) -> None:
    assert (await Simulated().chat("x-ai/grok-4", simulate=told)).status_code == 400


@pytest.mark.parametrize(
    "wrong", [{"fail_rate": 2}, {"defects": {"empty": -1}}, {"defects": {"no_such": 0.1}}]
)
def test_a_wrong_configuration_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rate|defect"):
        Host(**wrong)


def test_a_provider_s_configuration_covers_its_endpoints_without_one() -> None:
    catalog = Catalog([model(endpoint("a/fp8"), endpoint("a/fp4"))])
    hosts = {"a": Host(fail_rate=1), "a/fp4": Host()}
    router = Router(catalog, seed=0, clock=Clock(), hosts=hosts)
    served = {router.route(asked(catalog)).completion.row.tag for _ in range(20)}
    assert served == {"a/fp4"}


def test_a_host_shows_its_defects_at_their_rates() -> None:
    house = House({"a": Host(defects={"tool_call_not_json": 0.5, "cut_short": 0.3})})
    asking = asked(house.catalog, provider=A_ONLY, tools=[TOOL])
    found = Counter(house.router.route(asking).completion.defect for _ in range(300))
    assert 120 < found["tool_call_not_json"] < 180
    assert 20 < found["cut_short"] < 70
    assert found[""] > 70
    others = asked(house.catalog, provider={"only": ["b"]}, tools=[TOOL])
    assert {house.router.route(others).completion.defect for _ in range(50)} == {""}


def test_the_catalog_s_defects_show_where_wanted_and_with_tools_alone() -> None:
    catalog = Catalog.read(None)

    def found(*, flawed: bool, **fields: Any) -> set[str]:
        router = Router(catalog, seed=0, clock=Clock(), flawed=flawed)
        ask = asked(catalog, model="moonshotai/kimi-k2", provider={"only": ["groq"]}, **fields)
        return {router.route(ask).completion.defect for _ in range(100)}

    assert found(flawed=True, tools=[TOOL]) == {"", "tool_call_as_text"}
    assert found(flawed=True) == found(flawed=False, tools=[TOOL]) == {""}
