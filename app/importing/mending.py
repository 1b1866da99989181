"""Correct the spelling of a provider object's fields in another tool's file.

Values that the schema accepts are carried over unchanged. Values that it rejects are corrected if
their meaning is certain (`allowFallbacks`, `DeepInfra`, `BF16`, `"0.5"`, a price per token); the
rest is left out, with the schema's own reason. The result is always valid in a policy file.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from ..catalog.providers import SLUGS, is_known, slug_of
from ..policy.file.schema import ENTRY, PRICE, PROVIDER_KEYS, SECONDS
from ..policy.file.shapes import Number, OneOf, Record, Shape
from ..policy.file.yaml_tree import BAD, read_tree
from ..policy.precision import LADDER, UNKNOWN
from ..suggest import did_you_mean
from .quoting import holds_secret, shown
from .yaml_text import as_yaml

Mended = tuple[Any, list[str]]  # a value, and the notes about it

_NUMBER = re.compile(r"\d+(\.\d+)?([eE][-+]?\d{1,2})?")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|-")
_KNOWN_SLUGS = frozenset(SLUGS.values())
_LABELS = (*LADDER, UNKNOWN)

# Labels and data policies that are often spelled differently from OpenRouter's spelling.
_SPELLINGS = {"bfloat16": "bf16", "float8": "fp8", "float16": "fp16", "float32": "fp32"}
_POLICIES = {"disallow": "deny"}  # Zed's spelling

# The likely meaning of a number that seems to be in another unit, by the unit it should have.
_CONVERSIONS: Mapping[str, Callable[[Decimal], Decimal]] = {
    PRICE.unit: lambda per_token: per_token * 1_000_000,
    SECONDS.unit: lambda milliseconds: milliseconds / 1000,
}


def field_named(name: str) -> str | None:
    """The provider field that a key means, however its words are joined; None for other keys."""
    joined = _WORDS.sub("_", name).lower()
    return joined if joined in PROVIDER_KEYS else None


def mended(name: str, value: Any) -> Mended:
    """A provider field's corrected value; None if no value is left."""
    if value is None or value in ([], {}):
        return None, []  # it has no effect upstream either
    if holds_secret(value):
        return None, ["it may contain a key, and keys are never copied"]
    shape = PROVIDER_KEYS[name].shape
    meant, remarks = MENDS[name](value, shape)
    if meant in ([], {}):
        return None, [*remarks, "none of it can be used, so it is left out"]
    refusal = _refusal(shape, meant)
    return (None, [*remarks, refusal]) if refusal else (meant, remarks)


def _refusal(shape: Shape, value: Any) -> str | None:
    """The schema's error for a value."""
    problems: list[Any] = []
    spot = read_tree("", as_yaml(value), problems)
    if spot is None or shape.read(spot) is BAD or problems:  # an unknown key is ignored
        return str(problems[0].message)
    return None


# --- kinds of values --------------------------------------------------------------------------


def _providers(value: Any, _: Shape) -> Mended:
    return _each(value, _slug, lambda _: "unknown provider name; write its slug")


def _slug(entry: Any) -> str | None:
    """The slug, if it is certain: a known provider's, or a text in the form of a slug."""
    if not isinstance(entry, str):
        return None
    provider, *tag = entry.strip().split("/")
    if provider.lower() in _KNOWN_SLUGS:
        provider = provider.lower()
    elif is_known(provider):
        provider = slug_of(provider)
    slug = "/".join((provider, *map(str.lower, tag)))
    return slug if ENTRY.fits(slug) else None


def _quantizations(value: Any, _: Shape) -> Mended:
    return _each(
        value, _label, lambda each: f"it is not a quantization{did_you_mean(str(each), _LABELS)}"
    )


def _label(value: Any) -> str | None:
    word = re.sub(r"[-_ ]", "", str(value).lower())
    label = _SPELLINGS.get(word, word)
    return label if label in _LABELS else None


def _each(value: Any, mend: Callable[[Any], str | None], why: Callable[[Any], str]) -> Mended:
    """A list's values without duplicates; a single value is treated as a list of one."""
    kept: dict[str, None] = {}
    remarks: list[str] = []
    for each in value if isinstance(value, list) else [value]:
        mended = mend(each)
        if mended is None:
            remarks.append(f"{shown(each)} is left out: {why(each)}")
        else:
            kept[mended] = None
    return list(kept), remarks


def _flag(value: Any, _: Shape) -> Mended:
    return {"true": True, "false": False}.get(str(value).strip().lower(), value), []


def _word(value: Any, shape: Shape) -> Mended:
    if isinstance(value, dict):
        return {key: _word(each, shape)[0] for key, each in value.items()}, []
    return value.strip().lower() if isinstance(value, str) else value, []


def _data_policy(value: Any, shape: Shape) -> Mended:
    word, _ = _word(value, shape)
    return _POLICIES.get(str(word), word), []


def _measures(value: Any, shape: Shape) -> Mended:
    """A number, or several numbers by name, each in its unit."""
    if isinstance(shape, OneOf):
        shape = shape.mapping if isinstance(value, dict) else shape.plain
    if isinstance(shape, Record) and isinstance(value, dict):
        return _by_key(value, shape)
    number = _number(value)
    if isinstance(shape, Number) and isinstance(number, int | float) and shape.doubt(number):
        meant = _CONVERSIONS[shape.unit](Decimal(str(number)))
        return _simplest(meant), [str(shape.doubt(number))]
    return number, []


def _by_key(values: Mapping[str, Any], shape: Record) -> Mended:
    kept: dict[str, Any] = {}
    remarks: list[str] = []
    for key, value in values.items():
        if key not in shape.keys:
            remarks.append(f"{key} is left out: it takes {', '.join(shape.keys)}")
            continue
        mended, doubts = _measures(value, shape.keys[key].shape)
        refusal = _refusal(shape.keys[key].shape, mended)
        if refusal is None:
            kept[key] = mended
        remarks += [f"{key}: {remark}" for remark in ([refusal] if refusal else doubts)]
    return kept, remarks


def _number(value: Any) -> Any:
    """A number; a text that contains a number is accepted."""
    text = value.strip() if isinstance(value, str) else ""
    return _simplest(Decimal(text)) if _NUMBER.fullmatch(text) else value


def _simplest(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _options(value: Any, _: Shape) -> Mended:
    """The options that are passed on to each provider, by its slug."""
    if not isinstance(value, dict):
        return value, []
    slugs, remarks = _each([*value], _slug, lambda _: "unknown provider name")
    return {slug: each for name, each in value.items() if (slug := _slug(name)) in slugs}, remarks


Mend = Callable[[Any, Shape], Mended]


def _all(names: Iterable[str], mend: Mend) -> dict[str, Mend]:
    return dict.fromkeys(names, mend)


MENDS: Mapping[str, Mend] = {
    **_all(("only", "order", "ignore"), _providers),
    **_all(("allow_fallbacks", "require_parameters", "zdr", "enforce_distillable_text"), _flag),
    "data_collection": _data_policy,
    "sort": _word,
    **_all(("max_price", "preferred_min_throughput", "preferred_max_latency"), _measures),
    "quantizations": _quantizations,
    "options": _options,
}
