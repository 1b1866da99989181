"""What probes and hooks rely on, with processes that have the settings of the manifests."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.deploy.replicas import Replica, policies_in, refused_to_start, replica
from tests.deploy.test_compose import COMPOSE, REPLICAS, SERVICES
from tests.deploy.test_kubernetes import container, of_kind, plain_env, pod
from tests.running import NO_TLS
from tests.scripted_upstream import Pause, reply, sse
from tests.waiting import until_seen

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "acme/sim-1", "messages": []}
FRAME = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
POD_IP = "10.1.2.3"
KEYS = "prometheus:key-of-prometheus,operator:key-of-the-operator"
STATUS_SHOWS_BYTES, STATUS_SHOWS_LINES = 2048, 80  # of a log, with FallbackToLogsOnError


def settings_of_production() -> dict[str, str]:
    """As the kubelet fills them in, on a port of their own."""
    given = {
        name: value.replace("$(POD_IP)", POD_IP) for name, value in plain_env("production").items()
    }
    for elsewhere in ("POINTSMAN_LEDGER_URL", "POINTSMAN_PORT"):
        given.pop(elsewhere)
    keys = {"POINTSMAN_CALLER_KEYS": KEYS, "OPENROUTER_API_KEY": "sk-or-v1-x"}
    return given | keys | {"POINTSMAN_SHARED_SECRET": "s" * 32}


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(verify=NO_TLS, timeout=60, trust_env=False) as one:
        yield one


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[Replica]:
    async with replica(tmp_path, **settings_of_production()) as one:
        yield one


async def probed(client: httpx2.AsyncClient, serving: Replica, probe: str) -> int:
    """The status that a probe of the manifest gets."""
    asked = container("production")[probe]["httpGet"]
    headers = {each["name"]: each["value"] for each in asked["httpHeaders"]}
    return (await serving.asked(client, asked["path"], **headers)).status_code


def chat(client: httpx2.AsyncClient, serving: Replica) -> "asyncio.Task[httpx2.Response]":
    key = {"authorization": "Bearer key-of-the-operator"}
    asking = client.post(f"http://{serving.address}{CHAT}", json=ASK, headers=key)
    return asyncio.create_task(asking)


async def test_a_pod_passes_its_probes_and_can_be_scraped_by_its_address(
    client: httpx2.AsyncClient, serving: Replica
) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert await probed(client, serving, probe) == 200
    key = {"authorization": "Bearer key-of-prometheus"}
    (endpoint,) = of_kind("ServiceMonitor")["spec"]["endpoints"]
    for host, status in ((f"{POD_IP}:4477", 200), ("10.9.9.9:4477", 403)):
        scraped = await serving.asked(client, endpoint["path"], host=host, **key)
        assert scraped.status_code == status
    assert (await serving.asked(client, endpoint["path"], host=POD_IP)).status_code == 401


async def test_t26_a_pod_that_is_stopped_is_unready_at_once_alive_and_finishes_its_streams(
    client: httpx2.AsyncClient, serving: Replica
) -> None:
    serving.upstream.plays(sse(*(piece for _ in range(8) for piece in (FRAME, Pause(0.2))), DONE))
    streaming = chat(client, serving)
    await serving.upstream.was_asked()
    serving.process.send_signal(signal.SIGTERM)
    told = time.monotonic()

    async def is_unready() -> bool:
        return await probed(client, serving, "readinessProbe") == 503

    await until_seen(is_unready, within=1)
    assert time.monotonic() - told < container("production")["readinessProbe"]["periodSeconds"]
    assert await probed(client, serving, "livenessProbe") == 200
    refused = await chat(client, serving)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (await streaming).content == FRAME * 8 + DONE
    assert await serving.ended(within=3) == 0
    assert time.monotonic() - told < pod("production")["terminationGracePeriodSeconds"]


async def test_a_swapped_configmap_comes_into_force_while_a_stream_runs(
    client: httpx2.AsyncClient, serving: Replica, tmp_path: Path
) -> None:
    serving.upstream.plays(sse(*(piece for _ in range(12) for piece in (FRAME, Pause(0.2))), DONE))
    streaming = chat(client, serving)
    await serving.upstream.was_asked()

    async def book() -> dict[str, Any]:
        found: dict[str, Any] = (await serving.asked(client, "/ready")).json()["book"]
        return found

    before = await book()
    policies_in(tmp_path, of_kind("ConfigMap")["data"]["policies.yaml"])

    async def is_new() -> bool:
        return bool((await book())["revision"] != before["revision"])

    await until_seen(is_new)
    good = await book()
    assert (good["rules"], good["problems"]) == (1, [])
    policies_in(tmp_path, "version: 1\nrules: [{nam: x}]\n")

    async def has_problems() -> bool:
        return bool((await book())["problems"])

    await until_seen(has_problems)
    assert (await book())["revision"] == good["revision"]
    assert await probed(client, serving, "readinessProbe") == 200
    assert (await streaming).content == FRAME * 12 + DONE


async def test_a_bad_policy_at_the_start_is_in_the_status_of_the_pod(tmp_path: Path) -> None:
    policies_in(tmp_path, "version: 1\nrules: [{name: x, models: ['*'], floor: fp8}]\n")
    code, log = await refused_to_start(tmp_path, **settings_of_production())
    assert code == 2
    assert container("production")["terminationMessagePolicy"] == "FallbackToLogsOnError"
    shown = (
        "\n".join(log.splitlines()[-STATUS_SHOWS_LINES:]).encode()[-STATUS_SHOWS_BYTES:].decode()
    )
    assert "policies.yaml:2" in shown
    assert "floor" in shown


async def test_the_variable_that_kubernetes_sets_for_a_service_would_end_the_start(
    tmp_path: Path,
) -> None:
    """So the manifests switch such variables off."""
    policies_in(tmp_path)
    code, log = await refused_to_start(tmp_path, POINTSMAN_PORT="tcp://10.0.0.1:80")
    assert code == 2
    assert "POINTSMAN_PORT" in log
    assert pod("production")["enableServiceLinks"] is False


async def test_keys_in_the_file_that_compose_mounts_are_those_in_force(
    client: httpx2.AsyncClient, tmp_path: Path
) -> None:
    service = SERVICES[REPLICAS[0]]
    (secret,) = (each for each in service["secrets"] if each["source"] == "pointsman")
    assert secret["source"] in COMPOSE["secrets"]
    config = service["environment"]["XDG_CONFIG_HOME"]
    file = tmp_path / Path(secret["target"]).relative_to(config)
    file.parent.mkdir()
    file.write_text(
        f"OPENROUTER_API_KEY=sk-or-v1-of-the-file\nPOINTSMAN_CALLER_KEYS={KEYS}\n", encoding="utf-8"
    )
    async with replica(tmp_path, XDG_CONFIG_HOME=str(tmp_path)) as serving:
        serving.upstream.plays(reply(b"{}"))
        assert (await chat(client, serving)).status_code == 200
        sent = serving.upstream.only_request.header("authorization")
        assert sent == "Bearer sk-or-v1-of-the-file"
        refused = await client.post(f"http://{serving.address}{CHAT}", json=ASK)
        assert refused.status_code == 401
