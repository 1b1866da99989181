"""What is refused before any routing: the edge's strict checks, in its own words."""

from collections.abc import Callable, Mapping
from typing import Any

from app.simulator.refusals import Refusal

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


def check_key(headers: Mapping[str, str]) -> None:
    """Raise the 401s of a missing and of a bad key."""
    bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
    key = bearer or headers.get("x-api-key", "")
    if not key:
        raise Refusal(401, "No cookie auth credentials found")
    if not key.startswith("sk-or-") or "bad" in key:
        raise Refusal(401, "User not found.")


def check_body(body: Any) -> dict[str, Any]:
    """The body if it is an object with sane `models` and `provider`."""
    if not isinstance(body, dict):
        raise Refusal(400, "Invalid input: expected object")
    models = body.get("models")
    if isinstance(models, list) and len(models) > MOST_FALLBACKS:
        raise Refusal(400, f"'models' array must have {MOST_FALLBACKS} items or fewer.")
    provider = body.get("provider")
    if provider is not None:
        _check_provider(provider)
    return body


def _check_provider(provider: Any) -> None:
    if not isinstance(provider, dict):
        raise Refusal(400, "provider: Invalid input: expected object")
    unknown = [f'"{name}"' for name in provider if name not in _CHECKS]
    if unknown:
        word = "keys" if len(unknown) > 1 else "key"
        raise Refusal(400, f"provider: Unrecognized {word}: {', '.join(unknown)}")
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
    by = value.get("by") if isinstance(value, dict) else value
    partition = value.get("partition") if isinstance(value, dict) else None
    fine = by in SORTS and partition in {None, "model", "none"}
    return None if fine else ("", "Invalid input")


def _prices(value: Any) -> Complaint:
    fine = isinstance(value, dict) and set(value) <= {
        "prompt",
        "completion",
        "request",
        "image",
        "audio",
    }
    return None if fine else ("", "Invalid input")


def _threshold(value: Any) -> Complaint:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if number or isinstance(value, dict) else ("", "Invalid input")


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
