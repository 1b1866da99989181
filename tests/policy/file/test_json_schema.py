"""The JSON Schema that editors complete from says what the reader says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.policy.file.schema import RULE_KEYS, json_schema
from app.policy_folder import shipped_policies
from tests.policy.good_values import GOOD

Schema = dict[str, Any]
KINDS: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
}


def _properties(value: Any, known: Schema, schema: Schema) -> bool:
    others = {key: each for key, each in value.items() if key not in known}
    more = schema["additionalProperties"]
    return all(fits(value[key], known[key]) for key in value if key in known) and (
        not others if more is False else all(fits(each, more) for each in others.values())
    )


WORDS: dict[str, Callable[[Any, Any, Schema], bool]] = {
    "type": lambda value, kind, _: (
        isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
    ),
    "enum": lambda value, words, _: value in words,
    "const": lambda value, only, _: bool(value == only),
    "pattern": lambda value, pattern, _: re.search(pattern, value) is not None,
    "minimum": lambda value, least, _: bool(value >= least),
    "maximum": lambda value, most, _: bool(value <= most),
    "minItems": lambda value, least, _: len(value) >= least,
    "minProperties": lambda value, least, _: len(value) >= least,
    "uniqueItems": lambda value, _, __: len({json.dumps(each) for each in value}) == len(value),
    "items": lambda value, schema, _: all(fits(each, schema) for each in value),
    "required": lambda value, keys, _: all(key in value for key in keys),
    "propertyNames": lambda value, schema, _: all(fits(each, schema) for each in value),
    "properties": _properties,
    "additionalProperties": lambda value, _, schema: _properties(
        value, schema.get("properties", {}), schema
    ),
    "anyOf": lambda value, schemas, _: any(fits(value, each) for each in schemas),
    **dict.fromkeys(("description", "examples", "title", "$schema"), lambda *_: True),
}


def fits(value: Any, schema: Schema) -> bool:
    """A reader of the few words of JSON Schema that we write; any other word is an error."""
    return all(WORDS[word](value, said, schema) for word, said in schema.items())


def policy(**keys: Any) -> dict[str, Any]:
    return {"version": 1, "rules": [{"name": "mine", "models": ["*"], **keys}]}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key in GOOD for value in GOOD[key]])
def test_what_the_reader_takes_fits(key: str, value: Any) -> None:
    assert fits(policy(**{key: value}), json_schema())


@pytest.mark.parametrize(
    "wrong",
    [
        policy(only="a"),
        policy(only=[]),
        policy(only=["a", "a"]),
        policy(only=["DeepInfra"]),
        policy(models=["qwen3"]),
        policy(zdr="true"),
        policy(zdr=1),
        policy(merge="tight"),
        policy(max_price={"prompt": -1}),
        policy(max_price={"prompts": 1}),
        policy(sort={"partition": "none"}),
        policy(options={}),
        policy(zzz=1),
        {"version": 2},
        {},
        {"version": 1, "rules": [{"models": ["*"]}]},
        {"version": 1, "aliases": {"a b": {"model": "a/b"}}},
        {"version": 1, "aliases": {"ab": {"model": "ab"}}},
    ],
    ids=str,
)
def test_what_the_reader_refuses_by_its_shape_does_not_fit(wrong: dict[str, Any]) -> None:
    assert not fits(wrong, json_schema())


@pytest.mark.parametrize("file", sorted(shipped_policies().rglob("*.yaml")), ids=lambda f: f.name)
def test_every_shipped_policy_fits(file: Path) -> None:
    assert fits(yaml.safe_load(file.read_text(encoding="utf-8")), json_schema())


def test_it_is_json_and_says_what_every_key_is_for() -> None:
    schema = json.loads(json.dumps(json_schema()))
    rule = schema["properties"]["rules"]["items"]["properties"]
    assert rule.keys() == RULE_KEYS.keys()
    assert all(each["description"].endswith(".") for each in rule.values())
