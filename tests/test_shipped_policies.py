"""The policies that ship: each is sound by itself, matches the schema, and does what it says."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from app.policy.file.parse import read_book
from app.policy.file.schema import json_schema
from app.simulator import create_simulator
from tests.conftest import StartProxy
from tests.running import running

FOLDER = Path(__file__).parent.parent / "policies"
FILES = sorted(FOLDER.rglob("*.yaml"))

CODER, KIMI, GLM = "qwen/qwen3-coder", "moonshotai/kimi-k2", "z-ai/glm-4.6"
CLAUDE, OSS, LLAMA = (
    "anthropic/claude-sonnet-4.6",
    "openai/gpt-oss-120b",
    "meta-llama/llama-3.3-70b-instruct",
)
LABELS_8 = {"fp8", "mxfp8", "fp16", "bf16", "fp32"}
LABELS_16 = {"fp16", "bf16", "fp32"}
LABELS_4 = {"int4", "fp4", "mxfp4", "nvfp4", "fp6", "int8"} | LABELS_8


def test_there_is_an_example_for_each_way_that_people_ask_for() -> None:
    names = {file.stem for file in FILES if file.parent.name == "examples"}
    assert names == {"precise", "fp8-fast", "pinned", "cheap", "private"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_is_sound_by_itself_and_says_for_whom_it_is(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    read_book({file.name: text})
    jsonschema.validate(yaml.safe_load(text), json_schema())
    schema_line, told, *_ = text.splitlines()
    assert (file.parent / schema_line.rpartition("=")[2]).resolve() == FOLDER / "schema.json"
    assert told.startswith("# ")
    assert re.search(r"^# .*\bFor ", text, re.MULTILINE)


def test_the_schema_that_ships_is_the_one_in_force() -> None:
    shipped = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
    assert shipped == json_schema(), "write it again: pointsman schema > policies/schema.json"
    jsonschema.Draft202012Validator.check_schema(shipped)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"name": "a", "modles": ["*"]}, []),
        ({"name": "a", "models": ["*"], "only": ["DeepInfra"]}, ["only", 0]),
        ({"name": "a", "models": ["*"], "only": []}, ["only"]),
        ({"name": "a", "models": ["*"], "zdr": "deny"}, ["zdr"]),
        ({"name": "a", "models": ["*"], "max_price": {"promt": 1}}, ["max_price"]),
        ({"name": "a", "models": ["*"], "max_price": {"prompt": "1"}}, ["max_price", "prompt"]),
        ({"name": "a", "models": ["*"], "merge": "loosen"}, ["merge"]),
        ({"models": ["*"]}, []),
    ],
)
def test_an_editor_marks_what_the_reader_would_refuse(
    rule: dict[str, Any], path: list[str | int]
) -> None:
    errors = list(
        jsonschema.Draft202012Validator(json_schema()).iter_errors({"version": 1, "rules": [rule]})
    )
    assert [list(error.absolute_path) for error in errors] == [["rules", 0, *path]]


SERVED: list[tuple[str, str, set[str]]] = [
    # example, model, labels of which whoever serves has one
    ("default.yaml", CODER, LABELS_8),
    ("default.yaml", CLAUDE, {"unknown"}),
    ("default.yaml", OSS, LABELS_4),
    ("examples/precise.yaml", CODER, LABELS_16),
    ("examples/precise.yaml", LLAMA, LABELS_16),
    ("examples/precise.yaml", CLAUDE, {"unknown"}),
    ("examples/fp8-fast.yaml", CODER, LABELS_8),
    ("examples/fp8-fast.yaml", GLM, LABELS_8),
    ("examples/cheap.yaml", CODER, LABELS_8),
    ("examples/cheap.yaml", LLAMA, LABELS_4 | {"unknown", "unlabelled"}),
    ("examples/private.yaml", CODER, LABELS_4 | {"unknown"}),
    ("examples/private.yaml", CLAUDE, {"unknown"}),
    ("examples/pinned.yaml", "kimi-first-party", {"fp8"}),
    ("examples/pinned.yaml", "kimi-with-a-spare", {"fp8"}),
    ("examples/pinned.yaml", "coder-at-novita", {"fp8"}),
    ("examples/pinned.yaml", "glm-first-party", {"fp8"}),
]


@pytest.mark.parametrize(("file", "model", "labels"), SERVED)
async def test_each_does_what_it_says_in_front_of_a_router(
    start_proxy: StartProxy, file: str, model: str, labels: set[str]
) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        policy = (FOLDER / file).read_text(encoding="utf-8")
        proxy = start_proxy(policy, upstream_url=f"{openrouter.url}/api/v1")
        ask = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ask)
        assert answer.status_code == 200, answer.text
        receipt = await proxy.only_receipt()
    assert receipt["verdict"] == "kept", receipt["reason"]
    assert set(receipt["quantizations_listed"]) <= labels


REFUSED = [
    # example, model, more of the request, the status and code of the answer
    ("examples/private.yaml", CODER, {"plugins": [{"id": "web"}]}, (403, "policy_refused")),
    ("examples/cheap.yaml", CLAUDE, {}, (404, 404)),
    ("default.yaml", CODER, {"provider": {"quantizations": ["fp4"]}}, (403, "policy_conflict")),
    ("default.yaml", "qwen/qwen3-coder:free", {}, (404, 404)),
]


@pytest.mark.parametrize(("file", "model", "more", "expected"), REFUSED)
async def test_each_turns_away_what_it_says(
    start_proxy: StartProxy,
    file: str,
    model: str,
    more: dict[str, Any],
    expected: tuple[int, object],
) -> None:
    with running(create_simulator(pace=0)) as openrouter:
        policy = (FOLDER / file).read_text(encoding="utf-8")
        proxy = start_proxy(policy, upstream_url=f"{openrouter.url}/api/v1")
        ask = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
        answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ask)
    assert (answer.status_code, answer.json()["error"]["code"]) == expected
