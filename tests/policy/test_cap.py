"""A cap of one request's cost: refused, limited, or within it at every endpoint."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.catalog.catalog import EMPTY, Catalog
from app.catalog.preset import Preset
from app.errors import PolicyFileError, RequestCostUnknown, RequestTooExpensive
from app.policy.apply import Outgoing, apply
from app.policy.cap import WORDS, Capped, capped, market_of, models_reached
from app.policy.prompt_size import HIDDEN, MANY, PICTURE, Size, count, size_of
from app.policy.request import read_request
from app.policy.request_cost import Bound, bound_at, most_output
from app.policy.routed import routed
from app.policy.slices import split
from app.simulator.ask import read_ask
from app.simulator.caches import CacheUse
from app.simulator.catalog import Catalog as Simulated
from app.simulator.completion import complete
from app.simulator.routing import filtered
from app.simulator.switches import Switches
from tests.policy.listings import MODEL, NOW, endpoint, row
from tests.policy.sending import book_of

HELLO = [{"role": "user", "content": "hi"}]
LIMITED = ["max_tokens", "temperature"]


def offered(tag: str = "novita/fp8", **more: Any) -> dict[str, Any]:
    """A row at $1 a million tokens of prompt and $10 a million of output."""
    named: dict[str, Any] = {"context_length": 100_000, "max_completion_tokens": 50_000} | more
    pricing = {"prompt": "0.000001", "completion": "0.00001"} | named.pop("pricing", {})
    return {
        **row(tag, tag.title(), **pricing),
        "supported_parameters": LIMITED,
        **named,
    }


def catalog(*rows: dict[str, Any], model: str = MODEL, age: float = 0) -> Catalog:
    return EMPTY.with_listing(model, list(rows or (offered(),)), NOW - age)


def sent(
    rule: Mapping[str, Any] | float,
    body: Mapping[str, Any] | None = None,
    known: Catalog | None = None,
    dialect: str = "chat",
    raw: bytes | None = None,
) -> tuple[Outgoing, Capped]:
    """A request as it is sent under a rule, or under a rule with only a cap."""
    wanted = rule if isinstance(rule, Mapping) else {"max_request_usd": rule}
    asked = {"model": MODEL, "messages": HELLO, **(body or {})}
    request = read_request(raw or json.dumps(asked).encode())
    found = known or catalog()
    by = routed(book_of(wanted), request, caller=None, user_agent="", catalog=found)
    market = market_of(models_reached(by), found, now=NOW)
    return capped(apply(by.request, by.route), by, dialect, market)


def refusal(*args: Any, unknown: bool = False, **named: Any) -> str:
    kind = RequestCostUnknown if unknown else RequestTooExpensive
    with pytest.raises(kind) as caught:
        sent(*args, **named)
    return str(caught.value)


CLAMP = {"max_request_usd": {"usd": 0.1, "clamp": True}}

# --- refused or not ---------------------------------------------------------------------------


def test_a_request_within_its_cap_is_sent_as_it_came() -> None:
    outgoing, found = sent(0.02, {"max_tokens": 1000})
    assert (outgoing.changed, outgoing.overruled, found.limit) == ((), (), None)
    assert found.bound is not None
    assert found.bound.usd is not None
    assert Decimal("0.0105") < found.bound.usd < Decimal("0.0106")


def test_a_dearer_one_is_refused_with_rule_endpoint_figures_and_a_way_out() -> None:
    said = refusal(0.1, {"max_tokens": 20_000})
    assert said.startswith(
        'rule "rule-0" (test.yaml:1) allows $0.1 for one request (max_request_usd), and this one '
        "could cost $0.21 "
    )
    assert "at novita/fp8 for acme/sim-1: 5" in said
    assert "20,000 of output at $10 a million; set `max_tokens` to 99" in said


def test_a_request_without_a_limit_counts_as_long_as_an_endpoint_answers() -> None:
    assert "50,000 of output" in refusal(0.1)
    roomy = catalog(offered(max_completion_tokens=None))
    assert "100,000 of output" in refusal(0.1, known=roomy)


def test_the_dearest_endpoint_that_is_still_allowed_counts() -> None:
    rows = (offered("novita"), offered("dear", pricing={"completion": "0.0001"}))
    assert "at dear for" in refusal(0.3, {"max_tokens": 9000}, catalog(*rows))
    body = {"max_tokens": 9000, "provider": {"ignore": ["dear"]}}
    assert sent(0.3, body, catalog(*rows))[1].limit is None
    rule = {"max_request_usd": 0.3, "only": ["novita"]}
    assert sent(rule, {"max_tokens": 9000}, catalog(*rows))[1].limit is None


def test_all_models_that_may_answer_count() -> None:
    known = catalog().with_listing(
        "acme/big", [offered("big", pricing={"completion": "0.001"})], NOW
    )
    body = {"max_tokens": 1000, "models": ["acme/big"]}
    assert "at big for acme/big" in refusal(0.1, body, known)


def test_the_lowest_of_several_models_caps_holds() -> None:
    known = catalog().with_listing("acme/big", [offered("big")], NOW)
    rules = (
        {"name": "one", "models": [MODEL], "max_request_usd": {"usd": 0.1, "clamp": True}},
        {"name": "two", "models": ["acme/big"], "max_request_usd": 0.01},
    )
    request = read_request(json.dumps({"model": MODEL, "models": ["acme/big"]}).encode())
    by = routed(book_of(*rules), request, caller=None, user_agent="", catalog=known)
    assert by.route.cap is not None
    assert (by.route.cap.usd, by.route.cap.clause.rule) == (Decimal("0.01"), "two")


def test_with_no_endpoint_left_openrouter_says_so() -> None:
    outgoing, found = sent({"max_request_usd": 0.001, "only": ["nobody"]})
    assert (found.bound, outgoing.changed) == (None, ("provider",))


def test_a_route_without_a_cap_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no cap"):
        sent({"zdr": True})


# --- what is not known ------------------------------------------------------------------------


@pytest.mark.parametrize("known", [EMPTY, catalog(age=90_000), catalog(model="acme/other")])
def test_without_a_fresh_listing_it_is_refused(known: Catalog) -> None:
    said = refusal(9, known=known, unknown=True)
    assert "there is no listing of its endpoints and prices" in said


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"pricing": {"prompt": "-1"}}, "its price for prompt is not known"),
        ({"pricing": {"completion": "dear"}}, "its price for completion is not known"),
        ({"pricing": {"request": "-1"}}, "its price for request is not known"),
        ({"pricing": {"overrides": "at night"}}, "its price for prompt is not known"),
        ({"max_completion_tokens": None, "context_length": None}, "no limit for the answer"),
    ],
)
def test_an_endpoint_without_a_price_or_an_end_is_refused(changed: Any, why: str) -> None:
    assert why in refusal(9, known=catalog(offered(), offered("odd", **changed)), unknown=True)


@pytest.mark.parametrize("dialect", ["images", "rerank", "videos", "batches", ""])
def test_what_is_not_charged_by_tokens_is_refused_unless_the_rule_lets_it_pass(
    dialect: str,
) -> None:
    assert "set `routes: pass`" in refusal(9, dialect=dialect, unknown=True)
    outgoing, found = sent({"max_request_usd": 9, "routes": "pass"}, dialect=dialect)
    assert (found.bound, outgoing.changed) == (None, ())
    assert [each.field for each in outgoing.overruled] == ["max_request_usd"]


# --- prices -----------------------------------------------------------------------------------

_LONG = {"min_prompt_tokens": 50_000, "prompt": "0.000002", "completion": "0.00002"}
_NIGHT = {"utc_start": 100, "utc_end": 500, "completion": "0.00003"}


@pytest.mark.parametrize(
    ("pricing", "body", "usd"),
    [
        ({}, {}, "0.010000"),
        ({"request": "0.5"}, {}, "0.510000"),
        ({"internal_reasoning": "0.00002"}, {}, "0.020000"),
        ({"image_output": "0.00004"}, {}, "0.040000"),
        ({"overrides": [_NIGHT]}, {}, "0.030000"),
        ({"overrides": [_LONG]}, {}, "0.010000"),
        ({"input_cache_write": "0.001"}, {}, "0.010000"),
        ({"web_search": "0.01"}, {}, "0.010000"),
        ({}, {"n": 3}, "0.030000"),
        ({}, {"n": 2.5}, "0.030000"),
        ({}, {"max_completion_tokens": 2000}, "0.020000"),
    ],
)
def test_the_dearest_price_that_may_apply_counts(pricing: Any, body: Any, usd: str) -> None:
    known = catalog(offered(pricing=pricing))
    _, found = sent(9, {"max_tokens": 1000, **body}, known)
    assert found.bound is not None
    assert found.bound.usd is not None
    prompt = found.bound.prompt_tokens * found.bound.prompt_price
    assert found.bound.usd - prompt == Decimal(usd)


@pytest.mark.parametrize(
    ("pricing", "control", "price"),
    [
        ({}, {"type": "ephemeral"}, "0.000001"),
        ({"input_cache_write": "0.00000125"}, {"type": "ephemeral"}, "0.00000125"),
        ({"input_cache_write": "0.00000125"}, {"type": "ephemeral", "ttl": "1h"}, "0.000002"),
        ({"input_cache_write": "0.00000125", "input_cache_write_1h": "0.000003"},
         {"type": "ephemeral", "ttl": "1h"}, "0.000003"),
    ],
)  # fmt: skip
def test_a_marked_prompt_is_charged_as_written_to_a_cache(
    pricing: Any, control: Any, price: str
) -> None:
    known = catalog(offered(pricing=pricing))
    part = {"type": "text", "text": "hi", "cache_control": control}
    body = {"messages": [{"role": "user", "content": [part]}], "max_tokens": 1}
    _, found = sent(9, body, known)
    assert found.bound is not None
    assert found.bound.prompt_price == Decimal(price)


def test_a_long_prompt_is_charged_at_the_price_for_long_prompts() -> None:
    known = catalog(offered(pricing={"overrides": [_LONG]}))
    _, found = sent(9, {"messages": [{"role": "user", "content": "1" * 60_000}]}, known)
    assert found.bound is not None
    assert (found.bound.prompt_price, found.bound.output_price) == (
        Decimal("0.000002"),
        Decimal("0.00002"),
    )


def test_where_reading_is_dearer_than_writing_the_prompt_has_the_context() -> None:
    size = Size(prompt=80_000)
    dear = endpoint("a", "A", prompt="0.00002", completion="0.00001")
    bound = bound_at(MODEL, replace(dear, context_length=100_000), size, None)
    assert (bound.prompt_tokens, bound.output_tokens) == (80_000, 20_000)
    plain = replace(endpoint("a", "A"), context_length=100_000, max_completion_tokens=40_000)
    bound = bound_at(MODEL, plain, size, None)
    assert (bound.prompt_tokens, bound.output_tokens) == (60_000, 40_000)
    bound = bound_at(MODEL, plain, Size(prompt=None), None)
    assert (bound.prompt_tokens, bound.output_tokens) == (60_000, 40_000)


def test_a_fast_answer_is_charged_as_the_tier_that_it_is() -> None:
    rows = (offered("novita"), offered("novita/priority", pricing={"completion": "0.0001"}))
    assert sent(0.1, {"max_tokens": 5000}, catalog(*rows))[1].limit is None
    for asked in ({"speed": "fast"}, {"service_tier": "priority"}):
        said = refusal(0.1, {"max_tokens": 5000, **asked}, catalog(*rows))
        assert "at novita/priority" in said


# --- limited ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "before", "after"),
    [
        ("chat", {}, {"max_tokens"}),
        ("chat", {"max_tokens": 20_000}, {"max_tokens"}),
        ("chat", {"max_completion_tokens": 20_000}, {"max_completion_tokens"}),
        ("chat", {"max_tokens": 5, "max_completion_tokens": 20_000}, {"max_completion_tokens"}),
        ("chat", {"max_tokens": None}, {"max_tokens"}),
        ("chat", {"max_tokens": "many"}, {"max_tokens"}),
        ("completions", {}, {"max_tokens"}),
        ("responses", {"max_output_tokens": 20_000}, {"max_output_tokens"}),
        ("responses", {"max_tokens": 5}, {"max_output_tokens"}),
        ("messages", {"max_tokens": 20_000}, {"max_tokens"}),
    ],
)
def test_clamp_lowers_the_limit_in_the_words_of_the_api(
    dialect: str, before: dict[str, Any], after: set[str]
) -> None:
    outgoing, found = sent(CLAMP, before, dialect=dialect)
    assert found.limit is not None
    assert found.bound is not None
    assert found.bound.usd is not None
    assert 9000 < found.limit < 10_000
    assert found.bound.usd <= Decimal("0.1")
    assert {each.field for each in outgoing.overruled} == after == set(outgoing.changed)
    told = json.loads(outgoing.body)
    assert {name: told[name] for name in after} == dict.fromkeys(after, found.limit)
    (first, *_) = outgoing.overruled
    assert (first.asked, first.sent, first.rule) == (before.get(first.field), found.limit, "rule-0")
    assert first.why.startswith("max_request_usd: it could have cost $0.")


def test_everything_else_in_the_body_stays_byte_for_byte() -> None:
    raw = (
        b'{ "model" : "acme/sim-1","messages":[{"role":"user","content":"h\\u00e9"}], '
        b'"max_tokens": 20000 ,"x":1e2}'
    )
    outgoing, found = sent(CLAMP, raw=raw)
    assert outgoing.body == raw.replace(b"20000", b"%d" % (found.limit or 0))


def test_an_endpoint_that_a_lower_limit_lets_in_counts() -> None:
    """With 20,000 tokens only the roomy one may serve; with 9,000 the dear one may, too."""
    rows = (
        offered("roomy"),
        offered("dear", pricing={"completion": "0.00002"}, max_completion_tokens=10_000),
    )
    _, found = sent(CLAMP, {"max_tokens": 20_000}, catalog(*rows))
    assert found.bound is not None
    assert found.bound.endpoint.tag == "dear"
    assert found.limit is not None
    assert 4500 < found.limit < 5000


@pytest.mark.parametrize(
    ("usd", "dialect", "body", "why"),
    [
        (0.0004, "chat", {}, "shorten the prompt"),
        (0.00066, "responses", {"max_output_tokens": 99}, "shorten the prompt"),
        (0.1, "messages", {"thinking": {"type": "enabled", "budget_tokens": 12_000}},
         "allows 12000 of thought"),
        (0.1, "chat", {"reasoning": {"max_tokens": 12_000}}, "allows 12000 of thought"),
        (0.0001, "embeddings", {"input": "hi"}, "shorten the input"),
    ],
)  # fmt: skip
def test_clamp_refuses_where_no_limit_helps(usd: float, dialect: str, body: Any, why: str) -> None:
    assert why in refusal({"max_request_usd": {"usd": usd, "clamp": True}}, body, dialect=dialect)


def test_clamp_refuses_an_endpoint_that_ignores_limits() -> None:
    """OpenRouter drops a parameter in silence where an endpoint does not support it."""
    known = catalog(offered(), offered("deaf", supported_parameters=["temperature"]))
    assert "at deaf for" in refusal(0.1, {"max_tokens": 10}, known)
    assert "this endpoint does not support `max_tokens`" in refusal(
        CLAMP, {"max_tokens": 10}, known
    )


def test_a_budget_of_thought_below_the_limit_is_left_alone() -> None:
    body = {"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 50_000}
    outgoing, found = sent(CLAMP, body, dialect="messages")
    assert json.loads(outgoing.body)["thinking"] == body["thinking"]
    assert (found.limit or 0) > 2000


@pytest.mark.parametrize("usd", [0, 0.001, 1])
def test_an_endpoint_that_is_free_to_write_limits_nothing(usd: float) -> None:
    free = catalog(offered(pricing={"prompt": "0", "completion": "0"}))
    assert sent({"max_request_usd": {"usd": usd, "clamp": True}}, known=free)[1].limit is None
    reading = replace(endpoint("a", "A", completion="0"), max_completion_tokens=9)
    told = replace(reading, supported_parameters=("max_tokens",))
    assert most_output(told, Size(prompt=9), Decimal(0)) == 0
    assert most_output(told, Size(prompt=None), Decimal(0)) == 0
    unknown = endpoint("a", "A", completion="-1")
    assert most_output(unknown, Size(prompt=9), Decimal(9)) == 0
    endless = replace(endpoint("a", "A", completion="0"), supported_parameters=("max_tokens",))
    assert most_output(endless, Size(prompt=9), Decimal(9)) is None


# --- OpenRouter's own tools -------------------------------------------------------------------

SEARCH = {"tools": [{"type": "openrouter:web_search"}], "max_tokens": 100}


def stop(*amounts: object) -> dict[str, Any]:
    conditions = [{"type": "max_cost", "max_cost_in_dollars": amount} for amount in amounts]
    return {"stop_server_tools_when": conditions}


def test_tools_of_openrouter_need_a_bound_of_their_own() -> None:
    said = refusal(0.1, SEARCH, unknown=True)
    assert "OpenRouter's own tools (tools.openrouter:web_search) can cost any amount" in said
    assert "[{type: max_cost, max_cost_in_dollars: 0.05}]" in said
    outgoing, found = sent({"max_request_usd": 0.1, "set": stop(0.05)}, SEARCH)
    assert (found.tools_usd, outgoing.changed) == (Decimal("0.05"), ("stop_server_tools_when",))
    assert sent(0.1, {**SEARCH, **stop(0.09, 0.05)})[1].tools_usd == Decimal("0.05")
    said = refusal(0.1, {**SEARCH, **stop(0.0999)})
    assert ", $0.0999 for OpenRouter's own tools" in said


@pytest.mark.parametrize(
    "stopping",
    [
        stop(),
        stop("0.1"),
        stop(-1),
        stop(True),
        {"stop_server_tools_when": {"type": "max_cost", "max_cost_in_dollars": 0.1}},
        {"stop_server_tools_when": [{"type": "step_count_is", "step_count": 1}, 7]},
    ],
)
def test_only_a_condition_on_the_cost_is_one(stopping: Any) -> None:
    assert "can cost any amount" in refusal(9, {**SEARCH, **stopping}, unknown=True)


@pytest.mark.parametrize(
    "body",
    [
        {"plugins": [{"id": "web"}]},
        {"plugins": [{"id": "fusion", "model": "a/b"}]},
        {"mcp_servers": [{"url": "https://x"}]},
        {"web_search_options": {}},
        {"model": f"{MODEL}:online"},
    ],
)
def test_what_searches_beside_the_loop_is_refused(body: Any) -> None:
    assert "whose cost no listing shows" in refusal(9, {**body, **stop(0.1)}, unknown=True)


def test_a_plugin_that_calls_nothing_is_no_cost() -> None:
    assert sent(9, {"plugins": [{"id": "response-healing"}]})[1].tools_usd == 0


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        ({"type": "max_cost"}, "must be a list"),
        ([], "must be a list"),
        (["max_cost"], "each with a `type`"),
        ([{"type": "max_price"}], "each with a `type`"),
        ([{"type": ["max_cost"]}], "each with a `type`"),
        ([{"type": "max_cost", "max_cost_in_dollars": "1"}], "requires `max_cost_in_dollars`"),
        ([{"type": "max_cost", "max_cost_in_dollars": -1}], "a number of 0 or more"),
        ([{"type": "max_cost", "max_cost_in_dollars": True}], "a number of 0 or more"),
        ([{"type": "step_count_is", "step_count": 1.5}], "a whole number"),
        ([{"type": "has_tool_call", "tool_name": 1}], "`tool_name`, a text"),
        ([{"type": "max_cost", "max_cost_in_dollars": 1, "x": 1}], "has no `x`"),
    ],
)
def test_a_bound_that_openrouter_would_not_take_is_a_mistake(conditions: Any, why: str) -> None:
    with pytest.raises(PolicyFileError, match="stop_server_tools_when") as caught:
        book_of({"set": {"stop_server_tools_when": conditions}})
    assert why in str(caught.value)


# --- the size of a prompt ---------------------------------------------------------------------


def sized(**body: Any) -> Size:
    return size_of(split(json.dumps({"messages": HELLO, **body}).encode())[1])


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def test_small_letters_are_half_a_token_and_every_other_byte_is_one() -> None:
    assert count(b"ab c") == 2
    assert count(b"abc") == 2
    assert count(b"A1.") == 3
    assert count("上".encode()) == 3


def test_a_picture_counts_as_a_picture_wherever_its_bytes_are() -> None:
    plain = sized(**user({"type": "text", "text": "hi"})).prompt
    assert plain is not None
    for url in ("https://x/y.png", "data:image/png;base64," + "iVBORw0KGgo" * 50_000):
        size = sized(**user({"type": "image_url", "image_url": {"url": url}}))
        assert size.pictures == 1
        assert size.prompt is not None
        assert PICTURE + HIDDEN < size.prompt < plain + PICTURE + 50
    inside = {"type": "tool_result", "content": [{"type": "image", "source": {"data": "x" * 900}}]}
    assert sized(**user(inside)).pictures == 1


@pytest.mark.parametrize(
    "body",
    [
        user({"type": "file", "file": {"file_id": "x"}}),
        user({"type": "input_audio", "input_audio": {"data": "x"}}),
        user({"type": ["text"]}),
        {"messages": [{"role": "assistant", "audio": {"id": "x"}}]},
        {"prompt": {"id": "pmpt_1"}},
        {"previous_response_id": "resp_1"},
        user({"content": [{"content": [{"content": [{"content": [{"content": [{}]}]}]}]}]}),
    ],
)
def test_what_is_not_in_the_body_can_fill_the_context(body: Any) -> None:
    assert sized(**body).prompt is None


def test_half_a_character_is_read_and_half_a_value_is_not() -> None:
    fields = split(b'{"messages":[{"role":"user","content":"\\ud83d"}]}')[1]
    assert size_of(fields).prompt is not None
    broken: Any = {"messages": b'[{"a":'}
    assert size_of(broken).prompt is None
    assert size_of({**fields, "n": broken["messages"]}).answers == MANY


def test_a_prediction_is_charged_like_an_answer() -> None:
    size = sized(prediction={"type": "content", "content": "x" * 2000})
    assert 1000 <= size.predicted < 1100
    _, found = sent(9, {"prediction": {"content": "x" * 2000}, "max_tokens": 10})
    assert found.bound is not None
    assert found.bound.output_tokens > 1000


def test_sound_and_pictures_have_prices_of_their_own() -> None:
    known = catalog(offered(pricing={"audio": "0.00003", "image": "0.01"}))
    _, found = sent(9, user({"type": "input_audio", "input_audio": {"data": "x"}}), known)
    assert found.bound is not None
    assert found.bound.prompt_price == Decimal("0.00003")
    picture = {"type": "image_url", "image_url": {"url": "https://x"}}
    _, found = sent(9, user(picture, picture), known)
    assert found.bound is not None
    assert "$0.02 in fees" in str(found.bound)


# --- several answers, and several prompts -------------------------------------------------------


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("value", [99999.0, "99999", 0, -1, True, {"a": 1}])
def test_a_limit_that_can_not_be_read_makes_the_other_one_count_for_nothing(
    name: str, value: Any
) -> None:
    """It is not known which of them the host takes."""
    other = {"max_tokens": "max_completion_tokens"}.get(name, "max_tokens")
    body = {name: value, other: 10}
    assert "50,000 of output" in refusal(0.1, body)
    outgoing, found = sent(CLAMP, body)
    arrived = json.loads(outgoing.body)
    assert (arrived[name], arrived[other]) == (found.limit, 10)


def test_a_limit_of_null_is_none_at_all() -> None:
    _, found = sent(0.1, {"max_tokens": 10, "max_completion_tokens": None})
    assert found.bound is not None
    assert found.bound.output_tokens == 10


@pytest.mark.parametrize("number", ["1e40", "1e400", "[20]", '"many"', '"\\ud83d"', "true"])
@pytest.mark.parametrize("name", ["n", "best_of"])
def test_a_number_of_answers_that_can_not_be_read_is_more_than_any(name: str, number: str) -> None:
    raw = f'{{"model":"{MODEL}","messages":[],"max_tokens":1,"{name}":{number}}}'.encode()
    assert "1,000,000 of output" in refusal(1, raw=raw)


@pytest.mark.parametrize(
    ("prompt", "answers"),
    [
        ("a", 1),
        (["a"], 1),
        (["a"] * 50, 50),
        ([[1], [2, 3]], 2),
        ([1, 2, 3], 1),
        (["a", 1], 2),
        ([], 1),
    ],
)
def test_each_prompt_of_a_list_has_an_answer_of_its_own(prompt: Any, answers: int) -> None:
    body = {"messages": None, "prompt": prompt, "max_tokens": 100}
    _, found = sent(9, body, dialect="completions")
    assert found.bound is not None
    assert found.bound.output_tokens == 100 * answers
    _, found = sent(9, {**body, "n": 2}, dialect="completions")
    assert found.bound is not None
    assert found.bound.output_tokens == 200 * answers


def test_clamp_leaves_each_of_several_answers_its_part() -> None:
    body = {"messages": None, "prompt": ["a"] * 50}
    outgoing, found = sent(CLAMP, body, dialect="completions")
    limit = json.loads(outgoing.body)["max_tokens"]
    assert limit == found.limit
    assert 150 < limit < 200  # of 10,000 tokens
    assert found.bound is not None
    assert found.bound.usd is not None
    assert found.bound.usd <= Decimal("0.1")


@pytest.mark.parametrize("texts", [1, 100])
def test_a_list_of_texts_to_embed_is_not_held_by_one_context(texts: int) -> None:
    """Each may fill the context by itself; together they can be a hundred times as long."""
    known = catalog(offered(context_length=1000, pricing={"completion": "0"}))
    body = {"messages": None, "input": ["0" * 900] * texts}
    _, found = sent(9, body, known, dialect="embeddings")
    assert found.bound is not None
    assert found.bound.prompt_tokens >= 900 * texts
    assert found.bound.prompt_tokens <= 1000 * texts
    assert "could cost" in refusal(0.0001, body, known, dialect="embeddings")


@pytest.mark.parametrize(
    ("part", "dialect", "field"),
    [
        ({"type": "file", "file": {"file_data": "https://x/a.pdf"}}, "chat", "messages"),
        ({"type": "document", "source": {"url": "https://x/a.pdf"}}, "messages", "messages"),
        ({"type": "input_file", "file_url": "https://x/a.pdf"}, "responses", "input"),
        ({"type": "tool_result", "content": [{"type": "document"}]}, "messages", "messages"),
    ],
)
def test_a_file_for_a_model_that_takes_none_is_parsed_for_a_fee_that_is_not_known(
    part: Any, dialect: str, field: str
) -> None:
    body = {field: [{"role": "user", "content": [part]}], "max_tokens": 10}
    said = refusal(9, body, dialect=dialect, unknown=True)
    assert "has a file, which acme/sim-1 is not known to take itself" in said
    listed = {"id": MODEL, "architecture": {"input_modalities": ["text", "file"]}}
    reads = catalog().with_models([listed])
    assert sent(9, body, reads, dialect=dialect)[1].limit is None


def test_several_prompts_without_a_context_are_bounded_by_their_bytes() -> None:
    known = catalog(offered(context_length=None))
    body = {"messages": None, "prompt": ["a"] * 3, "max_tokens": 10}
    _, found = sent(9, body, known, dialect="completions")
    assert found.bound is not None
    assert 500 < found.bound.prompt_tokens < 700


# --- the bound, and what the simulator charges --------------------------------------------------

PRICES = ["0", "0.0000001", "0.000003", "0.00002"]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**9))
@example(1348)  # a dear endpoint whose answers are too short, which does not serve
@example(325)  # and one whose context is
def test_no_endpoint_charges_more_than_the_bound(number: int) -> None:
    """Random listings and requests; the simulated bill of each endpoint that may serve."""
    dice = Random(number)
    rows = [_random_row(dice, place) for place in range(dice.randint(1, 4))]
    text = "".join(dice.choice(["lorem ", "x1 ", "{}", "上"]) for _ in range(dice.randint(1, 400)))
    body: dict[str, Any] = {"messages": [{"role": "user", "content": [_part(text, dice)]}]}
    if dice.random() < 0.7:
        body["max_tokens"] = dice.choice([1, 20, 5000])
    rule = {"max_request_usd": {"usd": dice.choice([0.0001, 0.01, 1]), "clamp": True}}
    try:
        outgoing, found = sent(rule, body, catalog(*rows))
    except (RequestTooExpensive, RequestCostUnknown):
        return
    if found.bound is None:
        return
    assert found.bound.usd is not None
    assert found.bound.usd <= found.cap.usd
    listed = {"id": MODEL, "canonical_slug": MODEL, "endpoints": rows,
              "architecture": {"output_modalities": ["text"]}}  # fmt: skip
    simulated = Simulated([listed])
    ask = read_ask(json.loads(outgoing.body), "chat", {}, simulated, Switches())
    for one in filtered(ask, ask.candidates[0]).left:
        if "max_tokens" in one.parameters:
            cache = _cache(ask.prompt, dice) if one.takes_markers else CacheUse()
            answer = complete(ask, one, created=int(NOW), random=dice, cache=cache)
            assert answer.usage.cost <= found.bound.usd, (answer.usage, found.bound)


def _random_row(dice: Random, place: int) -> dict[str, Any]:
    pricing = {name: dice.choice(PRICES) for name in ("prompt", "completion")}
    more = ("input_cache_write", "input_cache_read", "input_cache_write_1h", "request")
    pricing |= {name: dice.choice(PRICES) for name in more if dice.random() < 0.3}
    overrides = [
        {"min_prompt_tokens": dice.choice([10, 300]), "prompt": dice.choice(PRICES)},
        {"utc_start": 0, "utc_end": 2359, "completion": dice.choice(PRICES)},
    ]
    return offered(
        f"host{place}",
        pricing={**pricing, "overrides": overrides[: dice.randint(0, 2)]},
        context_length=dice.choice([2000, 100_000]),
        max_completion_tokens=dice.choice([None, 100, 4000]),
        supported_parameters=dice.choice([LIMITED, LIMITED, []]),
    )


def _part(text: str, dice: Random) -> dict[str, Any]:
    ttl = dice.choice([{}, {"ttl": "1h"}])
    control = {"cache_control": {"type": "ephemeral", **ttl}} if dice.random() < 0.5 else {}
    return {"type": "text", "text": text, **control}


def _cache(prompt: str, dice: Random) -> CacheUse:
    if "cache_control" not in prompt:
        return CacheUse(read=dice.choice([0, 50]))
    hour = 10**6 if '"1h"' in prompt else 0
    return CacheUse(read=0, written=0 if hour else 10**6, written_1h=hour)


def test_every_bounded_api_is_one_that_there_is() -> None:
    assert set(WORDS) == {"chat", "completions", "responses", "messages", "embeddings"}
    assert isinstance(sent(9)[1].bound, Bound)


# --- presets ----------------------------------------------------------------------------------


def test_a_preset_can_bring_models_and_a_prompt_of_any_length() -> None:
    preset = Preset("mine", 1, msgspec.Raw(b'{"max_tokens":1000}'), None, (MODEL,))
    request = read_request(json.dumps({"model": "@preset/mine", "messages": HELLO}).encode())
    by = routed(
        book_of({"max_request_usd": 9}),
        request,
        caller=None,
        user_agent="",
        catalog=EMPTY,
        presets={"mine": preset},
    )
    assert models_reached(by) == (MODEL,)
    market = market_of(models_reached(by), catalog(), now=NOW)
    _, found = capped(apply(request, by.route, by.presets), by, "chat", market)
    assert found.bound is not None
    assert (found.bound.prompt_tokens, found.bound.output_tokens) == (99_000, 1000)


def test_a_field_that_can_not_be_read_limits_nothing() -> None:
    raw = b'{"model":"acme/sim-1","messages":[],"max_tokens":"\\ud83d","thinking":"\\ud83d"}'
    _, found = sent(9, raw=raw)
    assert found.bound is not None
    assert found.bound.output_tokens == 50_000
    raw = raw.replace(b'"thinking"', b'"stop_server_tools_when"').replace(
        b'"messages"', b'"tools":[{"type":"openrouter:web_search"}],"messages"'
    )
    assert "can cost any amount" in refusal(9, raw=raw, unknown=True)
