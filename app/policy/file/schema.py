"""Every key of a policy file: its shape, and what it means.

The keys of OpenRouter's own `provider` object are the rows of `policy/fields.py`. These tables are
used to read files, to complete keys in editors (`json_schema`), and to check that the docs are
complete.
"""

from collections.abc import Mapping
from typing import Any

from ...catalog.providers import slug_of
from ...suggest import did_you_mean
from ...wire.header_names import HEADER_ENTRY
from ..fields import FIELDS
from ..precision import LADDER, UNKNOWN
from ..route import AFFINITIES, MERGES, PRESETS, ROUTES, VIOLATIONS
from .bars import AUDITED, ScoreFloor
from .budget import Budgets
from .rule_checks import SETTABLE
from .shapes import (
    Choice,
    Duration,
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
from .told import Told

_LEAST_PRICE = 0.0001  # USD per million tokens; a lower value was written in USD per token
_SAME = 0.9  # `preset` is a typing error for `presets`
_MOST_SECONDS = 300  # to the first token; a higher value was written in milliseconds


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
        return f"; a model slug has the form author/model; did you mean */{text.strip().lower()}?"
    return _lower_case(text) or "; a model slug has the form author/model:variant"


def _entry(text: str) -> str:
    lower = text.strip().lower()
    meant = lower if " " not in lower and "." not in lower else slug_of(text)
    return f"; slugs are lower case without spaces{f': did you mean {meant}?' if meant else ''}"


# --- words ------------------------------------------------------------------------------------

NAME = Text(
    "a name",
    r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?",
    lambda _: "; use one line of at most 100 characters",
)
PATTERN = Text(  # with an author, or a wildcard that stands for one
    "a model pattern",
    r"(?=.{1,256}$)(?=[^/]*[/*])[a-z0-9~@*?][a-z0-9._@/*?+-]*(?::[a-z0-9._*?-]+)?",
    _pattern,
)
MODEL = Text(
    "a model slug",
    r"~?[a-z0-9][a-z0-9._+-]*/[a-z0-9][a-z0-9._+-]*(?::[a-z0-9._-]+)*",
    lambda text: _lower_case(text) or "; a model slug has the form author/model",
)
ALIAS = Text(
    "an alias name",
    r"[A-Za-z0-9][A-Za-z0-9._/:+-]{0,99}",
    lambda _: "; use letters, digits and . _ / : + -",
)
ENTRY = Text("a provider slug or tag", r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*", _entry)
CALLER = Text(
    "a caller's name", r"\S+(?: \S+)*", lambda _: "; use single spaces, and none around it"
)
AGENT = Text("a user agent pattern", r"[^\[\]{}]+", lambda _: "; the only wildcards are * and ?")
HEADER = Text(
    "a header's name",
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,98}",
    lambda _: "; write it without a colon, a blank or a wildcard",
)
HEADER_VALUE = Text(
    "a pattern for a header's value",
    r"[!-Z\\^-z|~](?:[ -Z\\^-z|~]{0,198}[!-Z\\^-z|~])?",
    lambda _: "; use ASCII without blanks around it; the only wildcards are * and ?",
)
HEADER_NAMES = Text(
    "a header's name",
    HEADER_ENTRY,
    lambda _: "; write a name as x-foo, or the beginning of names as x-foo-*",
)
FIELD = Text("a request field", r"[a-z][a-z0-9_]*", _lower_case)
KEPT_OUT = Text(
    "a request field, a tool or a plugin",
    r"[a-z][a-z0-9_]*|(?:tools|plugins)\.[A-Za-z0-9*?][A-Za-z0-9:_.*?-]{0,99}",
    lambda text: _lower_case(text) or "; write a tool as tools.TYPE, a plugin as plugins.ID",
)
LABEL = Text(
    "a quantization label", r"[a-z0-9][a-z0-9_.-]*", _lower_case, examples=(*LADDER, UNKNOWN)
)

PRICE = Number("USD per million tokens", _per_token)
FEE = Number("USD")
SPEED = Number("tokens per second")
SECONDS = Number("seconds", _milliseconds)


def _percentiles(number: Number) -> OneOf:
    cut_offs = {
        name: Key(number, f"met by {name[1:]} of 100 requests")
        for name in ("p50", "p75", "p90", "p99")
    }
    return OneOf(number, Record(cut_offs))


_SORTS = Choice(("price", "throughput", "latency", "exacto"), "a sort order")

# --- keys -------------------------------------------------------------------------------------

_SHAPES: Mapping[str, Shape] = {
    "tags": ListOf(ENTRY),
    "labels": ListOf(LABEL),
    "flag": Flag(),
    "data_policy": Choice(("allow", "deny"), "a data policy"),
    "prices": Record(
        {
            "prompt": Key(PRICE, "Highest price for input, in USD per million tokens."),
            "completion": Key(PRICE, "Highest price for output, in USD per million tokens."),
            "request": Key(FEE, "Highest price for a request, in USD."),
            "image": Key(FEE, "Highest price for an image, in USD."),
            "audio": Key(FEE, "Highest price for a unit of audio, in USD."),
        }
    ),
    "sort": OneOf(
        _SORTS,
        Record(
            {
                "by": Key(_SORTS, "What to sort by.", required="price"),
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
    "pin": Key(ListOf(ENTRY), "Only these, in this order: `only` and `order` in one."),
    "quantization_floor": Key(LABEL, "This label or better on the ladder."),
    "unknown_quantization": Key(
        Choice(("auto", "allow", "deny"), "valid here"),
        "Whether endpoints that declare no quantization are accepted; auto: only if the model's "
        "weights aren't published.",
    ),
    "score_floor": Key(
        ScoreFloor(), "Only providers whose benchmark scores for the model are at least these."
    ),
    "audited": Key(AUDITED, "Only endpoints whose last audit says what is accepted here."),
}

RULE_KEYS: Mapping[str, Key] = {
    "name": Key(NAME, "The rule's name in receipts and errors.", required="NAME"),
    "models": Key(ListOf(PATTERN), "The models that this rule applies to: slugs with * and ?."),
    "callers": Key(ListOf(CALLER), "Apply only to requests of these callers."),
    "user_agents": Key(ListOf(AGENT), "Apply only to requests of these user agents, with * and ?."),
    "headers": Key(
        MapOf(HEADER, HEADER_VALUE),
        "Apply only to requests that have all of these headers, by name: values with * and ?.",
    ),
    **WISH_KEYS,
    "merge": Key(
        Choice(MERGES, "a merge mode"),
        "How the request's own provider object is combined; tighten: both apply.",
    ),
    "set": Key(MapOf(FIELD, Json()), "Request fields to set."),
    "strip": Key(ListOf(KEPT_OUT), "Fields, tools and plugins to remove from the request."),
    "refuse": Key(ListOf(KEPT_OUT), "Refuse requests that use these fields, tools or plugins."),
    "strip_headers": Key(
        ListOf(HEADER_NAMES),
        "Headers not to forward to OpenRouter: names, or beginnings such as x-foo-*.",
    ),
    "on_violation": Key(
        Choice(VIOLATIONS, "valid here"),
        "What to do if an endpoint outside the policy served; log: only record it.",
    ),
    "presets": Key(
        Choice(PRESETS, "valid here"),
        "How presets in requests are handled; join: they may only narrow the policy.",
    ),
    "routes": Key(
        Choice(ROUTES, "valid here"),
        "On API paths that don't accept what the rule requires; refuse: 403, pass: send anyway.",
    ),
    "affinity": Key(
        Choice(AFFINITIES, "valid here"),
        "Keep a conversation at the host that served its last turn; hint: by OpenRouter's own "
        "stickiness, pin: the host first, strict: also sealed reasoning only to its issuer.",
    ),
    "first_token": Key(
        Duration(), "How long an answer may take to begin, from sending the request: 30s."
    ),
    "stall": Key(Duration(), "How long an answer that has begun may pause: 60s."),
    "total": Key(
        Duration(), "How long a request may take, from its arrival to the end of its answer: 15m."
    ),
    "budget": Key(
        Budgets(),
        "How much requests of this rule may cost in a window of time; a list for several. Beyond "
        "it, requests are refused with 402.",
    ),
    "max_request_usd": Key(
        OneOf(
            Number("USD"),
            Record(
                {
                    "usd": Key(
                        Number("USD"), "The most that one request may cost.", required="0.5"
                    ),
                    "clamp": Key(Flag(), "true: limit the answer instead of refusing the request."),
                }
            ),
        ),
        "Refuse a request that could cost more, by the prices of the endpoints that may serve it.",
    ),
    "notify": Key(
        Told(), "Which events of this rule are told, if notifications are set up; off: none."
    ),
    "router_metadata": Key(Flag(), "off: don't request OpenRouter's router metadata."),
}

# Keys that users take from the SDK's argument, OpenRouter's object or a request.
_SDK = "it is an argument of the OpenAI SDK"
_INSIDE: Mapping[str, str] = {  # keys of a key's value, and an example of where they belong
    "clamp": "max_request_usd: {usd: 0.5, clamp: true}",
    "usd": "budget: {usd: 5, per: day}",
    "per": "budget: {usd: 5, per: day}",
    "verdict": "audited: {verdict: same}",
    "max_age": "audited: {verdict: same, max_age: 30d}",
    "unaudited": "audited: {verdict: same, unaudited: allow}",
}
IN_RULE: Mapping[str, str] = {
    **{name: f"it is a part of another key: write `{whole}`" for name, whole in _INSIDE.items()},
    **{
        name: f"it is a request field; write `set: {{{name}: ...}}`"
        for name in SETTABLE
        if not did_you_mean(name, RULE_KEYS, _SAME)
    },
    "provider": "write its fields into the rule itself",
    "extra_body": f"{_SDK}; write the fields of its provider object into the rule itself",
}
_FOR_RULES: Mapping[str, str] = dict.fromkeys(
    RULE_KEYS.keys() - WISH_KEYS.keys(),
    "only rules can have it: write it into a rule, and set `rule` to its name",
)
IN_ALIAS: Mapping[str, str] = {
    **_FOR_RULES,
    "provider": "write its fields under preferences",
    "extra_body": f"{_SDK}; write the fields of its provider object under preferences",
    **dict.fromkeys(WISH_KEYS, "write it under preferences"),
}
IN_PREFERENCES: Mapping[str, str] = {
    **_FOR_RULES,
    "provider": "write its fields into preferences itself",
    "extra_body": f"{_SDK}; write the fields of its provider object into preferences itself",
}

ALIAS_KEYS: Mapping[str, Key] = {
    "model": Key(MODEL, "The model that this name stands for.", required="author/model"),
    "rule": Key(NAME, "A rule that applies in addition to the model's own."),
    "preferences": Key(
        Record(WISH_KEYS, IN_PREFERENCES), "Preferences that apply in addition to both."
    ),
}

FILE_KEYS: Mapping[str, Key] = {
    "version": Key(
        Exactly(1, "a supported version"), "The version of the file format: 1.", required="1"
    ),
    "ladder": Key(
        MapOf(LABEL, Number("bits")), "Ranks of quantization labels, in bits, for all files."
    ),
    "rules": Key(ListOf(Record(RULE_KEYS, IN_RULE)), "What is required for which models."),
    "aliases": Key(
        MapOf(ALIAS, Record(ALIAS_KEYS, IN_ALIAS)), "Your own names for a model and a rule."
    ),
}


def json_schema() -> dict[str, Any]:
    """A JSON Schema of a policy file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pointsman policy",
        **Record(FILE_KEYS).schema(),
    }
