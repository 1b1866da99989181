"""Who is tried first: by order, sort, tier, price lottery, conversation, and wishes."""

from collections import Counter
from typing import Any

import pytest

from app.simulator.ask import read_ask
from app.simulator.catalog import Catalog
from app.simulator.router import Router
from app.simulator.switches import Switches
from tests.simulator.simulated import HELLO, NOW, TOOL, asked, endpoint, model, tried


def row(tag: str, price: float, speed: float, latency: float, status: int = 0) -> dict[str, Any]:
    """Price in USD per million tokens, speed in tokens/s, latency in ms."""
    return endpoint(
        tag,
        prompt=f"{price / 1e6:.9f}",
        completion="0",
        throughput_last_30m={"p50": speed, "p99": speed * 2},
        latency_last_30m={"p50": latency, "p99": latency * 4},
        status=status,
    )


CHEAP, FAST, NEAR = row("cheap", 1, 20, 900), row("fast", 3, 90, 800), row("near", 2, 50, 100)
THREE = (CHEAP, FAST, NEAR)


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        ({"provider": {"sort": "price"}}, ["cheap", "near", "fast"]),
        ({"provider": {"sort": {"by": "price"}}}, ["cheap", "near", "fast"]),
        ({"provider": {"sort": "throughput"}}, ["fast", "near", "cheap"]),
        ({"provider": {"sort": "latency"}}, ["near", "fast", "cheap"]),
        ({"model": "acme/sim-1:floor"}, ["cheap", "near", "fast"]),
        ({"model": "acme/sim-1:nitro"}, ["fast", "near", "cheap"]),
        ({"model": "acme/sim-1:exacto"}, ["fast", "near", "cheap"]),
        ({"tools": [TOOL]}, ["fast", "near", "cheap"]),  # Auto Exacto
        ({"tools": [TOOL], "model": "acme/sim-1:floor"}, ["cheap", "near", "fast"]),  # opts out
        ({"provider": {"order": ["near", "fast", "cheap"]}}, ["near", "fast", "cheap"]),
        (
            {"provider": {"order": ["near", "cheap", "fast"], "sort": "price"}},
            ["near", "cheap", "fast"],
        ),
        (
            {"model": "acme/sim-1:floor", "provider": {"order": ["fast"]}},
            ["fast", "cheap", "near"],
        ),
        ({"provider": {"order": ["nobody", "near"], "sort": "price"}}, ["near", "cheap", "fast"]),
    ],
)
def test_order_beats_sort_and_sort_beats_the_lottery(
    fields: dict[str, Any], tags: list[str]
) -> None:
    for seed in range(5):
        assert tried(*THREE, seed=seed, **fields) == tags


@pytest.mark.parametrize(
    ("wish", "last"),
    [
        ({"preferred_min_throughput": 50}, ["cheap"]),
        ({"preferred_min_throughput": {"p50": 50}}, ["cheap"]),
        ({"preferred_min_throughput": {"p50": 50, "p99": 150}}, ["cheap", "near"]),
        ({"preferred_min_throughput": {"p50": None, "p99": 150}}, ["cheap", "near"]),
        ({"preferred_max_latency": 0.85}, ["cheap"]),  # seconds; the listing has milliseconds
        ({"preferred_max_latency": {"p99": 0.5}}, ["cheap", "fast"]),
        ({"preferred_min_throughput": 1000}, ["cheap", "near", "fast"]),
    ],
)
def test_who_misses_a_wish_goes_last_and_is_never_removed(
    wish: dict[str, Any], last: list[str]
) -> None:
    by_price = ["cheap", "near", "fast"]
    first = [tag for tag in by_price if tag not in last]
    assert tried(*THREE, provider={"sort": "price", **wish}) == first + last


def test_without_figures_a_wish_is_missed() -> None:
    silent = endpoint("silent", prompt="0", completion="0")
    wish = {"sort": "price", "preferred_min_throughput": 1}
    assert tried(silent, CHEAP, provider=wish) == ["cheap", "silent"]


def test_the_lottery_is_weighted_by_one_over_price_squared() -> None:
    """The guide's example: A $1, B $2 with an outage, C $3: A to C is 9 to 1; then C, then B."""
    rows = (row("a", 1, 1, 1), row("b", 2, 1, 1, status=-2), row("c", 3, 1, 1))
    legacy = Switches(default_order="legacy")
    lists = Counter(tuple(tried(*rows, seed=seed, switches=legacy)) for seed in range(3000))
    assert set(lists) == {("a", "c", "b"), ("c", "a", "b")}
    assert 0.88 < lists["a", "c", "b"] / 3000 < 0.92


def test_of_equals_the_healthy_come_first() -> None:
    failing, healthy = row("failing", 1, 10, 10, status=-2), row("healthy", 1, 10, 10)
    for sort in ("price", "throughput", "latency"):
        assert tried(failing, healthy, provider={"sort": sort}) == ["healthy", "failing"]
    assert tried(failing, healthy, provider={"order": ["failing"]}) == ["failing", "healthy"]


def test_without_fallbacks_only_the_first_is_tried() -> None:
    alone = {"sort": "price", "allow_fallbacks": False}
    assert tried(*THREE, provider=alone) == ["cheap"]


def test_an_order_of_strangers_means_default_routing() -> None:
    strangers = {"order": ["provider not named", "noone"]}
    firsts = Counter(tried(*THREE, seed=seed, provider=strangers)[0] for seed in range(300))
    assert firsts["cheap"] > firsts["near"] > firsts["fast"] > 0


@pytest.mark.parametrize(
    ("tier", "tags"),
    [
        ("priority", ["openai/priority", "fast", "cheap"]),
        ("ultrafast", ["openai/ultrafast", "openai/priority", "fast", "cheap"]),
        ("flex", ["openai/flex", "azure/flex"]),
    ],
)
def test_a_tier_comes_first_and_falls_back_as_the_guide_says(tier: str, tags: list[str]) -> None:
    rows = (
        CHEAP,
        FAST,
        row("azure/flex", 0.5, 90, 1),
        row("openai/priority", 6, 10, 1),
        row("openai/ultrafast", 9, 5, 1),
        row("openai/flex", 0.4, 5, 1),
    )
    assert tried(*rows, service_tier=tier) == tags


# --- sticky conversations, openrouter.md §2.6 -------------------------------------------------


LONG = [{"role": "user", "content": "word " * 2000}]


class Conversation:
    """One router, many turns; `cached` is the cache-read price of every host."""

    def __init__(self, cached: str = "0.0000001") -> None:
        self.now = NOW
        rows = [endpoint(tag, input_cache_read=cached) for tag in ("a", "b", "c", "d")]
        self.catalog = Catalog([model(*rows)])
        self.router = Router(self.catalog, seed=7, clock=lambda: self.now)

    def turns(self, count: int, **fields: Any) -> list[str]:
        return [
            self.router.route(asked(self.catalog, **fields)).completion.row.tag
            for _ in range(count)
        ]


def test_a_named_conversation_stays_where_it_began() -> None:
    assert len(set(Conversation().turns(12, session_id="mine"))) == 1


@pytest.mark.parametrize("fields", [{"prompt_cache_key": "mine"}, {}])
def test_another_conversation_stays_once_its_cache_was_hit(fields: dict[str, Any]) -> None:
    """It starts at random; from the first repeat of a host on, it stays."""
    turns = Conversation().turns(30, messages=LONG, **fields)
    repeat = next(n for n in range(1, 30) if turns[n] in turns[:n])
    assert set(turns[repeat:]) == {turns[repeat]}
    assert repeat > 1, "the seed shows the wandering, too"
    short = Conversation().turns(30, **fields)
    assert len(set(short)) > 1, "too short for a cache"


def test_a_conversation_stays_while_it_goes_on_though_its_cache_was_lost() -> None:
    conversation = Conversation()
    conversation.turns(30, messages=LONG)
    (home,) = conversation.turns(1, messages=LONG)
    for _ in range(10):
        conversation.now += 599  # the cache ends after 300
        assert conversation.turns(1, messages=LONG) == [home]


def test_a_failing_home_is_left_for_one_answer_and_kept() -> None:
    conversation = Conversation()
    (home,) = conversation.turns(1, session_id="mine")
    broken = Switches(fail={home: 503})
    asking = asked(conversation.catalog, broken, session_id="mine")
    for _ in range(5):
        assert conversation.router.route(asking).completion.row.tag != home
    assert conversation.turns(5, session_id="mine") == [home] * 5


def test_an_answer_elsewhere_does_not_renew_a_home() -> None:
    conversation = Conversation()
    (home,) = conversation.turns(1, session_id="mine")
    asking = asked(conversation.catalog, Switches(fail={home: 503}), session_id="mine")
    conversation.now += 400
    conversation.router.route(asking)
    conversation.now += 400
    elsewhere = {conversation.router.route(asking).completion.row.tag for _ in range(10)}
    assert len(elsewhere) == 1, "a new home"
    assert conversation.turns(1, session_id="mine") == [*elsewhere]


def test_an_excluded_home_is_replaced_inside_the_filtered_set() -> None:
    conversation = Conversation()
    (home,) = conversation.turns(1, session_id="mine")
    others = {"only": sorted({"a", "b", "c", "d"} - {home})}
    within = conversation.turns(12, session_id="mine", provider=others)
    assert len(set(within)) == 1
    assert home not in within


def test_of_two_endpoints_with_one_tag_the_very_one_is_kept() -> None:
    rows = [endpoint("a", input_cache_read="0.0000001", place=place) for place in range(4)]
    catalog = Catalog([model(*rows)])
    for seed in range(10):
        router = Router(catalog, seed=seed, clock=lambda: NOW)
        ask = asked(catalog, session_id="mine")
        places = {router.route(ask).completion.row.listed["place"] for _ in range(8)}
        assert len(places) == 1


def test_an_order_neither_follows_nor_makes_a_home() -> None:
    conversation = Conversation()
    conversation.turns(1, session_id="mine", provider={"order": ["b"]})
    later = {tuple(conversation.turns(1, session_id=f"s{n}")) for n in range(20)}
    assert len(later) > 1
    hosts = set()
    for n in range(20):
        fields: dict[str, Any] = {"session_id": f"t{n}"}
        conversation.turns(1, **fields, provider={"order": ["b"]})
        hosts |= set(conversation.turns(1, **fields))
    assert len(hosts) > 1, "b would be the only one"


@pytest.mark.parametrize(
    "fields",
    [
        {"provider": {"order": ["nobody"]}},
        {"cached": "0"},
        {"cached": "0.000001"},  # no cheaper than the prompt
    ],
)
def test_nothing_sticks_with_an_order_or_without_a_cheaper_cache(fields: dict[str, Any]) -> None:
    conversation = Conversation(fields.pop("cached", "0.0000001"))
    assert len(set(conversation.turns(40, session_id="mine", **fields))) > 1


def test_a_host_without_a_cheaper_cache_holds_nobody_whatever_others_offer() -> None:
    rows = [endpoint("plain"), endpoint("cached", input_cache_read="0.0000001")]
    catalog = Catalog([model(*rows)])
    routers = [Router(catalog, seed=seed, clock=lambda: NOW) for seed in range(40)]
    ask = asked(catalog, session_id="mine")
    turns = [[router.route(ask).completion.row.tag for _ in range(8)] for router in routers]
    assert all(set(own) == {"cached"} for own in turns if own[0] == "cached")
    assert all("cached" in own for own in turns if own[0] == "plain")


def test_stickiness_ends_after_ten_idle_minutes() -> None:
    conversation = Conversation()
    hosts = set()
    for _ in range(20):
        hosts |= set(conversation.turns(1, session_id="mine"))
        conversation.now += 601
    assert len(hosts) > 1


def test_a_filter_beats_stickiness() -> None:
    conversation = Conversation()
    (home,) = conversation.turns(1, session_id="mine")
    assert home not in conversation.turns(5, session_id="mine", provider={"ignore": [home]})


def test_on_other_routes_a_session_only_groups_logs() -> None:
    conversation = Conversation()
    body: dict[str, Any] = {"model": "acme/sim-1", "input": "x", "session_id": "mine"}
    hosts = set()
    for _ in range(30):
        ask = read_ask(body, "embeddings", {}, conversation.catalog, Switches())
        hosts.add(conversation.router.route(ask).completion.row.tag)
    assert len(hosts) > 1


def test_conversations_differ_by_how_they_open() -> None:
    conversation = Conversation()
    homes = {
        conversation.turns(1, session_id=None, messages=[{"role": "user", "content": str(n)}])[0]
        for n in range(20)
    }
    assert len(homes) > 1
    assert conversation.turns(3, session_id="s") == conversation.turns(
        3, session_id="s", messages=[*HELLO, *HELLO]
    )
