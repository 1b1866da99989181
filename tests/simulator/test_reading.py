"""What can be read: models, endpoints, providers, generation records, the key."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from app.simulator.catalog import SHIPPED
from tests.simulator.shape import differences
from tests.simulator.simulated import KEY, Simulated, endpoint, model

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openrouter"
OFFERED = json.loads(SHIPPED.read_text("utf-8"))["models"]
NO_KEY = {"authorization": ""}


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text("utf-8"))


async def data(path: str, headers: dict[str, str] | None = None) -> Any:
    reply = await Simulated().get(path, headers)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


async def test_models_look_as_recorded_and_need_no_key() -> None:
    was = recorded("json/models_list_excerpt_2026-08-04.json")["body"]["data"]
    told = await data("/models", NO_KEY)
    later = ("$.alias_target", "$.reasoning")
    for item in told:
        free = ["$.pricing", "$.default_parameters"]
        assert not differences(was, item, may_add=later, free=free), item["id"]
        assert "_simulator" not in json.dumps(item)


async def test_models_are_those_of_the_catalog_that_answer_in_text() -> None:
    reply = await Simulated().get("/models")
    told = reply.json()
    text = [m["id"] for m in OFFERED if "text" in m["architecture"]["output_modalities"]]
    assert [item["id"] for item in told["data"]] == text
    assert (told["total_count"], told["links"]) == (len(text), {"next": None})
    assert reply.headers["cache-control"] == "public, max-age=300"
    embedding = {item["id"] for item in await data("/models?output_modalities=embeddings")}
    assert embedding == {
        m["id"] for m in OFFERED if "embeddings" in m["architecture"]["output_modalities"]
    }
    assert embedding
    assert len(await data("/models?output_modalities=all")) == len(OFFERED)


async def test_pages_of_models_make_the_whole_list() -> None:
    simulated = Simulated()
    whole = (await simulated.get("/models")).json()
    pages: list[Any] = []
    path: str | None = "/models?limit=5"
    while path:
        page = (await simulated.get(path.removeprefix("/api/v1"))).json()
        assert page["total_count"] == whole["total_count"]
        assert 0 < len(page["data"]) <= 5
        pages += page["data"]
        path = page["links"]["next"]
    assert pages == whole["data"]
    assert (await simulated.get("/models?offset=-1")).status_code == 400


@pytest.mark.parametrize("item", OFFERED, ids=lambda item: item["id"])
async def test_endpoints_are_the_rows_of_the_catalog_in_the_recorded_shape(
    item: dict[str, Any],
) -> None:
    was = recorded("endpoints/deepseek-v4.1-flash_2026-10-02.json")["data"]["endpoints"]
    told = await data(f"/models/{item['id']}/endpoints")
    assert told["id"] == item["id"]
    target = (item.get("alias_target") or {}).get("slug", item["id"])
    (rows,) = (other["endpoints"] for other in OFFERED if other["id"] == target)
    assert [row["tag"] for row in told["endpoints"]] == [row["tag"] for row in rows]
    for row in told["endpoints"]:
        later = ("$.service_tier", "$.pricing")
        assert not differences(was, row, may_add=later, may_lack=["$.pricing"]), row["tag"]
        assert "_simulator" not in row


async def test_a_model_is_found_by_its_dated_slug_and_an_unknown_one_is_not() -> None:
    by_id = await data("/models/qwen/qwen3-coder/endpoints")
    assert await data("/models/qwen/qwen3-coder-480b-a35b-07-25/endpoints") == by_id
    assert (await data("/models/qwen/qwen3-coder:free/endpoints"))["id"] == "qwen/qwen3-coder:free"
    missing = await Simulated().get("/models/acme/none/endpoints")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, 404)


async def test_percentiles_are_for_who_shows_a_key() -> None:
    path = "/models/qwen/qwen3-coder/endpoints"
    with_key = (await data(path))["endpoints"]
    assert all(row["latency_last_30m"] and row["throughput_last_30m"] for row in with_key)
    transport = httpx2.ASGITransport(app=Simulated().app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sim.test") as anonymous:
        without = (await anonymous.get(f"/api/v1{path}")).json()["data"]["endpoints"]
    hidden = {"latency_last_30m": None, "throughput_last_30m": None}
    assert without == [{**row, **hidden} for row in with_key]


async def test_providers_and_zdr_rows_look_as_documented() -> None:
    examples = recorded("json/key_credits_providers_examples.json")
    providers = await data("/providers", NO_KEY)
    assert not differences(examples["GET /api/v1/providers"]["data"], providers[0])
    slugs = {row["tag"].partition("/")[0] for item in OFFERED for row in item["endpoints"]}
    assert {row["slug"] for row in providers} == slugs
    assert {row["slug"]: row["name"] for row in providers}["google-vertex"] == "Google"

    rows = await data("/endpoints/zdr")
    (was,) = examples["GET /api/v1/endpoints/zdr"]["data"]
    newer = (
        "$.native_tools",
        "$.service_tier",
        "$.supports_multiple_audio_references",
        "$.supports_image_reference",
        "$.supports_tool_choice",
        "$.pricing",
    )
    for row in rows:
        assert not differences([was], row, may_add=newer, may_lack=["$.pricing"])
    kept = [r for m in OFFERED for r in m["endpoints"] if r["_simulator"]["zdr"]]
    assert len(rows) == len(kept)


async def test_the_key_looks_as_documented_and_credits_are_for_managers() -> None:
    examples = recorded("json/key_credits_providers_examples.json")
    simulated = Simulated()
    told = (await simulated.get("/key")).json()["data"]
    later = ("$.allowed_data_regions",)
    assert not differences([examples["GET /api/v1/key"]["data"]], told, may_add=later)
    assert (await simulated.get("/key", NO_KEY)).status_code == 401
    assert (await simulated.get("/credits")).status_code == 403
    count = await data("/models/count")
    assert count == {"count": len(OFFERED)}


# --- generation records, openrouter.md §5.5 ---------------------------------------------------


async def record(simulated: Simulated, identity: str) -> Any:
    simulated.clock.now += 10
    return (await simulated.get(f"/generation?id={identity}")).json()["data"]


async def test_a_generation_record_is_in_the_documented_shape_and_tells_what_was_billed() -> None:
    simulated = Simulated()
    answer = (await simulated.chat("qwen/qwen3-coder", session_id="s")).json()
    told = await record(simulated, answer["id"])
    was = recorded("json/generation_record.json")["schema_example"]["data"]
    newer = ("$.provider_responses",)
    added = (*newer, "$.response_cache_source_id")
    assert not differences([was], told, may_add=added, free=newer)
    assert told["id"] == answer["id"]
    assert (told["provider_name"], told["model"]) == (answer["provider"], answer["model"])
    assert told["total_cost"] == told["usage"] == answer["usage"]["cost"]
    assert told["native_tokens_prompt"] == answer["usage"]["prompt_tokens"]
    assert told["native_tokens_completion"] == answer["usage"]["completion_tokens"]
    assert (told["streamed"], told["cancelled"], told["session_id"]) == (False, False, "s")


async def test_a_record_names_every_attempt_with_an_identity_of_its_row(tmp_path: Path) -> None:
    """Two rows with one tag are told apart; the same row is known again."""
    twins = model(endpoint("a"), endpoint("b/fp8"), endpoint("b/fp8"))
    simulated = Simulated(tmp_path, twins)
    seen: dict[str, set[int]] = {}
    for _ in range(20):
        answer = await simulated.chat(provider={"order": ["a", "b"]}, simulate={"fail": {"a": 429}})
        identity = answer.json()["id"]
        _, routed, _ = simulated.router.served[identity]
        first, last = (await record(simulated, identity))["provider_responses"]
        assert (first["provider_name"], first["status"]) == ("A", 429)
        assert (last["provider_name"], last["status"]) == ("B", 200)
        row = routed.completion.row
        seen.setdefault(str(UUID(last["endpoint_id"])), set()).add(row.model.rows.index(row))
    assert sorted(map(sorted, seen.values())) == [[1], [2]]


async def test_an_unknown_generation_and_a_missing_key_are_refused() -> None:
    simulated = Simulated()
    assert (await simulated.get("/generation?id=gen-1-none")).status_code == 404
    assert (await simulated.get("/generation?id=gen-1-none", NO_KEY)).status_code == 401
    assert KEY not in (await simulated.get("/generation")).text
