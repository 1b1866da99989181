"""The JSON Schemas of tools: what they take, and what they answer.

Those of receipts are made from the receipt itself, those of filters from the commands' own.
"""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from ...ledger.receipt import MONEY, Ending, Receipt
from ...ledger.scorecard import HOST_DIMENSIONS
from ...ledger.stats import DIMENSIONS, FIGURES
from ...ledger.wanted import DEFECT_FILTERS, VerdictFilter
from ..filters import FILTERS

Schema = dict[str, Any]

MOST_ROWS = 100
_USUAL_ROWS = 20
_LONGEST = 200  # characters of a filter
_KEYS = 40  # of a `provider` object

# --- arguments --------------------------------------------------------------------------------

_KINDS: Mapping[str, Schema] = {
    "failed": {"type": "boolean"},
    "refused": {"type": "boolean"},
    "status": {"type": "integer", "minimum": 100, "maximum": 599},
    "verdict": {"type": "string", "enum": [*get_args(VerdictFilter)]},
    "ending": {"type": "string", "enum": [*get_args(Ending)]},
    "defect": {"type": "string", "enum": [*DEFECT_FILTERS]},
}
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": _LONGEST}
_RECEIPT: Schema = {"type": "string", "pattern": "^(last|[0-9a-z_]{4,40})$"}


def taking(properties: Mapping[str, Schema]) -> Schema:
    """The schema of arguments; there are no others."""
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _told(schema: Schema, description: str, **more: Any) -> Schema:
    return {**schema, "description": description, **more}


def _limit(what: str) -> Schema:
    return {
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_ROWS,
        "default": _USUAL_ROWS,
        "description": f"The most {what} to answer with.",
    }


def _by(names: tuple[str, ...], usual: list[str]) -> Schema:
    return {
        "type": "array",
        "items": {"type": "string", "enum": [*names]},
        "uniqueItems": True,
        "minItems": 1,
        "default": usual,
        "description": "What to group by.",
    }


_FILTERS = {name: _told(_KINDS.get(name, _TEXT), said) for name, said in FILTERS.items()}

LOG_ARGUMENTS = taking(
    {
        **_FILTERS,
        "limit": _limit("receipts"),
        "before": _told(_RECEIPT, "Only receipts older than the one with this whole id."),
    }
)
RECEIPT_ARGUMENTS = taking(
    {"receipt": _told(_RECEIPT, "A receipt's id, its end, or last.", default="last")}
)
STATS_ARGUMENTS = taking(
    {**_FILTERS, "by": _by(DIMENSIONS, ["provider", "quantization"]), "limit": _limit("groups")}
)
SCORE_ARGUMENTS = taking(
    {**_FILTERS, "by": _by(HOST_DIMENSIONS, [*HOST_DIMENSIONS]), "limit": _limit("hosts")}
)
EXPLAIN_ARGUMENTS = taking(
    {
        "model": _told(_TEXT, "A model's slug, or an alias."),
        "receipt": _told(_RECEIPT, "Instead of a model: a receipt's id, its end, or last."),
        "provider": {
            "type": "object",
            "maxProperties": _KEYS,
            "description": "The request's own `provider` object.",
        },
        "caller": _told(_TEXT, "Explain for this caller [the receipt's]."),
        "user_agent": _told(_TEXT, "Explain for this user agent [the receipt's]."),
    }
)
CHECK_ARGUMENTS = taking({"limit": _limit("findings")})
BUDGET_ARGUMENTS = taking({"limit": _limit("budgets")})


# --- answers ----------------------------------------------------------------------------------

_ANY_TEXT: Schema = {"type": "string"}
_TEXT_OR_NOT: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": ["number", "null"]}
_SWITCH: Schema = {"type": "boolean"}
_TEXTS: Schema = {"type": "array", "items": _ANY_TEXT}
_OBJECT_OR_NOT: Schema = {"type": ["object", "null"]}
_OBJECTS: Schema = {"type": "array", "items": {"type": "object"}}

_LEFT_OUT: Schema = {
    "type": ["object", "null"],
    "description": "What is not in this answer, and how to see it; null: all of it is.",
    "properties": {"rows": _COUNT, "values": _COUNT, "older": _SWITCH, "way": _ANY_TEXT},
    "required": ["rows", "values", "older", "way"],
    "additionalProperties": False,
}


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [*properties],
        "additionalProperties": False,
    }


def answering(properties: Mapping[str, Schema]) -> Schema:
    """The schema of an answer, with what every answer has."""
    source = _told(_ANY_TEXT, "Where the answer comes from.")
    return _object({"from": source, **properties, "left_out": _LEFT_OUT})


def _rows(row: Schema) -> Schema:
    return {"type": "array", "items": row}


def _of_receipts() -> dict[str, Schema]:
    """The fields of a receipt, as `as_json_object` writes them."""
    fields: dict[str, Schema] = msgspec.json.schema(Receipt)["$defs"]["Receipt"]["properties"]
    plain = {name: _without(each, "default", "format") for name, each in fields.items()}
    return plain | dict.fromkeys(MONEY, _NUMBER)


def _without(schema: Schema, *keys: str) -> Schema:
    """A schema that holds for cut values, too, and has no `null` by default."""
    kept = {key: value for key, value in schema.items() if key not in keys}
    if "anyOf" in kept:
        kept["anyOf"] = [_without(each, *keys) for each in kept["anyOf"]]
    return kept


_RECEIPT_FIELDS = _of_receipts()

# Of each receipt in `log`: enough to see which request it was, and what was slow about it.
LOG_FIELDS = (
    *("id", "started_at", "caller", "user_agent", "path", "model_asked", "alias", "model_sent"),
    *("rules", "provider", "quantizations_listed", "verdict", "reason", "ending", "status"),
    *("error_code", "streamed", "ttft_ms", "duration_ms", "tokens_per_second", "prompt_tokens"),
    *("cached_tokens", "completion_tokens", "cost_usd", "defects", "session"),
)
_ATTEMPTS = _told(_COUNT, "How many attempts OpenRouter reported; `receipt` lists them.")
LOG_ANSWER = answering(
    {
        "receipts": _rows(
            _object({**{name: _RECEIPT_FIELDS[name] for name in LOG_FIELDS}, "attempts": _ATTEMPTS})
        )
    }
)
RECEIPT_ANSWER = answering({"receipt": _object(_RECEIPT_FIELDS)})

_FIGURES = {**dict.fromkeys(FIGURES, _NUMBER), "verdicts": {"type": "object"}}
_SPAN = {"since": _TEXT_OR_NOT, "until": _TEXT_OR_NOT, "by": _TEXTS}
STATS_ANSWER = answering(
    {
        **_SPAN,
        "total": _object(_FIGURES),
        "groups": _rows(
            {
                "type": "object",
                "properties": {**dict.fromkeys(DIMENSIONS, _TEXT_OR_NOT), **_FIGURES},
                "required": ["share", *_FIGURES],
            }
        ),
    }
)
_RATE = _object(
    {
        "found": _COUNT,
        "of": _COUNT,
        "rate": _NUMBER,
        "low": _NUMBER,
        "high": _NUMBER,
    }
)
SCORE_ANSWER = answering(
    {
        "by": _TEXTS,
        "cut": _told(_SWITCH, "Whether there were more requests than are counted."),
        "hosts": _rows(
            {
                "type": "object",
                "properties": {
                    **dict.fromkeys(("model", *HOST_DIMENSIONS), _TEXT_OR_NOT),
                    **dict.fromkeys(("requests", "attempts"), _COUNT),
                    "rates": {"type": "object", "additionalProperties": _RATE},
                    "statuses": {"type": "object"},
                },
                "required": ["model", "provider", "requests", "attempts", "rates", "statuses"],
                "additionalProperties": False,
            }
        ),
    }
)
_EXPLAINED: Mapping[str, Schema] = {
    "model_asked": _TEXT_OR_NOT,
    "alias": _TEXT_OR_NOT,
    "model_sent": _TEXT_OR_NOT,
    "rules": _TEXTS,
    "book": _ANY_TEXT,
    "merge": _ANY_TEXT,
    "on_violation": _ANY_TEXT,
    "deadlines": _OBJECTS,
    "affinity": _ANY_TEXT,
    "provider": _OBJECT_OR_NOT,
    "fields": _OBJECTS,
    "strip_headers": _OBJECTS,
    "overruled": _OBJECTS,
    "max_request": _OBJECT_OR_NOT,
    "scores": _TEXTS,
    "audits": _TEXTS,
    "not_provable": _TEXT_OR_NOT,
    "refused": _OBJECT_OR_NOT,
    "funnel": _OBJECTS,
    "budgets": _OBJECTS,
    "receipt": _OBJECT_OR_NOT,
}
EXPLAIN_FIELDS = tuple(_EXPLAINED)
EXPLAIN_ANSWER = answering(_EXPLAINED)
CHECK_ANSWER = answering(
    {
        "folder": _ANY_TEXT,
        "book": _ANY_TEXT,
        **dict.fromkeys(("rules", "aliases", "errors", "warnings", "notes"), _COUNT),
        "findings": _rows(
            _object(
                {
                    **dict.fromkeys(("severity", "code", "file", "where", "message"), _ANY_TEXT),
                    "line": _COUNT,
                }
            )
        ),
    }
)
_BUDGET: Mapping[str, Schema] = {
    **dict.fromkeys(("rule", "file", "budget", "per", "by", "fail"), _ANY_TEXT),
    "line": _COUNT,
    "key": _TEXT_OR_NOT,
    **dict.fromkeys(("usd", "spent_usd", "rest_usd", "share"), _NUMBER),
    "is_spent": _SWITCH,
    **dict.fromkeys(("window_start", "window_end", "runs_out_at"), _TEXT_OR_NOT),
}
BUDGET_ANSWER = answering({"budgets": _rows(_object(_BUDGET))})
