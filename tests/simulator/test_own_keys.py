"""Keys of one's own at a provider: its rows go first, and OpenRouter charges its fee alone."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.simulator.refusals import Refusal
from app.simulator.switches import Switches
from tests.simulator.shape import differences
from tests.simulator.simulated import HELLO, METADATA, Simulated, endpoint, events, model, routed

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter"
ROWS = model(endpoint("a/fp8"), endpoint("b/fp8", zdr=True), endpoint("b/fp4", "fp4"))
TIERS = model(endpoint("openai"), endpoint("openai/priority"), endpoint("azure"))
PATHS = ["chat/completions", "completions", "responses", "messages"]
BODY: dict[str, Any] = {"model": "acme/sim-1", "messages": HELLO, "input": "hi", "prompt": "hi"}
STRICT: dict[str, Any] = {"order": ["a"], "allow_fallbacks": False}


def tried(offered: dict[str, Any], *own: str, **fields: Any) -> list[str]:
    switches = Switches(byok=own)
    return [row.tag for row in routed(offered, switches=switches, **fields).available]


@pytest.mark.parametrize(
    ("own", "provider", "tags"),
    [
        (["b"], {"order": ["a", "b"]}, ["b/fp8", "b/fp4", "a/fp8"]),
        (["b/fp4"], {"order": ["a", "b/fp8"]}, ["b/fp4", "a/fp8", "b/fp8"]),
        (["b"], STRICT, ["b/fp8", "b/fp4", "a/fp8"]),
        (["b"], {"order": ["nobody"], "allow_fallbacks": False}, ["b/fp8", "b/fp4"]),
        (["a"], {"sort": "price", "allow_fallbacks": False}, ["a/fp8"]),
        (["b/fp8"], {"order": ["b/fp8"], "allow_fallbacks": False}, ["b/fp8"]),
        (["nobody"], STRICT, ["a/fp8"]),
        ([], STRICT, ["a/fp8"]),
    ],
)
def test_own_keys_go_first_whatever_is_ordered(
    own: list[str], provider: dict[str, Any], tags: list[str]
) -> None:
    assert tried(ROWS, *own, provider=provider) == tags


@pytest.mark.parametrize(
    ("provider", "tags"),
    [
        ({"only": ["a"]}, ["a/fp8"]),
        ({"ignore": ["b"]}, ["a/fp8"]),
        ({"quantizations": ["fp8"], **STRICT}, ["b/fp8", "a/fp8"]),
        ({"zdr": True}, ["b/fp8"]),
        ({"max_price": {"prompt": 0.5}}, []),
    ],
)
def test_every_hard_filter_holds_for_own_keys_too(
    provider: dict[str, Any], tags: list[str]
) -> None:
    if tags:
        assert tried(ROWS, "b", provider=provider) == tags
    else:
        with pytest.raises(Refusal):
            tried(ROWS, "b", provider=provider)


def test_an_own_key_opens_no_tier_that_was_not_asked_for() -> None:
    assert set(tried(TIERS, "openai")) == {"openai", "azure"}
    assert tried(TIERS, "openai", service_tier="priority")[0] == "openai/priority"


def test_own_keys_go_first_across_models() -> None:
    other = model(endpoint("c"), id="acme/sim-2")
    fields: dict[str, Any] = {
        "models": ["acme/sim-2"],
        "provider": {"sort": {"by": "price", "partition": "none"}},
    }
    answer = routed(ROWS, other, switches=Switches(byok=("c",)), **fields)
    assert answer.available[0].tag == "c"
    assert len(answer.available) == 4


def test_the_funnel_says_where_own_keys_were_added() -> None:
    only_others = {"order": ["provider not named"], "allow_fallbacks": False, "ignore": ["b"]}
    with pytest.raises(Refusal) as refused:
        tried(ROWS, "b", provider=only_others)
    assert (refused.value.metadata or {})["failed_routing_step"] == "Filter by Fallback"


async def ask(simulated: Simulated, path: str, **fields: Any) -> list[dict[str, Any]]:
    """The frames of a stream, or a whole body as the only one."""
    reply = await simulated.post(f"/{path}", {**BODY, **fields}, METADATA)
    assert reply.status_code == 200, reply.text
    return list(events(reply.text)) if fields.get("stream") else [reply.json()]


def usage_in(frame: dict[str, Any]) -> dict[str, Any] | None:
    found = frame.get("response", frame).get("usage")
    return found if found and found.get("cost_details") else None


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", [False, True])
async def test_with_an_own_key_the_cost_is_the_fee_and_the_spend_is_told_beside_it(
    path: str, tmp_path: Path, *, stream: bool
) -> None:
    own = await ask(Simulated(tmp_path, ROWS, byok=("a",)), path, stream=stream, provider=STRICT)
    ours = await ask(Simulated(tmp_path, ROWS), path, stream=stream, provider=STRICT)
    (with_key,) = {json.dumps(usage) for frame in own[-2:] if (usage := usage_in(frame))}
    (without,) = {json.dumps(usage) for frame in ours[-2:] if (usage := usage_in(frame))}
    fee, paid = json.loads(with_key), json.loads(without)
    assert (fee["is_byok"], paid["is_byok"]) == (True, False)
    assert fee["cost_details"] == paid["cost_details"]
    spent = Decimal(str(fee["cost_details"]["upstream_inference_cost"]))
    assert Decimal(str(paid["cost"])) == spent
    assert Decimal(str(fee["cost"])) == spent * Decimal("0.05")
    told = json.dumps(own)
    assert told.count('"is_byok": true') >= 2
    assert '"is_byok": false' not in told


async def test_usage_with_an_own_key_looks_as_composed(tmp_path: Path) -> None:
    was = json.loads((FIXTURES / "additions" / "usage_all_fields.COMPOSED.json").read_text("utf-8"))
    simulated = Simulated(tmp_path, ROWS, byok=("a",))
    (body,) = await ask(simulated, "chat/completions", provider=STRICT)
    more = ("$.prompt_tokens_details", "$.completion_tokens_details")
    lacking = ("$.true_spend_usd",)
    assert not differences([was["chat_byok"]], body["usage"], may_add=more, may_lack=lacking)


@pytest.mark.parametrize(
    ("position", "by_usage", "by_router"),
    [("both", True, True), ("metadata", False, True), ("neither", False, False)],
)
@pytest.mark.parametrize("path", PATHS)
async def test_an_answer_can_keep_silent_about_own_keys(
    position: str, path: str, tmp_path: Path, *, by_usage: bool, by_router: bool
) -> None:
    simulated = Simulated(tmp_path, ROWS, byok=("a",), byok_field=position)
    (body,) = await ask(simulated, path, provider=STRICT)
    assert ("is_byok" in body["usage"]) == by_usage
    assert ("is_byok" in body["openrouter_metadata"]) == by_router


async def test_a_record_and_an_error_tell_of_own_keys(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, ROWS, byok=("b/fp8",))
    reply = await simulated.chat(provider=STRICT, simulate={"fail": {"b": 429}}, headers=METADATA)
    simulated.clock.now += 10
    record = (await simulated.get(f"/generation?id={reply.json()['id']}")).json()["data"]
    assert [row["is_byok"] for row in record["provider_responses"]] == [True, False]
    assert record["is_byok"] is False
    assert record["total_cost"] == record["upstream_inference_cost"]

    reply = await simulated.chat(provider=STRICT)
    simulated.clock.now += 10
    record = (await simulated.get(f"/generation?id={reply.json()['id']}")).json()["data"]
    assert record["is_byok"] is True
    assert record["total_cost"] == pytest.approx(0.05 * record["upstream_inference_cost"])

    pinned = {"only": ["b/fp8"]}
    failed = await simulated.chat(provider=pinned, simulate={"fail": {"b": 429}}, headers=METADATA)
    assert failed.json()["error"]["metadata"]["is_byok"] is True
    assert failed.json()["openrouter_metadata"]["is_byok"] is True
