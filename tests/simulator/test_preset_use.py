"""What a preset makes of a request, in every form that names one (openrouter.md §A1.3, §A1.4)."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.simulator.preset_use import Named, named_models
from app.simulator.presets import Presets
from app.simulator.refusals import Refusal
from app.simulator.switches import Switches
from tests.simulator.channels import MODELS, ONE, PRESETS, TWO, preset
from tests.simulator.simulated import HELLO, METADATA, TOOL, Simulated

ADDITIONS = Path(__file__).parents[1] / "fixtures" / "openrouter" / "additions"
EU_CODER = json.loads((ADDITIONS / "preset_get_with_provider.COMPOSED.json").read_text("utf-8"))
MERGE = json.loads((ADDITIONS / "preset_references_and_merge.COMPOSED.json").read_text("utf-8"))


def named(
    body: dict[str, Any], *presets: dict[str, Any], dialect: str = "chat", **switches: Any
) -> list[Named]:
    find = Presets(presets).finder("any")
    return named_models({"messages": HELLO, **body}, dialect, find, Switches(**switches))


def names(found: list[Named]) -> list[str]:
    return [each.name for each in found]


def eu_coder() -> dict[str, Any]:
    version = EU_CODER["data"]["designated_version"]
    return {**EU_CODER["data"], "versions": [version]}


@pytest.mark.parametrize("case", MERGE["cases"], ids=lambda case: case["sure"][:30])
def test_requests_and_presets_join_as_composed(case: dict[str, Any]) -> None:
    effective = case["effective"]
    first, *_ = named(case["request"], eu_coder())
    config = EU_CODER["data"]["designated_version"]["config"]
    if not effective.get("preset_used", True):
        assert (first.preset, first.body) == (None, case["request"])
        return
    assert first.preset
    assert first.name == effective.get("model", "acme/sim-1")
    if "tools" in effective:
        assert first.body["tools"] == effective["tools"]
    else:
        told = case["request"].get("provider", config["provider"])
        assert first.body["provider"] == told
        assert effective.get("provider", told) == told
        assert first.body["temperature"] == 0.2
    assert not {"cache_enabled", "cache_ttl_seconds", "preset"} & set(first.body)


BOTH = preset("both", {"model": "p/one", "models": ["p/two"], "top_p": 0.1})
OTHER = preset("other", {"model": "o/one", "provider": {"zdr": True}})


@pytest.mark.parametrize(
    ("body", "models"),
    [
        ({"model": "@preset/both"}, ["p/one", "p/two"]),
        ({"preset": "both"}, ["p/one", "p/two"]),
        ({"model": None, "preset": "both"}, ["p/one", "p/two"]),
        ({"model": "r/x", "preset": "both"}, ["r/x"]),
        ({"model": "r/x@preset/both"}, ["r/x"]),
        ({"model": "r/x:nitro@preset/both"}, ["r/x:nitro"]),
        ({"model": "@preset/both", "models": ["r/y"]}, ["p/one", "r/y"]),
        ({"model": "r/x@preset/both", "models": ["r/y"]}, ["r/x", "r/y"]),
        ({"models": ["r/x", "r/y"]}, ["r/x", "r/y"]),
        ({"model": "r/x", "models": ["@preset/both"]}, ["r/x", "p/one", "p/two"]),
        ({"model": "r/x", "models": ["r/y@preset/both"]}, ["r/x", "r/y"]),
        ({"model": "r/x", "fallbacks": [{"model": "@preset/both"}]}, ["r/x", "p/one", "p/two"]),
        ({"model": "r/x", "models": ["r/x", "r/y", "r/y"]}, ["r/x", "r/y"]),
    ],
)
def test_a_preset_s_models_count_only_where_the_request_names_none(
    body: dict[str, Any], models: list[str]
) -> None:
    assert names(named(body, BOTH, OTHER)) == models


def test_the_preset_in_the_model_s_name_goes_before_the_one_in_the_field() -> None:
    (first, *_) = named({"model": "@preset/other", "preset": "both"}, BOTH, OTHER)
    assert first.name == "o/one"
    assert (first.body["provider"], first.body["top_p"]) == ({"zdr": True}, 0.1)
    assert first.preset
    assert first.preset.slug == "other"


@pytest.mark.parametrize(
    ("how", "first_zdr", "second", "second_zdr"),
    [
        ("own", False, "o/one", True),
        ("whole", True, "o/one", True),
        ("ignored", False, "@preset/other", False),
    ],
)
def test_a_preset_in_the_list_of_models_holds_for_what_the_switch_says(
    how: str, second: str, *, first_zdr: bool, second_zdr: bool
) -> None:
    found = named({"model": "r/x", "models": ["@preset/other"]}, OTHER, listed_presets=how)
    assert names(found) == ["r/x", second]
    assert [each.body.get("provider") == {"zdr": True} for each in found] == [
        first_zdr,
        second_zdr,
    ]


@pytest.mark.parametrize(("how", "provider"), [("lacking", {"zdr": True}), ("given", None)])
def test_a_null_is_lacking_or_given_as_the_switch_has_it(how: str, provider: Any) -> None:
    body = {"model": "@preset/other", "provider": None, "seed": None}
    (found,) = named(body, OTHER, preset_nulls=how)
    assert found.body["provider"] == provider
    assert found.body["seed"] is None


def tool(kind: str, **parameters: Any) -> dict[str, Any]:
    return {"type": kind, **({"parameters": parameters} if parameters else {})}


FUNCTION = {"type": "function", "function": {"name": "get_weather", "description": "another"}}


@pytest.mark.parametrize(
    ("theirs", "own", "united"),
    [
        ([TOOL], [], [TOOL]),
        ([], [TOOL], [TOOL]),
        ([TOOL], [FUNCTION], [FUNCTION]),  # by its name
        (["not a tool"], [TOOL], ["not a tool", TOOL]),  # refused later, by its place
        (
            [tool("openrouter:advisor", name="a", model="x"), TOOL],
            [tool("openrouter:advisor", name=" a ", model="y")],
            [tool("openrouter:advisor", name=" a ", model="y"), TOOL],
        ),
        (
            [tool("openrouter:advisor", name="a", model="x")],
            [tool("openrouter:advisor", model="y")],
            [
                tool("openrouter:advisor", name="a", model="x"),
                tool("openrouter:advisor", model="y"),
            ],
        ),
        (
            [tool("openrouter:subagent", model="x")],
            [tool("openrouter:subagent", model="y")],
            [tool("openrouter:subagent", model="y")],
        ),
        (
            [tool("openrouter:web_search", engine="exa")],
            [tool("openrouter:datetime"), tool("openrouter:web_search")],
            [tool("openrouter:web_search"), tool("openrouter:datetime")],
        ),
    ],
)
def test_tools_are_united_by_identity_and_the_request_s_entry_replaces(
    theirs: list[Any], own: list[Any], united: list[Any]
) -> None:
    (found,) = named(
        {"model": "@preset/x", "tools": own}, preset("x", {"model": "m", "tools": theirs})
    )
    assert found.body["tools"] == united


@pytest.mark.parametrize(
    ("dialect", "fields", "field", "value"),
    [
        ("chat", {}, "messages", [{"role": "system", "content": "Be brief."}, *HELLO]),
        (
            "chat",
            {"messages": [{"role": "system", "content": "mine"}]},
            "messages",
            [{"role": "system", "content": "mine"}],
        ),
        ("messages", {}, "system", "Be brief."),
        ("messages", {"system": "mine"}, "system", "mine"),
        ("responses", {}, "instructions", "Be brief."),
    ],
)
def test_a_preset_s_system_prompt_stands_in_for_one_that_is_lacking(
    dialect: str, fields: dict[str, Any], field: str, value: Any
) -> None:
    brief = preset("brief", {"model": "m"}, system_prompt="Be brief.")
    (found,) = named({"model": "@preset/brief", **fields}, brief, dialect=dialect)
    assert found.body[field] == value


@pytest.mark.parametrize("slug", ["provider not named", "off", "empty", "private"])
@pytest.mark.parametrize("status", ["400", "404"])
def test_a_name_that_leads_to_no_active_preset_is_an_error(slug: str, status: str) -> None:
    find = Presets(PRESETS).finder(ONE)
    for body in (
        {"model": f"@preset/{slug}"},
        {"model": f"acme/big@preset/{slug}"},
        {"model": "acme/big", "preset": slug},
        {"model": "acme/big", "models": [f"acme/mini@preset/{slug}"]},
    ):
        with pytest.raises(Refusal, match=f"Preset not found: {slug}") as refused:
            named_models(body, "chat", find, Switches(lost_preset=status))  # type: ignore[arg-type]
        assert refused.value.status == int(status)


async def test_a_lost_preset_can_be_ignored() -> None:
    sim = Simulated(lost_preset="ignored", presets=PRESETS)
    assert (await sim.chat("x-ai/grok-4@preset/nobody")).status_code == 200
    assert (await sim.chat("x-ai/grok-4", preset="off")).status_code == 200
    nothing = await sim.chat("@preset/nobody")
    assert nothing.json()["error"] == {"message": "No models provided", "code": 400}


# --- at inference, over HTTP ------------------------------------------------------------------

PATHS = ("/chat/completions", "/completions", "/responses", "/messages")
TEXT: dict[str, Any] = {"messages": HELLO, "input": "hi", "prompt": "hi"}


@pytest.mark.parametrize("path", PATHS)
async def test_a_preset_s_provider_routes_and_the_request_s_own_erases_it(
    path: str, tmp_path: Path
) -> None:
    """As seen live: the preset's `only` is gone as soon as the request has a `provider`."""
    sim = Simulated(tmp_path, *MODELS, presets=PRESETS)
    body = {**TEXT, "model": "acme/big@preset/only-hosts"}
    for _ in range(8):
        assert (await sim.post(path, body)).status_code == 200
    assert {tag for _, tag, _ in sim.reached()} <= {"openai", "novita/fp4"}
    sim.router.reached.clear()
    for _ in range(20):
        await sim.post(path, {**body, "provider": {"data_collection": "deny"}})
    assert {tag for _, tag, _ in sim.reached()} - {"openai", "novita/fp4"}
    assert "openai" not in {tag for _, tag, _ in sim.reached()}


async def test_one_slug_routes_by_the_key_that_uses_it(tmp_path: Path) -> None:
    sim = Simulated(tmp_path, *MODELS, presets=PRESETS)
    for key in (ONE, TWO):
        await sim.chat("@preset/differs", headers={"authorization": f"Bearer {key}"})
    assert sim.reached() == [
        ("acme/mini", "baseten", "preset"),
        ("acme/other-2.5", "openai", "preset"),
    ]


async def test_a_generation_record_and_the_metadata_show_the_use(tmp_path: Path) -> None:
    sim = Simulated(tmp_path, *MODELS, presets=PRESETS)
    reply = await sim.chat("@preset/two-models", headers=METADATA)
    told = reply.json()["openrouter_metadata"]
    assert (told["requested"], told["strategy"]) == ("@preset/two-models", "direct")
    sim.clock.now += 10
    record = (await sim.get(f"/generation?id={reply.json()['id']}")).json()["data"]
    listed = (await sim.get("/presets/two-models")).json()["data"]
    assert record["preset_id"] == listed["id"]
    plain = await sim.chat("acme/big")
    sim.clock.now += 10
    record = (await sim.get(f"/generation?id={plain.json()['id']}")).json()["data"]
    assert record["preset_id"] is None


async def test_an_entry_s_preset_holds_when_that_entry_answers(tmp_path: Path) -> None:
    """Its tools too: they run only where the entry's model is the one that answers."""
    sim = Simulated(tmp_path, *MODELS, presets=PRESETS)
    fail = {"fail": dict.fromkeys(("baseten", "deepinfra", "openai", "novita", "fireworks"), 429)}
    both = {"models": ["acme/mini@preset/helped"], "tool_choice": "auto"}
    await sim.chat("acme/big", **both)
    assert {why for _, _, why in sim.reached()} == {"outer"}
    sim.router.reached.clear()
    await sim.chat("acme/big", **both, simulate=fail)
    reached = sim.reached()
    assert reached[-1][0] == "acme/other-2.5"
    assert "inner" in {why for _, _, why in reached}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"provider": {"speed": 1}}, 'provider: Unrecognized key: "speed"'),
        ({"tools": ["x"]}, "tools.0: Invalid input: expected object"),
        ({"model": "no/model"}, "no/model is not a valid model ID"),
        ({"model": "@preset/bad"}, "@preset/bad is not a valid model ID"),
    ],
)
async def test_a_preset_that_is_wrong_is_refused_when_it_is_used(
    config: dict[str, Any], message: str
) -> None:
    sim = Simulated(presets=[preset("bad", {"model": "x-ai/grok-4", **config})])
    reply = await sim.chat("@preset/bad")
    assert (reply.status_code, reply.json()["error"]["message"]) == (400, message)
    reply = await sim.chat("x-ai/grok-4", preset=5)
    assert reply.json()["error"]["message"] == "preset: Invalid input: expected string"
