"""Apply presets to a request: the models it names, and its body as it applies to each of them.

Rule 1: a request's field replaces the preset's completely, `provider` too; missing fields come
from the preset.
Rule 2: `tools` are merged, the preset's first; a request's entry replaces one of the same identity.
Rule 3: a preset's `model` and `models` count only if the request's own model is the bare
`@preset/...` form or absent.
Rule 4: a preset in the model's name takes precedence over one in the field `preset`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .presets import Find, Preset
from .refusals import Refusal
from .switches import Switches

_MARK = "@preset/"
# Keys of a preset's `config` that are not request fields, or are applied by rule 3.
_APART = frozenset({"model", "models", "cache_enabled", "cache_ttl_seconds"})
_PROMPTS = {"responses": "instructions", "messages": "system"}


@dataclass(frozen=True, slots=True)
class Named:
    """A model that may answer, under a name that may be in the catalog."""

    name: str
    place: int  # of the entry that added it; 0 is the first choice
    body: dict[str, Any]  # the request as it applies to this model
    preset: Preset | None  # that names it, or that its entry refers to
    by_preset: bool  # whether only the preset names it


def named_models(
    body: Mapping[str, Any], dialect: str, find: Find, switches: Switches
) -> list[Named]:
    """Every model that a request names, the first choice first, presets joined in.

    Raises the error for an unknown preset, in the form set by the switch `lost_preset`.
    """
    joining = _Joining(body, dialect, find, switches)
    model, own = _split(body.get("model") or "")
    entries = [_split(name) for name in _fallbacks(body)]
    how = switches.listed_presets
    listed = [slug for _, slug in entries if how == "whole"]
    used = joining.found(own, body.get("preset") or None, *listed)
    names = [model] if model else _models_of(used, alone=bool(entries))
    found = joining.standing(used, names, 0, bare=not model)
    for place, (name, slug) in enumerate(entries, start=1 if found else 0):
        if slug is None or how == "ignored":
            found += joining.standing(used, [name or f"{_MARK}{slug or ''}"], place, bare=False)
            continue
        theirs = joining.found(slug)
        names = [name] if name else _models_of(theirs, alone=False)
        joined = [*theirs, *used] if how == "own" else used
        found += joining.standing(joined, names, place, bare=not name)
    once: dict[tuple[str, Preset | None], Named] = {}
    for each in found:
        once.setdefault((each.name, each.preset), each)
    return [*once.values()]


@dataclass(frozen=True, slots=True)
class _Joining:
    """One request, and the lookup for its presets."""

    body: Mapping[str, Any]
    dialect: str
    find: Find
    switches: Switches

    def found(self, *slugs: str | None) -> list[Preset]:
        """The usable presets among these slugs."""
        usable = []
        for slug in slugs:
            preset = None if slug is None else self.find(slug)
            if preset is not None and preset.used is not None:
                usable.append(preset)
            elif slug is not None and self.switches.lost_preset != "ignored":
                raise Refusal(int(self.switches.lost_preset), f"Preset not found: {slug}")
        return usable

    def standing(
        self, presets: Sequence[Preset], names: Sequence[str], place: int, *, bare: bool
    ) -> list[Named]:
        """These models, each with the request after these presets are applied."""
        joined = _joined(self.body, presets, self.dialect, self.switches)
        first = presets[0] if presets else None
        return [Named(name, place, joined, first, by_preset=bare) for name in names]


def _split(name: str) -> tuple[str, str | None]:
    """A model's name and the slug of the preset after it."""
    model, mark, slug = name.partition(_MARK)
    return model, slug if mark else None


def _fallbacks(body: Mapping[str, Any]) -> list[str]:
    named = body.get("models") or [row.get("model") for row in body.get("fallbacks") or []]
    return [str(name) for name in named]


def _models_of(presets: Sequence[Preset], *, alone: bool) -> list[str]:
    """The models of the first preset that names any; `alone`: its `model` without its `models`."""
    for preset in presets:
        config = _config(preset)
        also = config.get("models")
        names = [config.get("model"), *(also if isinstance(also, list) and not alone else ())]
        if given := [name for name in names if isinstance(name, str) and name]:
            return given
    return []


def _config(preset: Preset) -> Mapping[str, Any]:
    version = preset.used or {}
    return version.get("config") or {}


# --- joining ----------------------------------------------------------------------------------


def _joined(
    body: Mapping[str, Any], presets: Sequence[Preset], dialect: str, switches: Switches
) -> dict[str, Any]:
    """The request with its presets' fields added; the first preset takes precedence."""
    joined = {name: value for name, value in body.items() if name != "preset"}
    for preset in presets:
        config = {k: v for k, v in _config(preset).items() if k not in _APART}
        lacking = switches.preset_nulls == "lacking"
        given = {k: v for k, v in joined.items() if not (lacking and v is None and k in config)}
        tools = _united(config.get("tools"), given.get("tools"))
        joined = {**config, **given, **({"tools": tools} if tools else {})}
        joined = _prompted(joined, (preset.used or {}).get("system_prompt"), dialect)
    return joined


def _united(theirs: Any, own: Any) -> Any:
    """Rule 2; values that are not lists are left to the check of the whole body."""
    if not isinstance(theirs, list) or not isinstance(own, list):
        return own or theirs
    left = [*own]
    united = []
    for tool in theirs:
        same = [each for each in left if _identity(each) == _identity(tool)]
        united += same or [tool]
        left = [each for each in left if each not in same]
    return united + left


def _identity(tool: Any) -> tuple[str, str]:
    """The identity of an entry of `tools`; entries of one type without a name are the same tool."""
    if not isinstance(tool, dict):
        return ("", repr(tool))
    kind, inside = str(tool.get("type") or "custom"), tool.get("parameters")
    if kind in {"openrouter:advisor", "openrouter:subagent"}:
        name = inside.get("name") if isinstance(inside, dict) else None
        return (kind, str(name or "").strip())
    if kind in {"function", "custom"}:
        function = tool.get("function")
        return ("function", str((function if isinstance(function, dict) else tool).get("name")))
    return (kind, "")


def _prompted(body: dict[str, Any], prompt: Any, dialect: str) -> dict[str, Any]:
    """The preset's system prompt, if the request has none of its own."""
    if not isinstance(prompt, str) or not prompt:
        return body
    if dialect in _PROMPTS:
        return {_PROMPTS[dialect]: prompt, **body}
    turns = body.get("messages")
    if not isinstance(turns, list) or any(_is_system(turn) for turn in turns):
        return body
    return {**body, "messages": [{"role": "system", "content": prompt}, *turns]}


def _is_system(turn: Any) -> bool:
    return isinstance(turn, dict) and turn.get("role") in {"system", "developer"}
