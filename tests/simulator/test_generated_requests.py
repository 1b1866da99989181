"""The generated requests use every channel, and the router keeps to each one's own preferences."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.simulator import create_simulator
from app.simulator.naming import ROUTERS
from tests.simulator import naive
from tests.simulator.channels import MODELS, PRESETS
from tests.simulator.generated_requests import Case, Reach, case, generated, reached, row_of
from tests.simulator.test_other_routes import ROUTES

COUNT = 1500


Played = tuple[Case, int, list[Reach]]


async def play(folder: Path, count: int) -> list[Played]:
    """Each case with the status of its answer and what it reached."""
    catalog = folder / "catalog.json"
    catalog.write_text(json.dumps({"format": 1, "models": MODELS}), "utf-8")
    app = create_simulator(catalog=catalog, presets=PRESETS, pace=0, clock=lambda: 1_790_000_000.0)
    transport = httpx2.ASGITransport(app=app)
    played = []
    async with httpx2.AsyncClient(transport=transport, base_url="http://openrouter.test") as client:
        for number in range(count):
            one = case(number)
            reply = await client.post(one.path, content=one.body, headers=one.headers)
            played.append((one, reply.status_code, [*reached(app.state, since=number)]))
    return played


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[Played]:
    return asyncio.run(play(tmp_path_factory.mktemp("generated"), COUNT))


def test_a_number_is_always_the_same_request() -> None:
    assert [*generated(40, first=7)] == [*generated(40, first=7)]
    assert len({body for _, _, body in generated(200)}) > 190
    for _, headers, _ in generated(20, switches={"inner_inherits": True}):
        assert json.loads(headers["x-openrouter-simulate"])["inner_inherits"] is True
    assert "disobey" not in str([*generated(300)])


def test_every_channel_is_used_and_most_requests_are_served(played: list[Played]) -> None:
    statuses = Counter(status for _, status, _ in played)
    assert set(statuses) <= {200, 202, 400, 404, 429, 503}
    assert statuses[200] + statuses[202] > COUNT / 2
    used = Counter(channel for one, _, found in played if found for channel in one.channels)
    tools = {"subagent", "advisor", "fusion", "image_generation", "web_search", "oracle"}
    expected = {
        *(f"openrouter:{name}" for name in tools),
        *("advisor_20260301", "image_generation", "nested", "tools in a batch", "form"),
        *("preset:bare", "preset:suffix", "preset:field", "models", "fallbacks", "tier", "twice"),
        *("dated", "dashes", "variant", "online", "latest", "free", "router"),
        *(f"plugin:{name}" for name, _ in ROUTERS.values() if name),
        *(one.path for one, _, _ in played),
    }
    assert not [channel for channel in expected if used[channel] < 3]
    whys = Counter(each.why for _, _, found in played for each in found)
    assert set(whys) == {"outer", "preset", "picked", "judge", "inner"}
    assert min(whys.values()) >= 5


def test_what_is_reached_belongs_to_its_request(played: list[Played]) -> None:
    for number, (_, status, found) in enumerate(played, start=1):
        assert {each.number for each in found} <= {number}
        assert found or status not in {200, 202}
        for each in found:
            assert row_of(each.model, each.tag)["tag"] == each.tag


def test_the_router_keeps_to_the_preferences_of_each_request(played: list[Played]) -> None:
    """Held to naive.py: a request's own model, and what its switches say inherits from it."""
    held: Counter[str] = Counter()
    for one, _, found in played:
        if any(channel.startswith(("preset", "form")) for channel in one.channels):
            continue  # whose preferences are the preset's, or no JSON body's
        body, switches = json.loads(one.body), json.loads(one.headers["x-openrouter-simulate"])
        if one.path.endswith("/batches"):
            body = read_head(one.body)
        for each in found:
            inner = each.why in {"inner", "judge"}
            if inner and not _inherits(each, one, switches):
                continue
            assert _admitted(one.path, each, body, switches, inner=inner), (
                one,
                each,
            )
            held[each.why] += 1
    assert held["outer"] > 500
    assert min(held[why] for why in ("picked", "inner", "judge")) >= 5


def _inherits(each: Reach, one: Case, switches: dict[str, Any]) -> bool:
    """Whether a call is made under the request's preferences; a tool's router has a judge, too."""
    by_tools = switches.get("inner_inherits", False)
    if each.why == "inner":
        return bool(by_tools)
    at_all = switches.get("judge_inherits", True)
    return bool(at_all and (by_tools or not {"tools", "tools in a batch"} & one.channels))


def read_head(raw: bytes) -> dict[str, Any]:
    """A batch without what stands behind its requests."""
    pairs: list[tuple[str, Any]] = json.loads(raw, object_pairs_hook=lambda pairs: pairs)
    keys = [key for key, _ in pairs]
    head = {k: v for k, v in pairs[: keys.index("requests")] if k != "provider"}
    told = [dict(v) for k, v in pairs[: keys.index("requests")] if k == "provider" and v]
    return {**head, "provider": told[-1] if told else {}}


def _admitted(
    path: str, each: Reach, body: dict[str, Any], switches: dict[str, Any], *, inner: bool
) -> bool:
    item = next(item for item in MODELS if item["id"] == each.model)
    rows = [{"service_tier": None, **row} for row in item["endpoints"]]
    fields = {} if inner else body
    asking = {**fields, "provider": body.get("provider") or {}}
    if fields.get("speed") == "fast":  # Anthropic's word for the tier
        asking.setdefault("service_tier", "priority")
    _, taken = ROUTES.get(path, ({}, {*asking["provider"]}))  # others are left out, not gone by
    asking["provider"] = {k: v for k, v in asking["provider"].items() if k in taken}
    found = [
        row["tag"]
        for suffix in _suffixes(body)
        for row in naive.may_serve(rows, asking, suffix, switches)
    ]
    return each.tag in found


def _suffixes(body: dict[str, Any]) -> list[str]:
    told = [body.get("model"), *(body.get("models") or [])]
    told += [row["model"] for row in body.get("fallbacks") or []]
    return ["", *(f":{name.rpartition(':')[2]}" for name in told if name and ":" in name)]
