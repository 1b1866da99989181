"""A budget holds over real sockets: on every path, for each caller or tool, after a restart."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.wire.dialect import DIALECTS
from tests.conftest import Proxy, StartProxy
from tests.scripted_upstream import Pause, ScriptedUpstream, reply, sse
from tests.waiting import until_seen

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
RULE = "version: 1\nrules:\n  - {name: held, models: ['*'], routes: pass, budget: %s}\n"
DAY = "{usd: 1, per: day}"
# What each path takes besides a model; batches have theirs inside.
BODIES: dict[str, dict[str, Any]] = {"batches": {"requests": []}}


def costs(usd: float, **usage: Any) -> Any:
    said = {"id": "gen-1", "provider": "Novita", "model": "acme/sim-1", "choices": [
        {"finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "cost": usd, **usage}}  # fmt: skip
    return reply(json.dumps(said).encode())


async def ask(proxy: Proxy, headers: dict[str, str] | None = None, **more: Any) -> Any:
    return await proxy.client.post(proxy.url + CHAT, json={**ASK, **more}, headers=headers or {})


async def spent(proxy: Proxy) -> float:
    """What the process that answers knows to be spent of the first budget."""
    dry = await proxy.client.post(f"{proxy.url}/pointsman/explain", json=ASK)
    assert dry.status_code == 200, dry.text
    found: float = dry.json()["budgets"][0]["spent_usd"]
    return found


async def until_spent(proxy: Proxy, usd: float) -> None:
    async def seen() -> bool:
        return await spent(proxy) == pytest.approx(usd)

    await until_seen(seen)


async def test_a_spent_budget_refuses_before_anything_is_sent_and_says_when_it_is_free_again(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(RULE % DAY, upstream_url=openrouter.url, time_zone="Europe/Berlin")
    openrouter.plays(costs(0.75))
    for _ in range(2):
        assert (await ask(proxy)).status_code == 200
    await until_spent(proxy, 1.5)
    count = len(openrouter.requests)
    answer = await ask(proxy)
    assert answer.status_code == 402
    assert len(openrouter.requests) == count
    error = answer.json()["error"]
    assert (error["code"], error["type"]) == ("budget_exceeded", "invalid_request_error")
    assert answer.headers["x-should-retry"] == "false"
    assert 'the budget of rule "held" (' in error["message"]
    assert "test.yaml:3) is spent: $1.50 of $1 per day; it is free again at 20" in error["message"]
    assert "T00:00:00+0" in error["message"]
    filed = (await proxy.receipts(3))[0]
    assert (filed["ending"], filed["error_code"]) == ("refused", "budget_exceeded")
    assert (filed["status"], filed["model_sent"], filed["rules"]) == (402, None, ["held"])
    assert filed["cost_usd"] is None


@pytest.mark.parametrize("path", sorted(DIALECTS))
async def test_t82_no_path_that_policies_apply_to_goes_round_a_budget(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, path: str
) -> None:
    proxy = start_proxy(RULE % DAY, upstream_url=openrouter.url)
    openrouter.plays(costs(1))
    await ask(proxy)
    await until_spent(proxy, 1)
    count = len(openrouter.requests)
    base = "/api" if DIALECTS[path].beside_base else "/v1"
    body = {**ASK, **BODIES.get(DIALECTS[path].name, {})}
    answer = await proxy.client.post(proxy.url + base + path, json=body)
    assert answer.status_code == 402, answer.text
    assert len([each for each in openrouter.requests[count:] if each.method == "POST"]) == 0
    said = answer.json()["error"]
    assert said["code"] == "budget_exceeded"
    if DIALECTS[path].error_shape == "anthropic":
        assert said["type"] == "billing_error"


@pytest.mark.parametrize(
    "more",
    [
        {"model": "mine"},
        {"model": "other/free", "models": ["acme/sim-1"]},
        {"model": "other/free", "fallbacks": [{"model": "acme/sim-1"}]},
        {"model": "ACME/Sim-1:nitro"},
        {"model": "other/free", "tools": [
            {"type": "openrouter:advisor", "parameters": {"model": "acme/sim-1"}}]},
    ],
    ids=["alias", "models", "fallbacks", "variant", "tool"],
)  # fmt: skip
async def test_t37_t82_no_way_to_name_a_model_goes_round_its_budget(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, more: dict[str, Any]
) -> None:
    policy = (RULE % DAY).replace("'*'", "'acme/sim-1*'")
    policy += "aliases:\n  mine: {model: acme/sim-1}\n"
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    openrouter.plays(costs(1))
    await ask(proxy)
    await until_spent(proxy, 1)
    assert (await ask(proxy, model="other/free")).status_code == 200
    answer = await ask(proxy, **more)
    assert answer.status_code == 402, answer.text


async def test_what_costs_nothing_is_not_held_up(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(RULE % DAY, upstream_url=openrouter.url)
    openrouter.plays(costs(1))
    await ask(proxy)
    await until_spent(proxy, 1)
    counted = await proxy.client.post(proxy.url + "/v1/messages/count_tokens", json=ASK)
    assert counted.status_code == 200
    upgrade = {"connection": "upgrade", "upgrade": "websocket"}
    refused = await proxy.client.get(proxy.url + "/v1/responses", headers=upgrade)
    assert refused.json()["error"]["code"] == "websocket_refused"  # the one way round POST


async def test_t80_another_process_knows_within_a_second_and_a_restart_forgets_nothing(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    one, other = (start_proxy(RULE % DAY, upstream_url=openrouter.url) for _ in range(2))
    await until_seen(lambda: _is_zero(other))
    openrouter.plays(costs(0.5))
    began = time.monotonic()
    await ask(one)
    await until_spent(other, 0.5)
    assert time.monotonic() - began < 20  # half a second, and what a busy machine takes
    await ask(other)
    await until_spent(one, 1)
    assert (await ask(one)).status_code == 402
    again = start_proxy(RULE % DAY, upstream_url=openrouter.url)
    await until_spent(again, 1)
    assert (await ask(again)).status_code == 402


async def _is_zero(proxy: Proxy) -> bool:
    return await spent(proxy) == 0


async def test_a_budget_that_is_new_or_changed_knows_what_was_spent_before(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    free = "version: 1\nrules:\n  - {name: held, models: ['*']}\n"
    proxy = start_proxy(free, upstream_url=openrouter.url)
    openrouter.plays(costs(1))
    await ask(proxy)
    file = tmp_path / "policies" / "test.yaml"
    file.write_text(RULE % DAY)

    async def refused() -> bool:
        return bool((await ask(proxy)).status_code == 402)

    await until_seen(refused)
    file.write_text(RULE % "{usd: 90000, per: day}")

    async def served() -> bool:
        return bool((await ask(proxy)).status_code == 200)

    await until_seen(served)


async def test_an_own_key_costs_the_fee_and_what_the_provider_charges(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    proxy = start_proxy(RULE % DAY, upstream_url=openrouter.url)
    charge = {"cost_details": {"upstream_inference_cost": 0.5}}
    openrouter.plays(costs(0.25, is_byok=True, **charge))
    await ask(proxy)
    await until_spent(proxy, 0.75)
    openrouter.plays(costs(0.125, is_byok=False, **charge))
    await ask(proxy)
    await until_spent(proxy, 0.875)


async def test_each_tool_caller_and_session_has_an_amount_of_its_own(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    entries = "[{usd: 1, per: day, by: tool}, {usd: 1, per: session}]"
    proxy = start_proxy(RULE % entries, upstream_url=openrouter.url)
    openrouter.plays(costs(1))
    one, two = {"user-agent": "one/1"}, {"user-agent": "two/1"}
    assert (await ask(proxy, one, session_id="a")).status_code == 200
    await proxy.receipts(1)
    assert (await ask(proxy, one, session_id="b")).status_code == 402
    again = await ask(proxy, two, session_id="a")
    assert again.status_code == 402
    assert "per session; start a new session" in again.json()["error"]["message"]
    assert (await ask(proxy, two, session_id="b")).status_code == 200


async def test_budgets_are_reported(start_proxy: StartProxy, openrouter: ScriptedUpstream) -> None:
    entries = "[{usd: 2, per: day}, {usd: 4, per: month, by: caller}]"
    proxy = start_proxy(RULE % entries, upstream_url=openrouter.url)
    openrouter.plays(costs(1.5))
    await ask(proxy)
    await proxy.receipts(1)
    answer = await proxy.client.get(f"{proxy.url}/pointsman/budget")
    day, month = answer.json()["budgets"]
    assert (day["spent_usd"], day["rest_usd"], day["share"]) == (1.5, 0.5, 0.75)
    assert (day["rule"], day["line"], day["key"], day["is_spent"]) == ("held", 3, None, False)
    assert day["window_end"].endswith("T00:00:00+00:00")
    assert (month["per"], month["by"], month["spent_usd"]) == ("month", "caller", 1.5)
    page = await proxy.client.get(f"{proxy.url}/dashboard/money")
    assert "Budgets" in page.text
    assert "$4 a month, no caller" in page.text
    scraped = (await proxy.client.get(f"{proxy.url}/metrics")).text
    assert 'pointsman_budget_spent_ratio{by="rule",per="day",rule="held"} 0.75' in scraped


async def test_t81_without_a_ledger_a_closed_budget_refuses_and_an_open_one_goes_on(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    nowhere = f"sqlite:///{tmp_path}/file/ledger.db"
    openrouter.plays(costs(0.75))
    shut = start_proxy(
        RULE % "{usd: 1, per: day, fail: closed}", upstream_url=openrouter.url, ledger_url=nowhere
    )
    answer = await ask(shut)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "budget_unknown")
    assert answer.headers["retry-after"] == "1"
    assert openrouter.requests == []
    openly = start_proxy(RULE % DAY, upstream_url=openrouter.url, ledger_url=nowhere)
    statuses = [(await ask(openly)).status_code for _ in range(2)]
    await until_spent(openly, 1.5)
    assert [*statuses, (await ask(openly)).status_code] == [200, 200, 402]


async def test_what_a_client_left_before_its_usage_came_is_not_counted_until_it_is_known(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """OpenRouter's record says what it cost (`test_late_costs.py`), some ten seconds later."""
    proxy = start_proxy(RULE % DAY, upstream_url=openrouter.url)
    word = b'data: {"id":"gen-1","choices":[{"delta":{"content":"x"}}]}\n\n'
    bill = b'data: {"id":"gen-1","choices":[],"usage":{"cost":0.5}}\n\ndata: [DONE]\n\n'
    openrouter.plays(sse(word, Pause(5), bill), costs(0.25))
    body = {**ASK, "stream": True}
    async with proxy.client.stream("POST", proxy.url + CHAT, json=body) as answer:
        assert await anext(answer.aiter_raw()) == word
    (left,) = await proxy.receipts(1)
    assert (left["ending"], left["cost_usd"]) == ("caller_left", None)
    assert left["generation_id"] == "gen-1"  # by which OpenRouter tells the cost later
    await ask(proxy)
    await until_spent(proxy, 0.25)


@pytest.mark.parametrize(
    "cost", [-5, 0, "0.5", "NaN", float("nan"), float("inf"), [1], True, 1e-15, 1e30, 10**400]
)
async def test_t82_a_cost_that_makes_no_sense_frees_nothing_and_breaks_nothing(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, cost: Any
) -> None:
    proxy = start_proxy(RULE % "{usd: 9000000, per: day}", upstream_url=openrouter.url)
    openrouter.plays(costs(0.25), costs(cost))
    await ask(proxy)
    await ask(proxy)
    filed = await proxy.receipts(2)
    assert {each["status"] for each in filed} == {200}
    await until_spent(proxy, 0.25)


async def test_t82_the_budget_of_the_last_of_very_many_rules_holds(
    start_proxy: StartProxy, openrouter: ScriptedUpstream
) -> None:
    """All of their names are on the receipt, by which they are counted, also after a restart."""
    names = [f"{number:0100}" for number in range(120)]
    rules = [f"  - {{name: '{name}', models: ['*'], routes: pass}}" for name in names[:-1]]
    last = f"  - {{name: '{names[-1]}', models: ['*'], budget: {DAY}}}"
    policy = "\n".join(("version: 1", "rules:", *rules, last, ""))
    proxy = start_proxy(policy, upstream_url=openrouter.url)
    openrouter.plays(costs(1.5))
    assert (await ask(proxy)).status_code == 200
    await until_spent(proxy, 1.5)
    assert sorted((await proxy.only_receipt())["rules"]) == names
    assert (await ask(proxy)).status_code == 402
    again = start_proxy(policy, upstream_url=openrouter.url)
    await until_spent(again, 1.5)
    assert (await ask(again)).status_code == 402
