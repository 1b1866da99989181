"""Makes the schemas in this folder from those that were published; README.md says where they are.

    python -m tests.deploy.schemas.trim _definitions.json compose-spec.json CRD.yaml...

Descriptions are left out, and so is every kind that `deploy/` does not use. An unknown field is an
error: Kubernetes would drop one of a custom resource silently.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
KINDS = {
    "ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "Deployment": "io.k8s.api.apps.v1.Deployment",
    "HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
    "PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "Secret": "io.k8s.api.core.v1.Secret",
    "Service": "io.k8s.api.core.v1.Service",
    "ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
}
_LEFT_OUT = frozenset({"description", "title"})


def kubernetes(definitions: dict[str, Any]) -> dict[str, Any]:
    """One schema of all kinds used, each under its name, with what these refer to."""
    kept: dict[str, Any] = {}
    wanted = list(KINDS.values())
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = plain(definitions[name])
            wanted += re.findall(r'"#/\$defs/([^"]+)"', json.dumps(kept[name]))
    for kind, name in KINDS.items():
        kept[kind] = {"$ref": f"#/$defs/{name}", "required": ["apiVersion", "kind", "metadata"]}
    return kept


def custom(definition: dict[str, Any]) -> tuple[str, Any]:
    """The kind that a CustomResourceDefinition defines, and its schema."""
    (version,) = [each for each in definition["spec"]["versions"] if each["storage"]]
    schema = strict(plain(version["schema"]["openAPIV3Schema"]))
    schema["properties"]["metadata"] = {"type": "object"}
    return definition["spec"]["names"]["kind"], schema


def plain(schema: Any) -> Any:
    """A schema without the words about it."""
    if isinstance(schema, list):
        return [plain(each) for each in schema]
    if isinstance(schema, str):
        return schema.replace("^(?i)", "(?i)^")  # Python's place for it
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: plain(each) for name, each in value.items()}
        if key == "properties"
        else plain(value)
        for key, value in schema.items()
        if not (key in _LEFT_OUT and isinstance(value, str))
    }


def strict(schema: Any) -> Any:
    """A schema that allows only the properties it names, wherever it names some."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    stricter = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        stricter.setdefault("additionalProperties", False)
    if stricter.pop("x-kubernetes-int-or-string", False):
        stricter.pop("anyOf", None)
        stricter["type"] = ["integer", "string"]
    return stricter


def write(name: str, schema: Any) -> None:
    text = json.dumps(schema, indent=1, sort_keys=True)
    (HERE / name).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    published, compose, *crds = (Path(each).read_text(encoding="utf-8") for each in sys.argv[1:])
    resources = [each for text in crds for each in yaml.safe_load_all(text) if each]
    definitions = kubernetes(json.loads(published)["$defs"]) | dict(map(custom, resources))
    write("kubernetes.json", {"$defs": definitions})
    write("compose.json", plain(json.loads(compose)))
