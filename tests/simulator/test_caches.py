"""Prompt caches: prefixes, one cache for each endpoint, two ways to write, and their bill."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.simulator import Switches
from app.simulator.ask import read_ask
from app.simulator.caches import BLOCK, Caches, CacheUse
from app.simulator.catalog import Catalog, Row
from app.simulator.rendering import parts_of
from tests.simulator.simulated import TOOL, Clock, Simulated, asked, endpoint, model

READ, WRITE = "0.0000001", "0.00000125"
LONG = "word " * 2000
PATHS_OF_CHAT = ["chat/completions", "responses", "messages"]
NOT_LISTED: dict[str, Any] = {"supports_implicit_caching": False}


def user(text: str, **marker: Any) -> dict[str, Any]:
    """One turn; a marker is at the end of its only block."""
    block = {"type": "text", "text": text}
    control = {"cache_control": {"type": "ephemeral", **marker}} if "ttl" in marker else {}
    return {"role": "user", "content": [block | control]}


class Host:
    """One model with some endpoints, and the caches of all of them."""

    def __init__(self, *rows: dict[str, Any], most: int = 10_000) -> None:
        rows = rows or (endpoint("a", input_cache_read=READ),)
        self.catalog = Catalog([model(*rows), model(*rows, id="acme/sim-2")])
        self.clock = Clock()
        self.caches = Caches(self.clock, most)

    def use(self, *turns: dict[str, Any], at: int = 0, of: int = 0, **fields: Any) -> CacheUse:
        row: Row = self.catalog.models[of].rows[at]
        switches = Switches(**fields.pop("simulate", {}))
        return self.caches.use(asked(self.catalog, switches, messages=[*turns], **fields), row)


def test_a_longer_prompt_reads_what_an_earlier_one_left_there() -> None:
    host = Host()
    assert host.use(user(LONG)) == CacheUse()
    used = host.use(user(LONG), user("and more"))
    assert used.read % BLOCK == 0
    assert 2400 < used.read < 2600
    assert used == CacheUse(read=used.read), "writing is free, and is not told"


def test_another_endpoint_and_another_model_have_caches_of_their_own() -> None:
    host = Host(*[endpoint("a", input_cache_read=READ)] * 2)
    host.use(user(LONG))
    assert host.use(user(LONG)).read
    assert not host.use(user(LONG), at=1).read
    assert not host.use(user(LONG), of=1).read


@pytest.mark.parametrize("changed", [{"tools": [TOOL]}, {"messages": [user("x" + LONG)]}])
def test_another_start_is_another_prompt(changed: dict[str, Any]) -> None:
    host = Host()
    host.use(user(LONG))
    turns = changed.pop("messages", [user(LONG)])
    assert not host.use(*turns, **changed).read


def test_the_common_start_counts_whatever_comes_after() -> None:
    host = Host()
    host.use(user(LONG), user("a" * 9000))
    used = host.use(user(LONG), user("b" * 9000))
    assert 2400 < used.read < 2600


def test_a_short_prompt_is_not_kept() -> None:
    host = Host()
    short = user("x" * 4 * 900)
    assert not [host.use(short).read for _ in range(3) if host.use(short).read]
    assert host.use(short, simulate={"cache_minimum": 512}).read == 0
    assert host.use(short, simulate={"cache_minimum": 512}).read == 896


def test_a_prefix_lasts_five_idle_minutes() -> None:
    host = Host()
    host.use(user(LONG))
    for _ in range(4):
        host.clock.now += 299
        assert host.use(user(LONG)).read, "each read renews it"
    host.clock.now += 301
    assert not host.use(user(LONG)).read
    assert host.use(user(LONG)).read
    host.use(user(LONG), simulate={"cache_seconds": 900})
    host.clock.now += 899
    assert host.use(user(LONG)).read


@pytest.mark.parametrize(
    ("row", "switches", "caches"),
    [
        ({"input_cache_read": READ}, {}, True),
        ({"input_cache_read": READ, "supports_implicit_caching": True}, {}, True),
        ({"input_cache_read": READ, **NOT_LISTED}, {}, False),
        ({"input_cache_read": READ, **NOT_LISTED}, {"unlisted_caches": True}, True),
        ({"supports_implicit_caching": True}, {"unlisted_caches": True}, False),
    ],
)
def test_an_endpoint_caches_by_its_price_and_its_listing(
    row: dict[str, Any], switches: dict[str, Any], *, caches: bool
) -> None:
    host = Host(endpoint("a", **row))
    host.use(user(LONG), simulate=switches)
    assert bool(host.use(user(LONG), simulate=switches).read) == caches


@pytest.mark.parametrize(("most", "left"), [(24, 1920), (20, 1408), (16, 0)])
def test_a_cache_is_bounded_and_forgets_the_ends_of_the_oldest(most: int, left: int) -> None:
    host = Host(most=most)
    for text in "abbc":
        host.use(user(text * 8000))
    assert host.use(user("a" * 8000)).read == left


# --- markers ----------------------------------------------------------------------------------


MARKED = endpoint("a", input_cache_read=READ, input_cache_write=WRITE, **NOT_LISTED)


def test_a_marker_writes_up_to_itself_and_later_turns_read_it() -> None:
    host = Host(MARKED)
    first = host.use(user(LONG, ttl="5m"), user("not kept" * 900))
    assert first.written > 2400
    assert (first.read, first.written_1h) == (0, 0)
    moved = host.use(user(LONG), user("b" * 4000), user("c", ttl="5m"))
    assert moved.read == first.written
    assert 1000 < moved.written < 1100
    again = host.use(user(LONG), user("b" * 4000), user("c", ttl="5m"))
    assert again == CacheUse(read=moved.read + moved.written)
    assert host.use(user(LONG)) == CacheUse(), "nothing is read without a marker"


def test_a_block_without_a_marker_is_no_prefix_to_return_to() -> None:
    host = Host(MARKED)
    host.use(user(LONG), user(LONG, ttl="5m"))
    branched = host.use(user(LONG), user("other", ttl="5m"))
    assert branched.read == 0
    assert branched.written > 2400


def test_an_hour_is_kept_an_hour_and_billed_apart() -> None:
    host = Host(MARKED)
    turns = [user(LONG, ttl="1h"), user("b" * 8000, ttl="5m")]
    first = host.use(*turns)
    assert first.written_1h > 2400
    assert first.written > 1900
    host.clock.now += 3500
    later = host.use(*turns)
    assert (later.read, later.written, later.written_1h) == (first.written_1h, first.written, 0)
    host.clock.now += 3500
    assert host.use(*turns).read == first.written_1h, "renewed for an hour again"
    host.clock.now += 3601
    assert host.use(*turns) == first


def test_an_hour_beyond_a_short_marker_counts_whole() -> None:
    used = Host(MARKED).use(user(LONG, ttl="5m"), user("b" * 8000, ttl="1h"))
    assert used.written == 0
    assert used.written_1h > 4400


@pytest.mark.parametrize("where", ["body", "turn", "system"])
def test_a_marker_may_stand_in_other_places(where: str) -> None:
    control: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
    turn = {"role": "user", "content": LONG}
    fields: dict[str, dict[str, Any]] = {
        "body": {"turns": [turn], **control},
        "turn": {"turns": [turn | control]},
        "system": {"turns": [user("hi")], "system": [{"type": "text", "text": LONG, **control}]},
    }
    told = fields[where]
    assert Host(MARKED).use(*told.pop("turns"), **told).written > 2400


def test_a_marker_that_comes_too_early_or_is_none_keeps_nothing() -> None:
    host = Host(MARKED)
    assert host.use(user("short", ttl="5m"), user(LONG)) == CacheUse()
    assert host.use({**user(LONG), "cache_control": None}) == CacheUse()


def test_an_endpoint_without_a_price_for_writes_ignores_markers() -> None:
    host = Host()
    host.use(user(LONG, ttl="5m"))
    used = host.use(user(LONG), user("more"))
    assert used.read > 2400
    assert not used.written


async def test_a_body_of_any_depth_is_served() -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    turns = [{"role": "user", "content": [{"type": "text", "text": LONG, "more": deep}]}]
    tools = [{**TOOL, "more": deep}]
    for path in PATHS_OF_CHAT:
        body = {"model": "anthropic/claude-sonnet-4.6", "messages": turns, "input": turns}
        reply = await Simulated().post(f"/{path}", {**body, "tools": tools, "reasoning": deep})
        assert reply.status_code == 200, reply.text


blocks = st.text("ab", min_size=0, max_size=3000)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(blocks, st.sampled_from([None, "5m", "1h"])), min_size=1, max_size=5))
def test_what_is_read_and_written_is_never_more_than_the_prompt(
    turns: list[tuple[str, str | None]],
) -> None:
    host = Host(MARKED)
    messages = [user(text, **({"ttl": ttl} if ttl else {})) for text, ttl in turns]
    first, again = host.use(*messages), host.use(*messages)
    ask = asked(host.catalog, messages=messages)
    assert first.written + first.written_1h <= len(ask.prompt) // 4
    assert again == CacheUse(read=first.written + first.written_1h)
    assert sum(len(part.text) for part in parts_of(ask.body)) <= len(ask.prompt)


# --- the bill, in each dialect ----------------------------------------------------------------


BODIES: dict[str, Any] = {
    "chat/completions": {"messages": [user(LONG, ttl="5m")]},
    "messages": {"system": [{"type": "text", "text": LONG, "cache_control": {"ttl": "1h"}}]},
    "responses": {"input": [user(LONG, ttl="5m")]},
}


@pytest.mark.parametrize("path", BODIES)
async def test_each_dialect_reports_reads_and_writes_in_its_own_fields(path: str) -> None:
    simulated = Simulated()
    body: dict[str, Any] = {
        "model": "anthropic/claude-sonnet-4.6",
        "provider": {"only": ["anthropic"]},
    }
    body |= {"messages": [user("hi")], **BODIES[path]}
    first, again = [(await simulated.post(f"/{path}", body)).json()["usage"] for _ in range(2)]
    if path == "messages":
        written = first["cache_creation"]["ephemeral_1h_input_tokens"]
        assert first["cache_creation_input_tokens"] == written > 2400
        assert again["cache_read_input_tokens"] == written
        assert again["cache_creation_input_tokens"] == 0
        assert again["input_tokens"] == first["input_tokens"] < 100, "uncached tokens only"
        rest, price = first["input_tokens"], Decimal("0.000006")
    else:
        side = "prompt" if path == "chat/completions" else "input"
        details = f"{side}_tokens_details"
        written = first[details]["cache_write_tokens"]
        assert (again[details]["cached_tokens"], first[details]["cached_tokens"]) == (written, 0)
        assert written > 2400
        assert first[f"{side}_tokens"] == again[f"{side}_tokens"]
        rest, price = first[f"{side}_tokens"] - written, Decimal("0.00000375")
    costs = [
        Decimal(str(usage["cost_details"][name]))
        for usage in (first, again)
        for name in usage["cost_details"]
        if name in {"upstream_inference_prompt_cost", "upstream_inference_input_cost"}
    ]
    fresh = rest * Decimal("0.000003")
    assert costs == [fresh + written * price, fresh + written * Decimal("0.0000003")]


async def test_a_row_without_a_price_for_an_hour_takes_twice_the_prompt_s(tmp_path: Any) -> None:
    simulated = Simulated(tmp_path, model(MARKED))
    reply = await simulated.chat(messages=[user(LONG, ttl="1h")])
    usage = reply.json()["usage"]
    written = usage["prompt_tokens_details"]["cache_write_tokens"]
    paid = Decimal(str(usage["cost_details"]["upstream_inference_prompt_cost"]))
    assert paid == (usage["prompt_tokens"] - written) * Decimal("0.000001") + written * Decimal(
        "0.000002"
    )


async def test_only_inference_has_a_prompt_cache() -> None:
    catalog = Catalog([model(endpoint("a", input_cache_read=READ))])
    body = {"model": "acme/sim-1", "input": LONG}
    assert read_ask(body, "responses", {}, catalog, Switches()).prompt
    simulated = Simulated()
    embed: dict[str, Any] = {"model": "qwen/qwen3-embedding-8b", "input": LONG}
    for _ in range(2):
        usage = (await simulated.post("/embeddings", embed)).json()["usage"]
        assert "prompt_tokens_details" not in usage


async def test_an_agent_s_conversation_costs_less_at_one_host_than_at_many(tmp_path: Any) -> None:
    """What affinity is for, measured: the same turns, held at one host and spread over four."""

    async def spent(provider: Any) -> tuple[Decimal, int]:
        rows = [endpoint(tag, input_cache_read=READ) for tag in ("a", "b", "c", "d")]
        simulated = Simulated(tmp_path, model(*rows))
        turns, cost, cached = [user(LONG)], Decimal(0), 0
        for number in range(12):
            fields = {"session_id": "one", "provider": provider(number)}
            usage = (await simulated.chat(messages=turns, **fields)).json()["usage"]
            cost += Decimal(str(usage["cost"]))
            cached += usage["prompt_tokens_details"]["cached_tokens"]
            turns.append(user("more " * 100))
        return cost, cached

    held = await spent(lambda _: {})
    spread = await spent(lambda number: {"order": ["abcd"[number % 4]]})
    alone = await spent(lambda number: {"only": ["abcd"[number % 4]]})
    assert held[0] < spread[0] / 2
    assert held[1] > spread[1] > 0
    assert spread == alone, "nothing sticks across a filter"
