"""What `kubectl kustomize` makes of an overlay, as far as the files in `deploy/` use it.

Resources, strategic merge patches, images and a namespace; any other key is an error, so that no
file relies on something that is not looked at here.
"""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
# After the last stream: 1 for connections, 11 for a database that does not answer, 2 for traces.
LAST_RECEIPTS_SECONDS = 15
KNOWN = {"apiVersion", "kind", "namespace", "resources", "patches", "images"}
_MERGED_BY = {"containers": "name", "env": "name", "volumes": "name"}

Resource = dict[str, Any]


def read(file: Path) -> Any:
    """The only document of a file, in which no key comes twice."""
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_Strict)  # noqa: S506 - a safe one


def built(folder: Path) -> list[Resource]:
    """The resources of a base or an overlay. Raises `ValueError` if a part does not fit."""
    how: dict[str, Any] = read(folder / "kustomization.yaml")
    if how.keys() - KNOWN:
        raise ValueError(f"{folder.name}: {sorted(how.keys() - KNOWN)}")
    found: list[Resource] = []
    for name in how["resources"]:
        at = folder / name
        found += built(at) if at.is_dir() else [read(at)]
    for patch in how.get("patches", ()):
        change = read(folder / patch["path"])
        targets = [at for at, each in enumerate(found) if _key(each) == _key(change)]
        if len(targets) != 1:
            raise ValueError(f"{patch['path']}: {len(targets)} targets")
        found[targets[0]] = merged(found[targets[0]], change)
    for each in found:
        if "namespace" in how:
            each["metadata"]["namespace"] = how["namespace"]
        for container in _containers(each):
            container["image"] = _image(container["image"], how.get("images", ()))
    return found


def merged(base: Any, change: Any, under: str = "") -> Any:
    """A strategic merge: maps by key, some lists by the name of their items, all else replaced.

    The items of a patch come first, as in kustomize.
    """
    if isinstance(base, dict) and isinstance(change, dict):
        both = base | {key: merged(base.get(key), new, key) for key, new in change.items()}
        return {key: value for key, value in both.items() if value is not None}
    by = _MERGED_BY.get(under)
    if by is None or not isinstance(base, list):
        return change
    old = {each[by]: each for each in base}
    new = {each[by]: each for each in change}
    items = [merged(old.get(name), each) if name in old else each for name, each in new.items()]
    return items + [each for name, each in old.items() if name not in new]


class _Strict(yaml.SafeLoader):
    """Refuses a key that comes twice, as Kubernetes' own reader does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - as in the base
        keys = [key.value for key, _ in node.value]
        if len(set(keys)) != len(keys):
            raise ValueError(f"line {node.start_mark.line + 1}: a key comes twice")
        return super().construct_mapping(node, deep)


def _key(resource: Resource) -> tuple[str, str, str]:
    return (resource["apiVersion"], resource["kind"], resource["metadata"]["name"])


def _containers(resource: Resource) -> list[dict[str, Any]]:
    if resource["kind"] != "Deployment":
        return []
    found: list[dict[str, Any]] = resource["spec"]["template"]["spec"]["containers"]
    return found


def _image(image: str, changes: list[dict[str, str]]) -> str:
    for change in changes:
        if image == change["name"]:
            return f"{change['newName']}:{change['newTag']}"
    return image
