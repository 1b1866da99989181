"""Who may serve, one `if` a sentence, from the page alone (openrouter.md §1.1 to §1.6, §2.7).

Slow and plain on purpose, and without a line of the simulator's: the two must agree.
"""

from fractions import Fraction
from typing import Any

Row = dict[str, Any]
FAMILIES = {"fp4": ["mxfp4", "nvfp4"], "fp8": ["mxfp8"]}
PARAMETERS = {  # openrouter.md §5.2, all that `require_parameters` counts
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "top_a",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "max_tokens",
    "max_completion_tokens",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "prediction",
    "seed",
    "response_format",
    "structured_outputs",
    "stop",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "include_reasoning",
    "reasoning",
    "reasoning_effort",
    "web_search_options",
    "verbosity",
}


def means(entry: str, row: Row, switches: dict[str, Any]) -> bool:
    """Whether an entry of `only`, `ignore` or `order` means a row (openrouter.md §1.3)."""
    if entry == row["tag"]:
        return True  # a full tag, a tier slug among them
    if row["service_tier"] is not None:
        return False  # a provider means all of its endpoints except service-tier endpoints
    if switches.get("display_names_match") and entry.lower() == row["provider_name"].lower():
        return True
    return bool(entry == row["tag"].split("/")[0])


def may_serve(
    rows: list[Row], body: dict[str, Any], suffix: str, switches: dict[str, Any]
) -> list[Row]:
    """The rows that survive every hard filter, whatever comes first among them."""
    provider = _preferences(body)
    survivors = [row for row in rows if _survives(row, rows, body, suffix, switches)]
    # Soft preference: restrict to supporting endpoints when at least one endpoint supports it.
    if body.get("response_format") is not None:
        able = [row for row in survivors if "response_format" in row["supported_parameters"]]
        survivors = able or survivors
    if provider.get("allow_fallbacks") is False and provider.get("order"):
        listed = provider["order"]
        survivors = [
            row
            for row in survivors
            # Inserted after that filter, whatever is ordered (openrouter.md §1.6, §7 step 10).
            if any(means(e, row, switches) for e in listed) or has_own_key(row, switches)
        ]
    return survivors


def has_own_key(row: Row, switches: dict[str, Any]) -> bool:
    """Whether the account has a key of its own for the row's provider, or for its tag."""
    return any(own in {row["tag"], row["tag"].split("/")[0]} for own in switches.get("byok", []))


def _preferences(body: dict[str, Any]) -> dict[str, Any]:
    """Nullable fields treat `null` as absent."""
    return {key: value for key, value in body.get("provider", {}).items() if value is not None}


def _survives(
    row: Row, rows: list[Row], body: dict[str, Any], suffix: str, switches: dict[str, Any]
) -> bool:
    provider = _preferences(body)
    only, ignore = provider.get("only") or [], provider.get("ignore") or []
    return (
        (not only or any(means(entry, row, switches) for entry in only))
        and not any(means(entry, row, switches) for entry in ignore)
        and _tier_is_admitted(row, rows, body, provider, suffix)
        and _is_private_enough(row, provider)
        and _is_cheap_enough(row, provider.get("max_price") or {}, switches)
        and _has_the_precision(row, provider.get("quantizations") or [], switches)
        and _is_able(row, body, provider)
    )


def _tier_is_admitted(
    row: Row, rows: list[Row], body: dict[str, Any], provider: dict[str, Any], suffix: str
) -> bool:
    tier, wanted, order = row["service_tier"], body.get("service_tier"), provider.get("order") or []
    named = row["tag"] in [*(provider.get("only") or []), *order]
    if wanted == "flex" and any(other["service_tier"] == "flex" for other in rows):
        return bool(tier == "flex")  # flex only, if any exist
    if tier is None or named:
        return True
    if tier == wanted:
        return True
    cancelled = bool(order) or wanted == "default"
    return not cancelled and (suffix, tier) in {(":nitro", "priority"), (":floor", "flex")}


def _is_private_enough(row: Row, provider: dict[str, Any]) -> bool:
    if provider.get("data_collection") == "deny" and row["_simulator"]["trains"]:
        return False
    return bool(row["_simulator"]["zdr"] or not provider.get("zdr"))


def _is_cheap_enough(row: Row, caps: dict[str, Any], switches: dict[str, Any]) -> bool:
    for name, cap in caps.items():
        million = 1_000_000 if name in {"prompt", "completion"} else 1
        price = Fraction(row["pricing"].get(name, "0")) * million
        if price > Fraction(str(cap)):
            return False
        if price == Fraction(str(cap)) and switches.get("max_price_strict"):
            return False
    return True


def _has_the_precision(row: Row, labels: list[str], switches: dict[str, Any]) -> bool:
    if not labels:
        return True  # an empty list means no filter
    admitted = [*labels]
    if switches.get("families_expand"):
        admitted += [member for label in labels for member in FAMILIES.get(label, [])]
    return switches.get("drift", {}).get(row["tag"], row["quantization"]) in admitted


def _is_able(row: Row, body: dict[str, Any], provider: dict[str, Any]) -> bool:
    supported = row["supported_parameters"]
    if body.get("tools") and "tools" not in supported:
        return False
    limit = row["max_completion_tokens"]
    if limit is not None and body.get("max_tokens", 0) > limit:
        return False
    if provider.get("require_parameters"):
        given = [name for name, value in body.items() if value is not None]
        return all(name in supported for name in given if name in PARAMETERS)
    return True
