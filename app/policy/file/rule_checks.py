"""Checks for contradictions in a rule whose values are each valid by themselves.

Each check looks at one rule's (or one alias's) values and complains at the key to change.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ...suggest import did_you_mean
from ...wire.header_names import names_of
from ...wire.never_forwarded import holds_credential
from .. import tags
from ..budgets import KEY as BUDGET
from ..precision import UNKNOWN
from .budget import must_hold
from .yaml_tree import Spot

Values = Mapping[str, Any]
Spots = Mapping[str, Spot]
Ladder = Mapping[str, float]
Check = Callable[[Values, Spots, Ladder], None]

# Why these fields are not for `set` and `strip`, and what to do instead.
_NOT_FOR_SET = {
    "model": "define an alias for the model instead",
    "models": "fallback models come from the request; each has its own rules",
    "fallbacks": "fallback models come from the request; each has its own rules",
    "provider": "write its fields into the rule",
    "extra_body": "it is an argument of the OpenAI SDK; set its fields directly",
}
_NOT_FOR_STRIP = {
    "model": "every request requires it; `refuse: [model]` refuses such requests",
    "provider": "use `merge: replace` to ignore the request's object",
}

# Headers without which OpenRouter could not answer, and what to do instead.
_NOT_FOR_STRIP_HEADERS = {
    "authorization": "it may hold the key for OpenRouter, which OPENROUTER_API_KEY replaces",
    "x-api-key": "it may hold the key for OpenRouter, which OPENROUTER_API_KEY replaces",
    "content-type": "OpenRouter reads the body by it",
    "content-encoding": "Pointsman removes it itself, with the compression",
}

# Fields that OpenRouter's request bodies have; a name close to one of them is a typing error.
_BODY_FIELDS = """
    cache_control debug deferred_tools fallbacks frequency_penalty image_config input
    instructions logit_bias logprobs max_completion_tokens max_output_tokens max_tokens
    messages metadata min_p modalities model models parallel_tool_calls plugins prediction
    preset presence_penalty prompt prompt_cache_key prompt_cache_options provider reasoning
    reasoning_effort repetition_penalty response_format route seed service_tier session_id
    speed stop stop_server_tools_when stream stream_options system temperature thinking
    tool_choice tools top_a top_k top_logprobs top_p trace transforms usage user verbosity
"""
REQUEST_FIELDS = frozenset(_BODY_FIELDS.split())
SETTABLE = REQUEST_FIELDS - _NOT_FOR_SET.keys()
_NEAR = 0.8

# The conditions of `stop_server_tools_when`: what each is a condition on (openrouter.md §A9).
_STOPS: Mapping[str, tuple[str, Any]] = {
    "step_count_is": ("step_count", int),
    "has_tool_call": ("tool_name", str),
    "max_tokens_used": ("max_tokens", int),
    "max_cost": ("max_cost_in_dollars", (int, float)),
    "finish_reason_is": ("reason", str),
}
_SORTS: Mapping[Any, str] = {
    int: "a whole number of 0 or more",
    str: "a text",
    (int, float): "a number of 0 or more",
}


def _pin_is_only_and_order(values: Values, spots: Spots, _: Ladder) -> None:
    for key in ("only", "order"):
        if "pin" in values and key in values:
            spots[key].complain(
                "`pin` already sets this, as `only` and `order` in one; remove one of them"
            )


def _something_may_serve(values: Values, spots: Spots, _: Ladder) -> None:
    key = "pin" if "pin" in values else "only"
    allowed, ignored = values.get(key, ()), tags.with_tiers(values.get("ignore", ()))
    if allowed and all(tags.covered(entry, ignored) for entry in allowed):
        spots["ignore"].complain(
            f"excludes everything that `{key}` allows, so no endpoint could serve"
        )


def _labels_are_known(values: Values, spots: Spots, ladder: Ladder) -> None:
    floor = values.get("quantization_floor", next(iter(ladder)))
    if floor == UNKNOWN:
        spots["quantization_floor"].complain(
            "`unknown` has no rank; use `unknown_quantization: allow` or `deny`"
        )
    elif floor not in ladder:
        spots["quantization_floor"].complain(_no_label(floor, ladder))
    for label in values.get("quantizations", ()):
        if label not in ladder and label != UNKNOWN:
            spots["quantizations"].complain(_no_label(label, (*ladder, UNKNOWN)))


def _no_label(label: str, known: Any) -> str:
    hint = did_you_mean(label, known) or f"; use one of {', '.join(known)}"
    return f'"{label}" is not a quantization{hint}'


def _some_label_passes(values: Values, spots: Spots, ladder: Ladder) -> None:
    floor, listed = values.get("quantization_floor"), values.get("quantizations")
    if (
        floor is None
        or floor not in ladder
        or not listed
        or not all(label in ladder for label in listed)
    ):
        return
    if all(ladder[label] < ladder[floor] for label in listed):
        spots["quantizations"].complain(
            f"every label is below `quantization_floor: {floor}`; add a higher one"
        )


def _unknown_is_not_both(values: Values, spots: Spots, _: Ladder) -> None:
    listed = UNKNOWN in values.get("quantizations", ())
    if listed and values.get("unknown_quantization") == "deny":
        spots["quantizations"].complain(
            "lists `unknown`, which `unknown_quantization: deny` excludes; remove one"
        )


def _fields_may_be_touched(values: Values, spots: Spots, _: Ladder) -> None:
    for key, fields in (("set", _NOT_FOR_SET), ("strip", _NOT_FOR_STRIP)):
        for name in values.get(key, ()):
            if name in fields:
                spots[key].complain(f"`{key}` can't contain `{name}`: {fields[name]}")


def _fields_are_spelled(values: Values, spots: Spots, _: Ladder) -> None:
    for key in ("set", "strip", "refuse"):
        for name in values.get(key, ()):
            hint = did_you_mean(name, REQUEST_FIELDS, _NEAR)
            if name not in REQUEST_FIELDS and hint:
                spots[key].complain(f"`{name}` is not a request field{hint}")


def _one_thing_per_field(values: Values, spots: Spots, _: Ladder) -> None:
    for one, other in (("set", "strip"), ("set", "refuse"), ("strip", "refuse")):
        for name in values.get(other, ()):
            if name in values.get(one, ()):
                spots[other].complain(f"`{name}` is also under `{one}`; remove it from one of them")


def _tools_stop_at_a_condition(values: Values, spots: Spots, _: Ladder) -> None:
    wanted = values.get("set", {}).get("stop_server_tools_when")
    if wanted is None:
        return
    conditions = wanted if isinstance(wanted, list) else [wanted]
    wrong = next(filter(None, map(_whats_wrong, conditions)), None)
    if not conditions or not isinstance(wanted, list) or wrong:
        spots["set"].complain(
            f"`stop_server_tools_when` must be a list of conditions{wrong or ''}; write e.g. "
            "[{type: max_cost, max_cost_in_dollars: 0.2}]"
        )


def _whats_wrong(condition: Any) -> str | None:
    """Why a condition is not one that OpenRouter takes; None if it is."""
    kind = condition.get("type") if isinstance(condition, dict) else None
    if not isinstance(kind, str) or kind not in _STOPS:
        return f", each with a `type`: {', '.join(_STOPS)}"
    name, sort = _STOPS[kind]
    value = condition.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    if not (isinstance(value, str) if sort is str else is_number and isinstance(value, sort)):
        return f"; `{kind}` requires `{name}`, {_SORTS[sort]}"
    extra = [each for each in condition if each not in {"type", name}]
    return f"; `{kind}` has no `{extra[0]}`" if extra else None


def _headers_are_no_credentials(values: Values, spots: Spots, _: Ladder) -> None:
    for name in values.get("headers", ()):
        if holds_credential(name):
            spots["headers"].complain(
                f"`headers` can't contain `{name}`: it holds a credential, which no policy may "
                "contain; match the client by `callers` instead"
            )


def _headers_are_named_once(values: Values, spots: Spots, _: Ladder) -> None:
    for key in ("headers", "strip_headers"):
        times = Counter(name.lower() for name in values.get(key, ()))
        for name in (name for name, count in times.items() if count > 1):
            spots[key].complain(
                f"`{name}` is given twice, since case makes no difference; remove one of them"
            )


def _headers_can_be_spared(values: Values, spots: Spots, _: Ladder) -> None:
    for entry in values.get("strip_headers", ()):
        for name, reason in _NOT_FOR_STRIP_HEADERS.items():
            if names_of((entry,)).cover(name.encode()):
                spots["strip_headers"].complain(
                    f"`strip_headers` can't contain `{entry}`: "
                    f"{f'it covers `{name}`, and ' if entry.lower() != name else ''}{reason}"
                )
                break


def _budgets_can_hold(values: Values, spots: Spots, _: Ladder) -> None:
    if BUDGET in values:
        must_hold(values[BUDGET], spots[BUDGET])


CHECKS: tuple[Check, ...] = (
    _budgets_can_hold,
    _tools_stop_at_a_condition,
    _pin_is_only_and_order,
    _something_may_serve,
    _labels_are_known,
    _some_label_passes,
    _unknown_is_not_both,
    _fields_may_be_touched,
    _fields_are_spelled,
    _one_thing_per_field,
    _headers_are_no_credentials,
    _headers_are_named_once,
    _headers_can_be_spared,
)
