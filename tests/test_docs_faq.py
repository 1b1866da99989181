"""docs/faq.md: what it says of the default policy and of OpenRouter's errors is so."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from app.policy_folder import shipped_policies
from app.simulator import create_simulator
from tests.conftest import Proxy, StartProxy
from tests.running import running
from tests.test_docs import DOCS

TEXT = (DOCS / "faq.md").read_text(encoding="utf-8")
MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture
async def default(start_proxy: StartProxy) -> AsyncIterator[Proxy]:
    """Pointsman under the policy that ships with it, in front of the simulated OpenRouter."""
    policy = (shipped_policies() / "default.yaml").read_text(encoding="utf-8")
    with running(create_simulator(pace=0)) as openrouter:
        yield start_proxy(policy, upstream_url=f"{openrouter.url}/api/v1")


async def asked(
    proxy: Proxy, path: str, body: Mapping[str, Any], **simulated: object
) -> tuple[int, Any, dict[str, Any]]:
    """The status, the error, and the receipt of one request."""
    headers = {"x-openrouter-simulate": json.dumps(simulated)}
    answer = await proxy.client.post(proxy.url + path, json=body, headers=headers)
    return answer.status_code, answer.json().get("error"), await proxy.only_receipt()


def test_every_question_is_in_the_list_of_contents() -> None:
    contents, *sections = TEXT.split("\n## ")
    for section in sections:
        assert f"[{section.splitlines()[0]}]" in contents


async def test_a_free_model_is_a_404_that_names_the_line(default: Proxy) -> None:
    body = {"model": "qwen/qwen3-coder:free", "messages": MESSAGES}
    status, error, _ = await asked(default, "/v1/chat/completions", body)
    assert status == 404
    assert "data_collection: deny -> allow" in error["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/audio/speech", {"model": "acme/voice", "input": "hi"}),
        ("/v1/videos", {"model": "acme/film", "prompt": "a cube"}),
        ("/v1/images", {"model": "acme/paint", "prompt": "a cube"}),
    ],
)
async def test_other_media_are_refused_under_the_default_policy(
    default: Proxy, path: str, body: Mapping[str, Any]
) -> None:
    status, error, _ = await asked(default, path, body)
    assert (status, error["code"]) == (403, "policy_refused")
    assert "routes: pass" in error["message"]


async def test_a_429_of_a_provider_reaches_the_client_and_is_not_retried(default: Proxy) -> None:
    only = {"only": ["moonshotai"]}
    body = {"model": "moonshotai/kimi-k2", "messages": MESSAGES, "provider": only}
    status, error, receipt = await asked(
        default, "/v1/chat/completions", body, fail={"moonshotai": 429}
    )
    assert (status, error["code"]) == (429, 429)
    assert receipt["ending"] == "upstream_error"


async def test_openrouter_tries_the_next_provider_and_the_receipt_lists_the_attempts(
    default: Proxy,
) -> None:
    body = {
        "model": "moonshotai/kimi-k2",
        "messages": MESSAGES,
        "provider": {"order": ["moonshotai"]},
    }
    status, _, receipt = await asked(
        default, "/v1/chat/completions", body, fail={"moonshotai": 429}
    )
    assert status == 200
    assert [attempt["status"] for attempt in receipt["attempts"]] == [429, 200]
    assert receipt["verdict"] == "kept"


async def test_a_web_search_makes_it_unproven(default: Proxy) -> None:
    body = {"model": "qwen/qwen3-coder:online", "messages": MESSAGES}
    _, _, receipt = await asked(default, "/v1/chat/completions", body)
    assert receipt["verdict"] == "unproven"
    assert "ran server tools" in receipt["reason"]


def test_every_code_that_is_named_is_one() -> None:
    errors = (DOCS / "errors.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\| \d+ \| `(\w+)` \|", errors, re.MULTILINE))
    section = TEXT.split("## Why a 401?")[1].split("## Why is a free")[0]
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", section))
    assert named <= known
    assert len(named) == 7
