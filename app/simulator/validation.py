"""Check a request before routing: the edge's strict checks, with its own wording."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from .refusals import Refusal

QUANTIZATIONS = (
    "int4",
    "int8",
    "fp4",
    "mxfp4",
    "nvfp4",
    "fp6",
    "fp8",
    "mxfp8",
    "fp16",
    "bf16",
    "fp32",
    "unknown",
)
SORTS = ("price", "throughput", "latency", "exacto")
MOST_FALLBACKS = 3

# The required JSON type of each field that the simulator reads; `null` counts as absent.
_KINDS: dict[str, tuple[type, str]] = {
    "model": (str, "string"),
    "preset": (str, "string"),
    "models": (list, "array"),
    "fallbacks": (list, "array"),
    "messages": (list, "array"),
    "tools": (list, "array"),
    "modalities": (list, "array"),
    "documents": (list, "array"),
    "response_format": (dict, "object"),
    "text": (dict, "object"),
}
# On media routes these contain the format of a file.
_FORMATS = frozenset({"response_format", "text"})
_ITEMS: dict[str, tuple[type, str]] = {
    "models": (str, "string"),
    "tools": (dict, "object"),
    "modalities": (str, "string"),
}


# The keys of `provider` that a route accepts, if it accepts only some (openrouter.md §A8).
_TAKEN: dict[str, frozenset[str]] = {
    "images": frozenset({"allow_fallbacks", "ignore", "only", "order", "sort", "options"}),
    "speech": frozenset({"zdr", "data_collection", "options"}),
    "transcriptions": frozenset({"zdr", "data_collection", "options"}),
    "videos": frozenset({"options"}),
    "batches": frozenset({"only", "allow_fallbacks"}),
}

NO_KEY = "No cookie auth credentials found"


def check_key(headers: Mapping[str, str], missing: str = NO_KEY) -> str:
    """The key of a request. Raises the 401s for a missing and for a bad key."""
    bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
    key = bearer or headers.get("x-api-key", "")
    if not key:
        raise Refusal(401, missing)
    if not key.startswith("sk-or-") or "bad" in key:
        raise Refusal(401, "User not found.")
    return key


def check_body(body: Any, dialect: str = "chat", *, lenient: bool = False) -> dict[str, Any]:
    """The body if it is an object whose fields have the right types, especially `provider`.

    `lenient`: keys of `provider` that only other routes accept are left out instead of refused.
    """
    if not isinstance(body, dict):
        raise Refusal(400, "Invalid input: expected object")
    media = dialect in _TAKEN
    for name, (kind, called) in _KINDS.items():
        if media and name in _FORMATS:
            continue
        if body.get(name) is not None and not isinstance(body[name], kind):
            raise Refusal(400, f"{name}: Invalid input: expected {called}")
    for name, (kind, called) in _ITEMS.items():
        for place, item in enumerate(body.get(name) or ()):
            if not isinstance(item, kind):
                raise Refusal(400, f"{name}.{place}: Invalid input: expected {called}")
    if len(body.get("models") or ()) > MOST_FALLBACKS:
        raise Refusal(400, f"'models' array must have {MOST_FALLBACKS} items or fewer.")
    _check_fallbacks(body)
    provider = body.get("provider")
    if provider is None:
        return body
    taken = _TAKEN.get(dialect, frozenset(_CHECKS))
    _check_provider(provider, frozenset(_CHECKS) if lenient else taken)
    return {**body, "provider": {k: v for k, v in provider.items() if k in taken}}


def _check_fallbacks(body: dict[str, Any]) -> None:
    """Anthropic's way to name other models (openrouter.md §2.3)."""
    fallbacks = body.get("fallbacks") or []
    if fallbacks and body.get("models"):
        raise Refusal(400, "fallbacks: 'fallbacks' and 'models' can not be used together")
    if len(fallbacks) > MOST_FALLBACKS:
        raise Refusal(400, f"'fallbacks' array must have {MOST_FALLBACKS} items or fewer.")
    for place, item in enumerate(fallbacks):
        if not isinstance(item, dict) or not isinstance(item.get("model"), str):
            raise Refusal(400, f"fallbacks.{place}.model: Invalid input: expected string")
        unknown = [f'"{name}"' for name in item if name != "model"]
        if unknown:
            raise Refusal(400, f"fallbacks.{place}: {_unrecognized(unknown)}")


def _unrecognized(quoted: list[str]) -> str:
    return f"Unrecognized {'keys' if len(quoted) > 1 else 'key'}: {', '.join(quoted)}"


def _check_provider(provider: Any, taken: frozenset[str]) -> None:
    if not isinstance(provider, dict):
        raise Refusal(400, "provider: Invalid input: expected object")
    unknown = [f'"{name}"' for name in provider if name not in taken]
    if unknown:
        raise Refusal(400, f"provider: {_unrecognized(unknown)}")
    for name, value in provider.items():
        complaint = None if value is None else _CHECKS[name](value)
        if complaint is not None:
            path, said = complaint
            raise Refusal(400, f"provider.{name}{path}: {said}")


Complaint = tuple[str, str] | None


def _texts(value: Any) -> Complaint:
    if not isinstance(value, list):
        return "", "Invalid input: expected array"
    wrong = next((n for n, item in enumerate(value) if not isinstance(item, str)), None)
    return None if wrong is None else (f".{wrong}", "Invalid input: expected string")


def _flag(value: Any) -> Complaint:
    return None if isinstance(value, bool) else ("", "Invalid input: expected boolean")


def _option(value: Any, known: tuple[str, ...], path: str = "") -> Complaint:
    if value in known:
        return None
    return path, "Invalid option: expected one of " + "|".join(f'"{item}"' for item in known)


def _quantizations(value: Any) -> Complaint:
    if not isinstance(value, list):
        return "", "Invalid input: expected array"
    wrong = ((_option(item, QUANTIZATIONS, f".{n}")) for n, item in enumerate(value))
    return next(filter(None, wrong), None)


def _sort(value: Any) -> Complaint:
    if not isinstance(value, dict):
        return None if value in SORTS else ("", "Invalid input")
    fine = (
        set(value) <= {"by", "partition"}
        and value.get("by") in (None, *SORTS)
        and value.get("partition") in (None, "model", "none")
    )
    return None if fine else ("", "Invalid input")


def _prices(value: Any) -> Complaint:
    fine = (
        isinstance(value, dict)
        and set(value) <= {"prompt", "completion", "request", "image", "audio"}
        and all(price is None or _is_price(price) for price in value.values())
    )
    return None if fine else ("", "Invalid input")


def _is_price(value: Any) -> bool:
    """The schema requires strings, clients send numbers: both are accepted (openrouter.md §1.1)."""
    try:
        return (_is_number(value) or isinstance(value, str)) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _threshold(value: Any) -> Complaint:
    if not isinstance(value, dict):
        return None if _is_number(value) else ("", "Invalid input")
    fine = set(value) <= {"p50", "p75", "p90", "p99"} and all(
        cutoff is None or _is_number(cutoff) for cutoff in value.values()
    )
    return None if fine else ("", "Invalid input")


def _object(value: Any) -> Complaint:
    return None if isinstance(value, dict) else ("", "Invalid input: expected object")


_CHECKS: dict[str, Callable[[Any], Complaint]] = {
    "only": _texts,
    "order": _texts,
    "ignore": _texts,
    "allow_fallbacks": _flag,
    "require_parameters": _flag,
    "data_collection": lambda value: _option(value, ("deny", "allow")),
    "zdr": _flag,
    "enforce_distillable_text": _flag,
    "quantizations": _quantizations,
    "max_price": _prices,
    "sort": _sort,
    "preferred_min_throughput": _threshold,
    "preferred_max_latency": _threshold,
    "options": _object,
}
