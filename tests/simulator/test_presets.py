"""Presets, read and made: pages, versions, keys, errors (openrouter.md §A1.1, §A1.2, §A1.5)."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.simulator import create_simulator
from app.simulator.presets import SHIPPED, Presets
from app.simulator.validation import check_body
from tests.simulator.channels import ONE, PRESETS, TWO, preset
from tests.simulator.shape import differences
from tests.simulator.simulated import HELLO, Simulated

ADDITIONS = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"
AS_ONE, AS_TWO = ({"authorization": f"Bearer {key}"} for key in (ONE, TWO))
_NULLABLE = ("$.creator_user_id", "$.workspace_id", "$.status_updated_at", "$.description")


def recorded(name: str) -> Any:
    return json.loads((ADDITIONS / name).read_text("utf-8"))


def simulated(**switches: Any) -> Simulated:
    return Simulated(presets=PRESETS, **switches)


async def test_a_list_a_preset_and_its_versions_look_as_in_the_openapi_examples() -> None:
    sim = simulated()
    listed, was = (await sim.get("/presets")).json(), recorded("presets_list.json")
    free = [f"$.data[]{path.removeprefix('$')}" for path in _NULLABLE]
    assert not differences([was], listed, free=free)
    whole, was = (await sim.get("/presets/helped")).json(), recorded("preset_get.json")
    free = [
        "$.data.designated_version.config",
        *(path.replace("$", "$.data") for path in _NULLABLE),
    ]
    assert not differences([was], whole, free=free)
    told, was = (await sim.get("/presets/helped/versions")).json(), recorded("preset_versions.json")
    assert not differences([was], told, free=["$.data[].config"])
    (version,) = told["data"]
    assert (await sim.get("/presets/helped/versions/1")).json() == {"data": version}
    assert whole["data"]["designated_version"] == version
    assert whole["data"]["designated_version_id"] == version["id"]
    assert version["preset_id"] == whole["data"]["id"]


async def test_presets_come_in_pages_the_most_recently_updated_first() -> None:
    dated = [
        preset(f"p-{n}", {}, updated_at=f"2026-11-{10 + n}T00:00:00Z", created_at="2026-11-01")
        for n in range(5)
    ]
    sim = Simulated(presets=dated)
    slugs = [item["slug"] for item in (await sim.get("/presets")).json()["data"]]
    assert slugs == ["p-4", "p-3", "p-2", "p-1", "p-0"]
    part = (await sim.get("/presets?offset=1&limit=2")).json()
    assert [item["slug"] for item in part["data"]] == ["p-3", "p-2"]
    assert part["total_count"] == 5
    assert (await sim.get("/presets?limit=x")).status_code == 400


async def test_at_most_a_hundred_presets_come_at_once_and_fifty_if_nothing_is_said() -> None:
    sim = Simulated(presets=[preset(f"p-{n}", {}) for n in range(120)])
    assert len((await sim.get("/presets")).json()["data"]) == 50
    assert len((await sim.get("/presets?limit=1000")).json()["data"]) == 100


@pytest.mark.parametrize(
    "path",
    ["/presets/none", "/presets/none/versions", "/presets/big/versions/2", "/presets/private"],
)
async def test_what_is_not_there_is_a_404_in_the_documented_words(path: str) -> None:
    unknown, *_ = recorded("preset_errors.json")["entries"]
    reply = await simulated().get(path, AS_ONE)
    assert (reply.status_code, reply.json()) == (unknown["status"], unknown["body"])


@pytest.mark.parametrize("path", ["/presets", "/presets/big", "/presets/big/versions"])
async def test_presets_need_a_key(path: str) -> None:
    _, keyless, *_ = recorded("preset_errors.json")["entries"]
    reply = await simulated().get(path, {"authorization": ""})
    assert (reply.status_code, reply.json()) == (keyless["status"], keyless["body"])
    reply = await simulated().post(f"{path}/chat/completions", {}, {"authorization": ""})
    assert reply.status_code in {401, 404}


@pytest.mark.parametrize("status", [403, 500, 503])
async def test_reading_presets_can_be_refused(status: int) -> None:
    management = recorded("preset_errors.json")["entries"][2]["body"]
    reply = await simulated(presets_refused=status).get("/presets/big")
    assert reply.status_code == reply.json()["error"]["code"] == status
    assert (reply.json() == management) == (status == 403)


async def test_a_preset_without_a_designated_version_says_null() -> None:
    told = (await simulated().get("/presets/empty")).json()["data"]
    assert told["designated_version"] is told["designated_version_id"] is None


async def test_one_slug_can_differ_between_keys() -> None:
    sim = simulated()
    one, two = [(await sim.get("/presets/differs", key)).json()["data"] for key in (AS_ONE, AS_TWO)]
    assert one["id"] != two["id"]
    assert one["designated_version"]["config"]["model"] == "acme/mini"
    assert two["designated_version"]["config"]["model"] == "acme/other-2.5"
    assert (await sim.get("/presets/differs")).status_code == 404, "some third key"
    seen = {item["slug"] for item in (await sim.get("/presets", AS_TWO)).json()["data"]}
    assert {"private", "differs", "big"} <= seen


def test_a_preset_of_one_s_own_hides_a_common_one() -> None:
    store = Presets([preset("x", {"model": "a"}), preset("x", {"model": "b"}, "mine")])
    found = {key: store.finder(key)("x") for key in ("mine", "other")}
    configs = {key: (each.used or {})["config"]["model"] for key, each in found.items() if each}
    assert configs == {"mine": "b", "other": "a"}
    assert len(store.seen_by("mine")) == 1


# --- making them ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("chat/completions", {"messages": [{"role": "system", "content": "s"}, *HELLO]}),
        ("messages", {"system": "s", "messages": HELLO}),
        ("responses", {"instructions": "s", "input": "hi"}),
    ],
)
async def test_a_body_becomes_a_preset_without_its_conversation(
    path: str, fields: dict[str, Any]
) -> None:
    sim = simulated()
    kept = {"model": "acme/big", "provider": {"only": ["openai"]}, "temperature": 0.5}
    reply = await sim.post(f"/presets/mine/{path}", {**kept, **fields, "stream": True}, AS_ONE)
    told = reply.json()["data"]
    assert (reply.status_code, told["slug"], told["status"]) == (200, "mine", "active")
    version = told["designated_version"]
    assert (version["config"], version["system_prompt"], version["version"]) == (kept, "s", 1)
    assert (await sim.get("/presets/mine", AS_ONE)).json()["data"] == told
    assert (await sim.get("/presets/mine", AS_TWO)).status_code == 404
    assert not sim.router.reached


async def test_a_second_body_becomes_the_next_version_and_is_used_from_then_on() -> None:
    sim = simulated()
    before = (await sim.get("/presets/big")).json()["data"]
    sim.clock.now += 60
    body = {"model": "acme/mini", "messages": HELLO}
    after = (await sim.post("/presets/big/chat/completions", body)).json()["data"]
    assert after["id"] == before["id"]
    assert after["updated_at"] > before["updated_at"]
    assert after["designated_version"]["version"] == 2
    versions = (await sim.get("/presets/big/versions")).json()["data"]
    assert [each["version"] for each in versions] == [1, 2]
    assert versions[0] == before["designated_version"]


@pytest.mark.parametrize(
    ("slug", "body"), [("UPPER", {}), ("fine", []), ("fine", {"provider": {"x": 1}})]
)
async def test_a_bad_slug_or_body_makes_no_preset(slug: str, body: Any) -> None:
    sim = simulated()
    reply = await sim.post(f"/presets/{slug}/chat/completions", body, AS_ONE)
    assert reply.status_code == 400
    assert (await sim.get(f"/presets/{slug}", AS_ONE)).status_code == 404


# --- where they come from ---------------------------------------------------------------------


async def test_presets_can_be_given_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "presets.json"
    file.write_text(json.dumps({"format": 1, "presets": [preset("filed", {})]}), "utf-8")
    app = create_simulator(presets=file)
    assert [each.slug for each in app.state.router.presets.seen_by("any")] == ["filed"]


def test_the_shipped_presets_can_be_used_as_they_are() -> None:
    items = json.loads(SHIPPED.read_text("utf-8"))["presets"]
    assert {item["slug"] for item in items} >= {"careful-coder", "retired"}
    for item in items:
        for version in item["versions"]:
            check_body(version["config"])
