"""Does an endpoint comply with the request? The promise in plain words, one `if` per sentence.

Written independently of the proxy and the router, from docs/openrouter.md alone, for a row with
complete information: its listing, the price that was charged, and whether the account's own key
was used. True and False are certain; None is used where that page leaves it open, and then only
the verdict `unproven` can be correct.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Answer = bool | None

BITS = {"int4": 4, "fp4": 4, "mxfp4": 4, "nvfp4": 4, "fp6": 6, "int8": 7.9, "fp8": 8, "mxfp8": 8}
BITS |= {"fp16": 16, "bf16": 16, "fp32": 32}
# The guide says that one includes the others; no traffic has confirmed it (openrouter.md §1.5).
FAMILY = {"mxfp4": "fp4", "nvfp4": "fp4", "mxfp8": "fp8"}


@dataclass(frozen=True)
class Tried:
    """One endpoint that was sent the prompt: its listed row, and the result."""

    row: Mapping[str, Any]
    own_key: bool  # the account's own, at that provider
    # USD per token, by key of `max_price`, if a price is listed; None: it failed.
    paid: Mapping[str, Decimal] | None

    @property
    def tier(self) -> str | None:
        """Its service tier, by the listing or else by the end of its tag."""
        end = self.row["tag"].rpartition("/")[2]
        return self.row.get("service_tier") or (
            end if end in {"priority", "flex", "ultrafast"} else None
        )

    @property
    def label(self) -> str | None:
        return self.row.get("quantization")


def every(answers: Iterable[Answer]) -> Answer:
    """False if any is False; else None if any is None; else True."""
    told = list(answers)
    return False if False in told else (None if None in told else True)


def names_provider(entry: str, tried: Tried) -> bool:
    """Whether it is the provider's slug or display name, case-insensitively.

    openrouter.md §1.3 leaves open whether OpenRouter accepts such a name, but the intent is clear.
    """
    known = {tried.row["tag"].partition("/")[0], tried.row["provider_name"].lower()}
    return entry.lower() in known


def means(entry: str, tried: Tried) -> bool:
    """A tag means itself, a provider all rows but its service tiers (openrouter.md §1.3)."""
    if entry.lower() == tried.row["tag"]:
        return True
    return names_provider(entry, tried) and tried.tier is None


def complies(tried: Tried, sent: Mapping[str, Any]) -> dict[str, Answer]:
    """Whether an endpoint complies with the `provider` object that OpenRouter actually received.

    By clause: all of them have to be true.
    """
    said = {name: value for name, value in sent.items() if value not in (None, [], {})}
    return {
        "only": "only" not in said or any(means(entry, tried) for entry in said["only"]),
        "ignore": not any(means(entry, tried) for entry in said.get("ignore", ())),
        "order": in_order(tried, said),
        "quantizations": "quantizations" not in said or has_label(tried, said["quantizations"]),
        "max_price": affordable(tried, said.get("max_price", {})),
    }


def in_order(tried: Tried, said: Mapping[str, Any]) -> Answer:
    """Without fallbacks only the order counts; own keys come before it (openrouter.md §1.6)."""
    if said.get("allow_fallbacks") is not False or "order" not in said or tried.own_key:
        return True
    return any(means(entry, tried) for entry in said["order"])


def has_label(tried: Tried, labels: Iterable[str]) -> Answer:
    """Labels are compared as listed; whether one includes its family is left open."""
    asked = set(labels)
    if tried.label in asked:
        return True
    return None if FAMILY.get(tried.label or "") in asked else False


def affordable(tried: Tried, caps: Mapping[str, Any]) -> Answer:
    """The charged price against the caps per million tokens; failed attempts are not charged."""
    if tried.paid is None:
        return True
    return every(
        tried.paid[key] * 1_000_000 <= Decimal(str(cap)) if key in tried.paid else None
        for key, cap in caps.items()
        if cap is not None
    )


def promised(tried: Tried, rule: Mapping[str, Any], *, closed: bool) -> dict[str, Answer]:
    """Whether an endpoint complies with a policy's rule, whatever was sent for it.

    `closed`: whether the weights of the rule's model are unpublished.
    """
    pinned = {"only": rule["pin"]} if "pin" in rule else {}
    # A provider that is always excluded is excluded in its tiers too.
    ignored = any(names_provider(entry, tried) for entry in rule.get("ignore", ()))
    answers = complies(tried, {**rule, **pinned}) | {
        "floor": above_floor(tried, rule, closed=closed)
    }
    return answers | ({"ignore": False} if ignored else {})


def above_floor(tried: Tried, rule: Mapping[str, Any], *, closed: bool) -> Answer:
    """A floor is a list of labels; `unknown` passes if the weights are not published."""
    floor = rule.get("quantization_floor")
    if floor is None:
        return True
    if tried.label == "unknown":
        setting = rule.get("unknown_quantization", "auto")
        return bool(setting == "allow" or (setting == "auto" and closed))
    return BITS.get(tried.label or "", 0) >= BITS[floor]
