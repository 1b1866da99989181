"""Presets: named configurations of a workspace, with their versions (openrouter.md §A1).

A file has `{"format": 1, "presets": [<item of GET /presets with "versions": [<version>, ...]>]}`.
An item requires only `slug`, a version only `config`. A key `_simulator` contains `keys`: the API
keys that can see the preset. Without it every key can; a key's own preset hides a shared one.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

SHIPPED = Path(__file__).parent / "presets.json"
_CREATED = "2026-04-20T10:00:00Z"
_USER = "user_simulated"


@dataclass(frozen=True, eq=False)
class Preset:
    """One preset; its values change as versions are added."""

    listed: dict[str, Any]
    versions: list[dict[str, Any]]
    keys: frozenset[str]

    @property
    def slug(self) -> str:
        """Its name in requests."""
        return str(self.listed["slug"])

    @property
    def id(self) -> str:
        """Its name in generation records."""
        return str(self.listed["id"])

    @property
    def designated(self) -> dict[str, Any] | None:
        """The version that is used; None if there is none."""
        wanted = self.listed["designated_version_id"]
        return next((each for each in self.versions if each["id"] == wanted), None)

    @property
    def used(self) -> dict[str, Any] | None:
        """The version that inference uses; None if the preset is not active or has none."""
        return self.designated if self.listed["status"] == "active" else None


Find = Callable[[str], Preset | None]  # by slug, among those that one key can see


def no_preset(_slug: str) -> None:
    """The presets of a key that has none."""


class Presets:
    """Every workspace's presets."""

    def __init__(self, items: Iterable[Mapping[str, Any]]) -> None:
        self._presets = [_preset(item) for item in items]

    @classmethod
    def read(cls, given: "Path | Iterable[Mapping[str, Any]] | None") -> "Presets":
        """The presets in a file, or of these items; the shipped ones by default."""
        if given is not None and not isinstance(given, Path):
            return cls(given)
        return cls(json.loads((given or SHIPPED).read_text(encoding="utf-8"))["presets"])

    def seen_by(self, key: str) -> list[Preset]:
        """The presets that a key can see, the most recently updated first; each slug once."""
        common = {each.slug: each for each in self._presets if not each.keys}
        own = {each.slug: each for each in self._presets if key in each.keys}
        seen = [*(common | own).values()]
        return sorted(seen, key=lambda each: str(each.listed["updated_at"]), reverse=True)

    def finder(self, key: str) -> Find:
        """The lookup of a key's presets for inference."""
        return {each.slug: each for each in self.seen_by(key)}.get

    def capture(
        self, slug: str, key: str, config: dict[str, Any], prompt: str | None, now: float
    ) -> Preset:
        """Add a version to a preset, which is created if the key can't see one with that slug."""
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        preset = self.finder(key)(slug)
        if preset is None:
            item = {"slug": slug, "created_at": moment, "_simulator": {"keys": [key]}}
            preset = _preset(item, workspace=key)
            self._presets.append(preset)
        told = {"config": config, "system_prompt": prompt, "created_at": moment}
        version = _version(told, preset.id, len(preset.versions) + 1)
        preset.versions.append(version)
        preset.listed.update(designated_version_id=version["id"], updated_at=moment)
        return preset


def _preset(item: Mapping[str, Any], workspace: str = "") -> Preset:
    keys = frozenset((item.get("_simulator") or {}).get("keys") or ())
    identity = str(uuid5(NAMESPACE_URL, f"preset/{item['slug']}/{workspace or sorted(keys)}"))
    created = item.get("created_at", _CREATED)
    listed = {
        "id": identity,
        "name": item["slug"],
        "status": "active",
        "status_updated_at": None,
        "description": None,
        "workspace_id": None,
        "creator_user_id": _USER,
        "created_at": created,
        "updated_at": created,
        **{name: value for name, value in item.items() if name not in {"versions", "_simulator"}},
    }
    told = enumerate(item.get("versions") or (), start=1)
    versions = [_version(version, str(listed["id"]), number) for number, version in told]
    listed.setdefault("designated_version_id", versions[-1]["id"] if versions else None)
    return Preset(listed, versions, keys)


def _version(told: Mapping[str, Any], preset: str, number: int) -> dict[str, Any]:
    created = told.get("created_at", _CREATED)
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{preset}/{number}")),
        "preset_id": preset,
        "creator_id": _USER,
        "version": number,
        "system_prompt": None,
        "created_at": created,
        "updated_at": created,
        **told,
    }
