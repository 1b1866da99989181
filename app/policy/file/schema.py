"""Every key of a policy file: its shape, and what it means.

The keys of OpenRouter's own `provider` object are the rows of `policy/fields.py`. From these tables
files are read, editors complete (`json_schema`), and the docs are held complete.
"""

from collections.abc import Mapping
from typing import Any

from app.catalog.providers import slug_of
from app.policy.fields import FIELDS
from app.policy.file.shapes import (
    Choice,
    Exactly,
    Flag,
    Json,
    Key,
    ListOf,
    MapOf,
    Number,
    OneOf,
    Record,
    Shape,
    Text,
)
from app.policy.precision import LADDER, UNKNOWN
from app.policy.route import MERGES, PRESETS, ROUTES, VIOLATIONS

_LEAST_PRICE = 0.0001  # USD per million tokens; what is less was written in USD per token
_MOST_SECONDS = 300  # to the first token; what is more was written in milliseconds


def _per_token(price: float) -> str | None:
    if not 0 < price < _LEAST_PRICE:
        return None
    million = f"{price * 1_000_000:g}"
    return f"{price:g} looks like USD per token; max_price is USD per million tokens: {million}"


def _milliseconds(seconds: float) -> str | None:
    if seconds <= _MOST_SECONDS:
        return None
    return f"{seconds:g} looks like milliseconds; latency is in seconds: {seconds / 1000:g}"


def _lower_case(text: str) -> str:
    lower = text.strip().lower()
    return f"; did you mean {lower}?" if lower != text else ""


def _pattern(text: str) -> str:
    if any(mark in text for mark in "[]{}!|"):
        return "; the only wildcards are * and ?"
    if "/" not in text:
        return f"; a slug reads author/model, so perhaps */{text.strip().lower()}"
    return _lower_case(text) or "; a slug reads author/model:variant"


def _entry(text: str) -> str:
    lower = text.strip().lower()
    meant = lower if " " not in lower and "." not in lower else slug_of(text)
    return f"; slugs are lower case without spaces{f': did you mean {meant}?' if meant else ''}"


# --- words ------------------------------------------------------------------------------------

NAME = Text(
    "a name",
    r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?",
    lambda _: "; it is one line of up to 100 characters",
)
PATTERN = Text(  # with an author, or a wildcard that stands for one
    "a model pattern",
    r"(?=.{1,256}$)(?=[^/]*[/*])[a-z0-9~@*?][a-z0-9._@/*?+-]*(?::[a-z0-9._*?-]+)?",
    _pattern,
)
MODEL = Text(
    "a model slug",
    r"~?[a-z0-9][a-z0-9._+-]*/[a-z0-9][a-z0-9._+-]*(?::[a-z0-9._-]+)*",
    lambda text: _lower_case(text) or "; it reads author/model",
)
ALIAS = Text(
    "a name for an alias",
    r"[A-Za-z0-9][A-Za-z0-9._/:+-]{0,99}",
    lambda _: "; use letters, digits and . _ / : + -",
)
ENTRY = Text("a provider slug or tag", r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*", _entry)
CALLER = Text("a caller's name", r"\S+(?: \S+)*", lambda _: "; it has no blanks around it")
AGENT = Text("a user agent pattern", r"[^\[\]{}]+", lambda _: "; the only wildcards are * and ?")
FIELD = Text("the name of a request field", r"[a-z][a-z0-9_]*", _lower_case)
KEPT_OUT = Text(
    "the name of a request field, a tool or a plugin",
    r"[a-z][a-z0-9_]*|(?:tools|plugins)\.[A-Za-z0-9*?][A-Za-z0-9:_.*?-]{0,99}",
    lambda text: _lower_case(text) or "; a tool is tools.TYPE, a plugin plugins.ID",
)
LABEL = Text(
    "a quantization label", r"[a-z0-9][a-z0-9_.-]*", _lower_case, examples=(*LADDER, UNKNOWN)
)

PRICE = Number("USD per million tokens", _per_token)
FEE = Number("USD each")
SPEED = Number("tokens per second")
SECONDS = Number("seconds", _milliseconds)


def _percentiles(number: Number) -> OneOf:
    cut_offs = {
        name: Key(number, f"what {name[1:]} in 100 requests keep to")
        for name in ("p50", "p75", "p90", "p99")
    }
    return OneOf(number, Record(cut_offs))


_SORTS = Choice(("price", "throughput", "latency", "exacto"), "a way to sort")

# --- keys -------------------------------------------------------------------------------------

_SHAPES: Mapping[str, Shape] = {
    "tags": ListOf(ENTRY),
    "labels": ListOf(LABEL),
    "flag": Flag(),
    "data_policy": Choice(("allow", "deny"), "a data policy"),
    "prices": Record(
        {
            "prompt": Key(PRICE, "Most for input, in USD per million tokens."),
            "completion": Key(PRICE, "Most for output, in USD per million tokens."),
            "request": Key(FEE, "Most for a request, in USD."),
            "image": Key(FEE, "Most for an image, in USD."),
            "audio": Key(FEE, "Most for a unit of audio, in USD."),
        }
    ),
    "sort": OneOf(
        _SORTS,
        Record(
            {
                "by": Key(_SORTS, "What to sort by.", required=True),
                "partition": Key(
                    Choice(("model", "none"), "a partition"),
                    "none: sort the endpoints of all listed models together.",
                ),
            }
        ),
    ),
    "throughput": _percentiles(SPEED),
    "latency": _percentiles(SECONDS),
    "options": MapOf(ENTRY, Json()),
}

PROVIDER_KEYS: Mapping[str, Key] = {
    name: Key(_SHAPES[field.shape], field.help) for name, field in FIELDS.items()
}

WISH_KEYS: Mapping[str, Key] = {
    **PROVIDER_KEYS,
    "pin": Key(ListOf(ENTRY), "These, in this order, nothing else: `only` and `order` in one."),
    "quantization_floor": Key(LABEL, "This label or better on the ladder."),
    "unknown_quantization": Key(
        Choice(("auto", "allow", "deny"), "an answer"),
        "Whether endpoints that declare nothing pass the floor; auto: only where the model's "
        "weights aren't published.",
    ),
}

RULE_KEYS: Mapping[str, Key] = {
    "name": Key(NAME, "What receipts and errors call this rule.", required=True),
    "models": Key(ListOf(PATTERN), "Model slugs, with * and ?, that this rule is for."),
    "callers": Key(ListOf(CALLER), "Only for these callers."),
    "user_agents": Key(ListOf(AGENT), "Only for these user agents, with * and ?."),
    **WISH_KEYS,
    "merge": Key(
        Choice(MERGES, "a way to merge"),
        "What becomes of the caller's own provider object; tighten: both hold.",
    ),
    "set": Key(MapOf(FIELD, Json()), "Fields of the request to set."),
    "strip": Key(ListOf(KEPT_OUT), "Fields, tools and plugins to leave out of the request."),
    "refuse": Key(ListOf(KEPT_OUT), "Fields, tools and plugins that refuse the request."),
    "on_violation": Key(
        Choice(VIOLATIONS, "an answer"),
        "What to do when somebody serves who shouldn't; log: only note it.",
    ),
    "presets": Key(
        Choice(PRESETS, "an answer"),
        "Presets that a request names; join: their provider object may only narrow.",
    ),
    "routes": Key(
        Choice(ROUTES, "an answer"),
        "Routes that can't carry what the rule requires; refuse: 403, pass: send without it.",
    ),
    "router_metadata": Key(Flag(), "off: don't ask the router for its account of what it did."),
}

# What people write who have the SDK's argument, or OpenRouter's object, before their eyes.
_SDK = "it is an argument of the OpenAI SDK"
IN_RULE: Mapping[str, str] = {
    "provider": "write its fields into the rule itself",
    "extra_body": f"{_SDK}: write the fields of its provider object into the rule itself",
}
_FOR_RULES: Mapping[str, str] = dict.fromkeys(
    RULE_KEYS.keys() - WISH_KEYS.keys(), "it is for rules: write it into one, and name that as rule"
)
IN_ALIAS: Mapping[str, str] = {
    **_FOR_RULES,
    "provider": "write its fields under preferences",
    "extra_body": f"{_SDK}: write the fields of its provider object under preferences",
    **dict.fromkeys(WISH_KEYS, "write it under preferences"),
}
IN_PREFERENCES: Mapping[str, str] = {
    **_FOR_RULES,
    "provider": "write its fields into preferences itself",
    "extra_body": f"{_SDK}: write the fields of its provider object into preferences itself",
}

ALIAS_KEYS: Mapping[str, Key] = {
    "model": Key(MODEL, "The model that this name stands for.", required=True),
    "rule": Key(NAME, "A rule to put on top of the model's own."),
    "preferences": Key(Record(WISH_KEYS, IN_PREFERENCES), "What is wanted on top of both."),
}

FILE_KEYS: Mapping[str, Key] = {
    "version": Key(Exactly(1, "a version of this format"), "Of this format: 1.", required=True),
    "ladder": Key(MapOf(LABEL, Number("bits")), "Ranks of labels, in bits, for all files."),
    "rules": Key(ListOf(Record(RULE_KEYS, IN_RULE)), "What is wanted, for which models."),
    "aliases": Key(
        MapOf(ALIAS, Record(ALIAS_KEYS, IN_ALIAS)), "Names of your own for a model and a rule."
    ),
}


def json_schema() -> dict[str, Any]:
    """A JSON Schema of a policy file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pointsman policy",
        **Record(FILE_KEYS).schema(),
    }
