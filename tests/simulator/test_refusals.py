"""Each recorded error comes back for the request that causes it: status, code, message, shape."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.causes import CAUSES, OF_THE_ACCOUNT, serving
from tests.simulator.shape import differences
from tests.simulator.simulated import HELLO, TOOL, Simulated, endpoint, model

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter"
RECORDED = {
    entry["id"]: entry
    for entry in json.loads((FIXTURES / "errors" / "error_bodies.json").read_text("utf-8"))
}
CHAT = "/chat/completions"
ELSEWHERE = {  # in tests of their own below, or in test_server.py
    "fallback-off-unknown-order-deepseek",
    "fallback-off-tools-glm",
    "quantization-with-router-metadata",
    "auth-missing",
    "auth-bad-key",
    "messages-auth",
    "docs-availability-model_deprecated",  # a model with a notice of its own; no catalog has one
}
# Keys that reports of the same template have, and the single recorded body lacks.
MORE_IN_OTHER_REPORTS = ("$.error.code", "$.error.metadata")
OF_THE_ACCOUNT_OR_THE_HOST = (
    "$.user_id",
    "$.error.metadata.provider_error_code",
    "$.error.metadata.limit_source",
)


def test_every_recorded_body_is_accounted_for() -> None:
    assert set(RECORDED) == set(CAUSES) | OF_THE_ACCOUNT | ELSEWHERE


LIVE = [name for name in CAUSES if not name.startswith("docs-")]
DOCUMENTED = [name for name in CAUSES if name.startswith("docs-")]


async def caused(name: str, folder: Path) -> Any:
    offered, preferences, switches = CAUSES[name]
    fields = {"provider": {k: v for k, v in preferences.items() if k != "+"}}
    body = {"model": offered["id"], "messages": HELLO, **fields, **preferences.get("+", {})}
    return await Simulated(folder, offered).post(CHAT, body, **switches)


@pytest.mark.parametrize("name", LIVE)
async def test_a_request_with_this_fault_gets_this_body(name: str, tmp_path: Path) -> None:
    reply = await caused(name, tmp_path)
    recorded, told = RECORDED[name], reply.json()
    assert reply.status_code == recorded["http_status"]
    assert told["error"]["code"] == recorded["http_status"]
    assert not differences(
        [recorded["body"]],
        told,
        may_lack=OF_THE_ACCOUNT_OR_THE_HOST,
        may_add=MORE_IN_OTHER_REPORTS,
    )


@pytest.mark.parametrize("name", LIVE)
async def test_the_message_is_word_for_word_the_recorded_one(name: str, tmp_path: Path) -> None:
    reply = await caused(name, tmp_path)
    recorded = RECORDED[name]["body"]["error"]["message"]
    # One source cut the list of options short; another is of before the list of who serves.
    start = recorded.removesuffix("...")
    whole = name not in {"provider-bad-quantization", "only-no-match-feb2026"}
    said = reply.json()["error"]["message"]
    assert said == recorded if whole else said.startswith(start)


@pytest.mark.parametrize("name", DOCUMENTED)
async def test_availability_is_as_documented_where_it_is_switched_on(
    name: str, tmp_path: Path
) -> None:
    reply = await caused(name, tmp_path)
    recorded = RECORDED[name]
    documented = recorded["body"]["error"]["availability"]
    documented.pop("fallback_models", None)  # advice that a simulator has not got
    if name.endswith("capacity_exhausted"):  # the example is of three hosts
        documented["affected_providers"].remove("google-vertex")
    assert reply.status_code == recorded["http_status"]
    assert reply.json()["error"]["availability"] == documented


@pytest.mark.parametrize(
    ("provider", "code", "excluded_by"),
    [
        ({"only": ["nobody"]}, "constraint_filtered", ["allowed_providers"]),
        ({"quantizations": ["fp4"]}, "constraint_filtered", ["quantization"]),
        ({"max_price": {"prompt": 0}}, "constraint_filtered", ["max_price"]),
        ({"data_collection": "deny"}, "privacy_restricted", ["data_policy:training"]),
        ({"ignore": ["a"]}, "no_endpoints", None),
        ({"sort": "bogus"}, None, None),
    ],
)
async def test_availability_names_what_excluded_everybody(
    provider: dict[str, Any], code: str | None, excluded_by: list[str] | None, tmp_path: Path
) -> None:
    simulated = Simulated(tmp_path, model(endpoint("a", trains=True)), availability=True)
    told = (await simulated.chat(provider=provider)).json()["error"].get("availability", {})
    assert (told.get("code"), told.get("excluded_by")) == (code, excluded_by)


@pytest.mark.parametrize("name", LIVE)
async def test_no_live_body_has_availability(name: str, tmp_path: Path) -> None:
    assert "availability" not in (await caused(name, tmp_path)).json()["error"]


@pytest.mark.parametrize(
    "name", ["require-parameters", "max-price", "image-input", "data-policy-zdr"]
)
async def test_the_funnel_counts_as_recorded(name: str, tmp_path: Path) -> None:
    """A step's row says what is left after it; the step that leaves none has no row."""
    reply = await caused(name, tmp_path)
    assert reply.json()["error"]["metadata"] == RECORDED[name]["body"]["error"]["metadata"]


async def test_a_dead_order_without_fallbacks_tells_every_candidate(tmp_path: Path) -> None:
    """The free probe of openrouter.md §1.4, over the very listing it was recorded with."""
    listing = json.loads((FIXTURES / "endpoints/deepseek-v4.1-flash_2026-10-02.json").read_text())
    rows = listing["data"]["endpoints"]
    simulated = Simulated(tmp_path, model(*rows, id="deepseek/deepseek-v4.1-flash"))
    dead = {"order": ["chorus-preflight-none"], "allow_fallbacks": False}
    reply = await simulated.chat("deepseek/deepseek-v4.1-flash", provider=dead)
    recorded = RECORDED["fallback-off-unknown-order-deepseek"]["body"]["error"]
    told = reply.json()["error"]
    assert reply.status_code == told["code"] == 404
    # The recorded account had a guardrail against one host; without it that host falls here, too.
    assert _fallen(told["message"]) == _fallen(recorded["message"])
    assert told["message"].partition(" Filter")[0] == recorded["message"].partition(" Filter")[0]
    assert told["metadata"] == {
        "routing_funnel": [
            {"step": "Initial Endpoints", "endpoint_count": 33},
            {"step": "Apply Status Sorting", "endpoint_count": 33},
            {"step": "Filter by Fallback", "endpoint_count": 0},
        ],
        "failed_routing_step": "Filter by Fallback",
    }


def _fallen(message: str) -> list[str]:
    return sorted(
        tag
        for tags in re.findall(r"removed ((?:[a-z0-9/-]+(?:, )?)+)", message)
        for tag in tags.split(", ")
    )


async def test_tools_and_a_dead_order_show_both_steps_as_recorded(tmp_path: Path) -> None:
    rows = [endpoint(f"h{n}", supported_parameters=["tools"] * (n > 0)) for n in range(28)]
    simulated = Simulated(tmp_path, model(*rows, id="z-ai/glm-5.3"))
    dead = {"order": ["provider not named"], "allow_fallbacks": False}
    reply = await simulated.chat("z-ai/glm-5.3", provider=dead, tools=[TOOL])
    recorded = RECORDED["fallback-off-tools-glm"]["body"]["error"]
    told = reply.json()["error"]
    assert told["metadata"]["routing_funnel"] == recorded["metadata"]["routing_funnel"]
    assert told["message"].startswith(recorded["message"])


async def test_metadata_of_a_404_lists_hosts_that_the_filter_removed(tmp_path: Path) -> None:
    simulated = Simulated(tmp_path, serving("qwen/qwen3.7-max", "alibaba", quantization="unknown"))
    headers = {"X-OpenRouter-Metadata": "enabled"}
    fp8 = {"quantizations": ["fp8"]}
    reply = await simulated.chat("qwen/qwen3.7-max", provider=fp8, headers=headers)
    recorded = RECORDED["quantization-with-router-metadata"]["body"]["openrouter_metadata"]
    told = reply.json()["openrouter_metadata"]
    assert [row["provider"] for row in told["endpoints"]["available"]] == ["Alibaba"]
    assert (told["attempt"], told["summary"]) == (0, "available=1")
    below = "$.endpoints.available[].selected"
    assert not differences(
        [recorded], {"endpoints": {"available": told["endpoints"]["available"]}}, may_add=[below]
    )


@pytest.mark.parametrize(
    ("key", "name"), [(None, "auth-missing"), ("Bearer sk-or-v1-bad", "auth-bad-key")]
)
async def test_a_missing_and_a_bad_key_get_the_recorded_401(key: str | None, name: str) -> None:
    headers = {"authorization": key or ""}
    reply = await Simulated().chat("qwen/qwen3-coder", headers=headers)
    assert (reply.status_code, reply.json()) == (401, RECORDED[name]["body"])


async def test_messages_answer_in_the_envelope_of_their_dialect() -> None:
    simulated = Simulated()
    body = {"model": "anthropic/claude-haiku-4.5", "max_tokens": 9, "messages": HELLO}
    reply = await simulated.post("/messages", body, {"authorization": ""})
    recorded = RECORDED["messages-auth"]["body"]
    assert reply.status_code == 401
    assert not differences([recorded], reply.json())
    assert reply.json()["error"] | {"message": ""} == recorded["error"] | {"message": ""}
    assert reply.json()["request_id"] is None, "the router never saw it"

    routed = await simulated.post("/messages", {**body, "provider": {"only": ["groq"]}})
    assert routed.status_code == 404
    assert routed.json()["error"]["error_type"] == "not_found"
    assert re.fullmatch(r"gen-1790000000-[A-Za-z0-9]{20}", routed.json()["request_id"])
