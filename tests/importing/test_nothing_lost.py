"""Whatever stands wherever in a file, it is in the policy, or named with its line."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from app.importing.policy_file import Imported, import_file
from app.importing.source import plain, read_source
from tests.importing.reading import book_of
from tests.importing.sources import FILES, Wish

pytestmark = pytest.mark.slow

# A file of each kind with places where its tool reads provider settings, and many where it
# doesn't: agents, profiles, other providers' models, defaults, settings of other things.
_OTHER = {"theme": {"mode": "dark"}, "servers": [{"name": "x", "env": {"A": "b"}}, {"args": {}}]}
_WISHES = {"a/b": Wish({}, {"sort": "exacto"}), "c/d": Wish({}, {"sort": "exacto"})}
_MORE: dict[str, dict[str, Any]] = {
    "litellm": {
        "router_settings": {"default_litellm_params": {"extra_body": {}, "metadata": {}}},
        "litellm_settings": {"default_team_settings": [{"team_id": "x"}]},
        "model_list": [
            {"model_name": "x", "litellm_params": {"model": "azure/x", "extra_body": {}}},
            {"model_name": "y", "litellm_params": {"model": "openrouter/y"}},
        ],
    },
    "llama-swap": {
        "models": {"local": {"cmd": "x", "filters": {"setParams": {}}}},
        "peers": {
            "lab": {"proxy": "http://192.0.2.7", "models": ["m"], "filters": {"setParams": {}}},
            "openrouter": {"models": [], "filters": {"setParams": {}}},
        },
    },
    "pi": {
        "providers": {
            "lab": {"baseUrl": "http://192.0.2.7", "compat": {}, "models": [{"id": "e/f"}]},
            "openrouter": {
                "compat": {"openRouterRouting": {}},
                "modelOverrides": {"a/b": {"compat": {}}, "g/h": {"compat": {}}},
            },
        }
    },
    "opencode": {
        "model": "openrouter/a/b",
        "agent": {"plan": {"model": "openrouter/c/d", "options": {}}, "build": {}},
        "mode": {"docs": {"model": "anthropic/x"}, "odd": {"options": {}}},
        "provider": {
            "anthropic": {"models": {"x": {"options": {}}}},
            "openrouter": {
                "options": {"extraBody": {}},
                "models": {"e/f": {"variants": {"v": {}}}},
            },
        },
    },
    "claude-code-router": {
        "Providers": [{"api_base_url": "http://x", "models": ["m"], "transformer": {"m": {}}}],
        "Router": {"default": "openrouter,a/b"},
    },
    "qwen-code": {
        "model": {"name": "a/b", "generationConfig": {"extra_body": {}, "samplingParams": {}}},
        "modelProviders": {
            "openai": [{"id": "x", "baseUrl": "http://x", "generationConfig": {"extra_body": {}}}],
            "gemini": {"models": [{"id": "a/b"}]},
        },
    },
    "zed": {
        "agent": {"default_model": {"provider": "openrouter", "model": "a/b"}},
        "language_models": {"openai_compatible": {"x": {"available_models": [{"name": "a/b"}]}}},
    },
    "continue": {
        "requestOptions": {"extraBodyProperties": {}},
        "models": [{"provider": "ollama", "model": "x", "requestOptions": {}}, {"uses": "a/b"}],
        "tabAutocompleteModel": {"provider": "openrouter", "model": "a/b", "requestOptions": {}},
    },
    "librechat": {
        "endpoints": {
            "custom": [
                {"name": "x", "baseURL": "http://x", "addParams": {}},
                {"name": "OpenRouter", "models": {"fetch": True}, "addParams": {}},
            ],
            "agents": {"capabilities": []},
        },
        "modelSpecs": {"list": [{"preset": {"model": "a/b"}}]},
    },
}
_CLINE = {
    "providerProfiles": {
        "apiConfigs": {
            "default": {"apiProvider": "openrouter", "openRouterModelId": "a/b"},
            "second": {"apiProvider": "openrouter", "openRouterModelId": "a/b", "openRouterZdr": 1},
            "other": {"apiProvider": "anthropic"},
        }
    },
    "globalSettings": {"codebaseIndexConfig": {}, "openRouterProviderSorting": "price"},
}


def config_of(tool: str) -> Any:
    if tool == "cline":
        return deepcopy({**_CLINE, **_OTHER})
    config = plain(read_source("theirs", FILES[tool](_WISHES))[0])
    if tool == "aider":
        return deepcopy([*config, {"name": "gpt-5", **_OTHER}, {"name": "aider/extra_params"}])
    return deepcopy(_joined({**config, **_OTHER}, _MORE[tool]))


def _joined(under: Any, over: Any) -> Any:
    if isinstance(under, dict) and isinstance(over, dict):
        return {**under, **{key: _joined(under.get(key), each) for key, each in over.items()}}
    return [*under, *over] if isinstance(under, list) else over


# --- planting ---------------------------------------------------------------------------------

NAMES = ("provider", "provider", "providerOptions", "provider_routing", "openRouterRouting", "mine")
# One of these makes it plain what an object is, wherever it stands; each in two spellings.
SURE = {
    "allow_fallbacks": ("allowFallbacks", True),
    "require_parameters": ("requireParameters", True),
    "data_collection": ("dataCollection", "deny"),
    "zdr": ("ZDR", True),
    "max_price": ("maxPrice", {"prompt": 2}),
}
FURTHER = {"sort": "latency", "ignore": ["chutes"], "quantizations": ["fp8"]}


@st.composite
def planted(draw: st.DrawFn, tool: str) -> str:
    """A file of a tool into which provider objects were put.

    Each object can be told by its marker: `only` names a provider that no other has.
    """
    config = config_of(tool)
    for number in range(draw(st.integers(1, 3))):
        spots = [each for each in _mappings(config) if "planted" not in str(each.get("only"))]
        field = draw(st.sampled_from(sorted(SURE)))
        spelled, value = SURE[field]
        further = draw(st.lists(st.sampled_from(sorted(FURTHER)), max_size=2, unique=True))
        name = draw(st.sampled_from(NAMES))
        if draw(st.booleans()):  # at a documented place, if there is one
            name = draw(st.sampled_from(["provider", "openRouterRouting"]))
            spots = [each for each in spots if name in each] or spots
        draw(st.sampled_from(spots))[name] = {
            "only": [f"planted-{number}"],
            field if draw(st.booleans()) else spelled: value,
            **{key: FURTHER[key] for key in further},
        }
    as_json = tool != "aider" and draw(st.booleans())
    return json.dumps(config, indent=1) if as_json else yaml.safe_dump(config)


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a file; what is put into one is not looked into."""
    if isinstance(value, dict):
        yield value
        if "only" in value:
            return
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from _mappings(each)


@dataclass(frozen=True)
class Object:
    """One planted object, as it stands in the text."""

    where: str
    line: int
    fields: Mapping[str, Any]


def _objects(node: yaml.Node, where: str = "", line: int = 1) -> Iterator[Object]:
    if isinstance(node, yaml.MappingNode):
        fields = yaml.safe_load(yaml.serialize(node))
        if "planted" in str(fields.get("only")):
            yield Object(where, line, fields)
        for key, each in node.value:
            path = f"{where}.{key.value}" if where else key.value
            yield from _objects(each, path, key.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for position, each in enumerate(node.value):
            yield from _objects(each, f"{where}[{position}]", each.start_mark.line + 1)


@pytest.mark.parametrize("tool", sorted([*FILES, "cline"]))
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_every_planted_field_is_in_the_policy_or_named_with_its_line(
    tool: str, data: st.DataObject
) -> None:
    text = data.draw(planted(tool))
    policy = import_file("theirs", text, tool)
    book_of(policy)
    root = yaml.compose(text)
    assert root is not None
    objects = [*_objects(root)]
    assert objects
    for each in objects:
        lost = [field for field in each.fields if not _is_kept(field, each, policy)]
        assert not lost or _is_named(each, policy) or _are_named(lost, each, policy), (each, text)


def _is_kept(field: str, of: Object, policy: Imported) -> bool:
    """Whether the policy says it, for whatever it says the rest of the object for."""
    content = yaml.safe_load(policy.text)
    wishes = [*content.get("rules", [])]
    wishes += [alias.get("preferences", {}) for alias in content.get("aliases", {}).values()]
    kept = [each for each in wishes if each.get("only") == of.fields["only"]]
    return any(each.get(_SPELLED.get(field, field)) == of.fields[field] for each in kept)


def _is_named(each: Object, policy: Imported) -> bool:
    """Whether it is said of the whole object that it isn't in force as it was written."""
    return any(
        (left.place.where, left.place.line) == (each.where, each.line) for left in policy.left
    )


def _are_named(fields: list[str], of: Object, policy: Imported) -> bool:
    named = {left.place.where: left.place.line for left in policy.left}
    return all(named.get(f"{of.where}.{field}", 0) > of.line for field in fields)


_SPELLED = {spelled: field for field, (spelled, _) in SURE.items()}
