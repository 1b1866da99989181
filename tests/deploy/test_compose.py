"""`deploy/compose.scale.yaml` is what Compose accepts, and fits its files and the program."""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from app.settings import Settings
from tests.deploy.built import DEPLOY, LAST_RECEIPTS_SECONDS, ROOT, read
from tests.deploy.schemas.trim import HERE as SCHEMAS

FILE = DEPLOY / "compose.scale.yaml"
SCALE = DEPLOY / "scale"
COMPOSE: dict[str, Any] = read(FILE)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
REPLICAS = sorted(name for name in SERVICES if name.startswith("pointsman-"))
SCHEMA = json.loads((SCHEMAS / "compose.json").read_text(encoding="utf-8"))
TEXT = (SCALE / "scale.env.example").read_text(encoding="utf-8")
ENV = dict(line.split("=", maxsplit=1) for line in TEXT.splitlines() if re.match(r"[A-Z]", line))


def problems(compose: dict[str, Any]) -> list[str]:
    found = Draft7Validator(SCHEMA).iter_errors(compose)
    return [f"{error.json_path}: {error.message}" for error in found]


@pytest.mark.parametrize("file", [FILE, ROOT / "compose.yaml"], ids=lambda file: file.name)
def test_the_file_has_the_shape_that_compose_requires(file: Path) -> None:
    assert problems(read(file)) == []


@pytest.mark.parametrize(
    "wrong", [{"comand": []}, {"ports": 80}, {"depends_on": {"a": {"condition": "service_ready"}}}]
)
def test_a_mistake_in_the_file_is_found(wrong: dict[str, Any]) -> None:
    services = SERVICES | {"caddy": SERVICES["caddy"] | wrong}
    assert problems(COMPOSE | {"services": services})


def test_every_file_that_it_mounts_is_there_or_is_to_be_made() -> None:
    made = {"scale/scale.env"} | {each["file"] for each in COMPOSE["secrets"].values()}
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert all(
        f"/deploy/{each}" in ignored or f"/deploy/{Path(each).parent}/" in ignored for each in made
    )
    for name, service in SERVICES.items():
        assert {service.get("env_file", "scale/scale.env")} <= made
        for volume in service.get("volumes", ()):
            source, target, *_ = volume.split(":")
            assert target.startswith("/")
            if source.startswith("."):
                assert (DEPLOY / source).exists(), f"{name}: {source}"
            else:
                assert source in COMPOSE["volumes"]
        for secret in service.get("secrets", ()):
            assert (secret if isinstance(secret, str) else secret["source"]) in COMPOSE["secrets"]


def test_the_replicas_differ_in_their_state_alone() -> None:
    assert len(REPLICAS) == 3
    shared = [
        {key: value for key, value in SERVICES[name].items() if key != "volumes"}
        for name in REPLICAS
    ]
    assert all(each == shared[0] for each in shared)
    states = {each for name in REPLICAS for each in SERVICES[name]["volumes"] if "/data" in each}
    assert len(states) == len(REPLICAS)


def test_the_settings_are_pointsmans_and_fit_together() -> None:
    names = {f"POINTSMAN_{name.upper()}": name for name in Settings.model_fields}
    ours = {names[name]: value for name, value in ENV.items() if name.startswith("POINTSMAN_")}
    assert ENV.keys() - names.keys() == {
        "SITE",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_SERVICE_NAME",
    }
    ours.pop("operators")
    settings = Settings.read(**ours)
    assert set(settings.allowed_hosts) == {ENV["SITE"], *REPLICAS}
    replica = SERVICES[REPLICAS[0]]
    grace = int(replica["stop_grace_period"].removesuffix("s"))
    assert grace >= settings.drain_seconds + LAST_RECEIPTS_SECONDS
    assert SERVICES["caddy"]["stop_grace_period"] == replica["stop_grace_period"]
    mounts = {each.split(":")[1] for each in replica["volumes"]}
    assert mounts == {str(settings.policies), "/data"}
    assert "POINTSMAN_STATE=/data" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert settings.otel


def test_the_next_replica_is_replaced_once_the_last_one_is_ready() -> None:
    """By `/health`, all of them would be replaced while the first one changes the tables."""
    checks = [SERVICES[name]["healthcheck"] for name in REPLICAS]
    assert all(
        re.findall(r"'(/\w+)'", " ".join(each["test"])) == ["/ready"] and each["start_period"]
        for each in checks
    )
    docs = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert re.search(r"--wait pointsman-\$n \|\| break; done", docs)


@pytest.mark.parametrize(("answer", "status"), [("503 Service Unavailable", 1), ("200 OK", 0)])
async def test_the_health_check_says_whether_a_replica_is_ready(answer: str, status: int) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = str(server.sockets[0].getsockname()[1])
        _, _, *words = SERVICES[REPLICAS[0]]["healthcheck"]["test"]
        words = [word.replace("4477", port) for word in words]
        process = await asyncio.create_subprocess_exec(sys.executable, *words)
        assert await process.wait() == status
    assert heads[0].startswith(b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1")


def test_no_key_or_password_is_a_variable() -> None:
    """Everybody who may ask Docker about a container sees its variables."""
    texts = [json.dumps(service.get("environment", {})) for service in SERVICES.values()]
    for text in (*texts, TEXT):
        assert not re.search(
            r"OPENROUTER_API_KEY|CALLER_KEYS|LEDGER_URL|NOTIFY|SHARED_SECRET", text
        )
    for password in re.findall(r"(\w*PASSWORD\w*)", FILE.read_text(encoding="utf-8")):
        assert password.endswith("_FILE")


def test_the_image_has_what_the_ledger_and_the_traces_need() -> None:
    assert SERVICES[REPLICAS[0]]["build"] == ".."
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (pins,) = re.findall(r"^ARG CONSTRAINTS=(\S+)$", dockerfile, re.MULTILINE)
    pinned = (ROOT / ".ci" / pins).read_text(encoding="utf-8")
    for package in ("psycopg==", "psycopg-binary==", "opentelemetry-sdk=="):
        assert f"\n{package}" in pinned
    assert f"!.ci/{pins}\n" in (ROOT / ".dockerignore").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_only_the_web_server_is_reachable_from_outside(name: str) -> None:
    published = SERVICES[name].get("ports", [])
    if name == "caddy":
        assert published == ["80:80", "443:443"]
    else:
        assert all(each.startswith("127.0.0.1:") for each in published)


def test_caddy_and_prometheus_know_every_replica() -> None:
    addresses = [f"{name}:4477" for name in REPLICAS]
    caddy = (SCALE / "Caddyfile").read_text(encoding="utf-8")
    assert f"reverse_proxy {' '.join(addresses)} {{" in caddy
    (job,) = read(SCALE / "prometheus.yaml")["scrape_configs"]
    assert job["static_configs"] == [{"targets": addresses}]
    key = job["authorization"]["credentials_file"].removeprefix("/run/secrets/")
    assert key in SERVICES["prometheus"]["secrets"]


@pytest.mark.parametrize("file", [SCALE / "Caddyfile", DEPLOY / "caddy" / "Caddyfile"])
def test_caddy_closes_an_idle_connection_before_pointsman_does(file: Path) -> None:
    """Else a POST can meet a closing connection, and can't be sent again."""
    (seconds,) = re.findall(r"^\s*keepalive (\d+)s$", file.read_text("utf-8"), re.MULTILINE)
    assert int(seconds) < Settings.model_fields["idle_timeout"].default


def test_grafana_finds_its_dashboard_and_prometheus() -> None:
    targets = [each.split(":")[1] for each in SERVICES["grafana"]["volumes"]]
    (provider,) = read(SCALE / "grafana" / "dashboards.yaml")["providers"]
    assert f"{provider['options']['path']}/pointsman.json" in targets
    (source,) = read(SCALE / "grafana" / "datasources.yaml")["datasources"]
    host, port = source["url"].removeprefix("http://").split(":")
    assert host in SERVICES
    assert f"127.0.0.1:{port}:{port}" in SERVICES[host]["ports"]


def test_the_collector_has_every_part_that_its_pipelines_name() -> None:
    read_file = read(SCALE / "collector.yaml")
    for pipeline in read_file["service"]["pipelines"].values():
        for part, names in pipeline.items():
            assert set(names) <= read_file[part].keys()
    port = read_file["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    assert ENV["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://collector:{port}"
    assert "collector" in SERVICES
