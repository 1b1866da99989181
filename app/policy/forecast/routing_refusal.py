"""Reads OpenRouter's routing 404: the step that left no endpoint, and its counts.

The shape is undocumented and changes (openrouter.md §3.5), so it is read leniently: the step from
`failed_routing_step`, from a funnel that ends at zero, or from the words of the message, the only
source on `/messages`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import msgspec

from ...errors import MalformedBody
from ..request import UNREADABLE
from ..slices import Fields, edit, split

_ROUTING = ("No endpoints found", "No allowed providers", "0 endpoints out of", "No endpoints")
_MOST_ROWS = 20
_STEP = re.compile(r"[A-Za-z][A-Za-z0-9 '/-]{2,59}")  # a valid name of a step
_REMOVED = re.compile(r"(Filter by [A-Z][A-Za-z ]{2,50}?) removed ")
# Beginnings or parts of messages, used if nothing else names the step.
_WORDS: tuple[tuple[str, str], ...] = (
    ("No allowed providers", "Filter by Allowed Providers"),
    ("guardrail restrictions", "Filter by Guardrails"),
    ("data policy", "Filter by Data Policy"),
    ("satisfy the max price", "Filter by Max Price"),
    ("with quantization:", "Filter by Quantization"),
    ("handle the requested parameters", "Filter by Parameters"),
    ("support tool use", "Filter by Tool Compatibility"),
    ("'tool_choice' value", "Filter by Tool Compatibility"),
    ("image input", "Filter by Image Support"),
    ("output modalities", "Filter by Model Output Modalities"),
    ("with manual order", "Filter by Fallback"),
)

GUARDRAILS, DATA_POLICY = "Filter by Guardrails", "Filter by Data Policy"
HIDDEN = (GUARDRAILS, DATA_POLICY)  # no listing shows which endpoints these remove

# Steps that depend only on the account's settings.
ACCOUNT = frozenset(
    {
        GUARDRAILS,
        "Add BYOK Endpoints",
        "Gate Endpoints with Attestations",
        "Gate Free Endpoints by Agentic Harness",
    }
)
# Our filters, by the equivalent step.
FILTERS_BY_STEP: Mapping[str, tuple[str, ...]] = {
    "Filter by Allowed Providers": ("only",),
    "Filter by Ignored Providers": ("ignore",),
    "Filter by Max Price": ("max_price",),
    "Filter by Tool Compatibility": ("tools", "tool_choice"),
    "Filter by Image Support": ("images",),
    "Filter by Image Capabilities": ("images",),
    "Filter by Model Output Modalities": ("modalities",),
    "Filter by Context Length": ("context_length",),
    "Filter by Quantization": ("quantizations",),
    "Filter by Parameters": ("require_parameters", "response_format", "verbosity"),
    "Filter by Fallback": ("order",),
}
PRIVACY_WORDS: tuple[
    tuple[str, str], ...
] = (  # words of the message about a data policy, in lower case
    ("zero data retention", "zdr"),
    ("distill", "enforce_distillable_text"),
    ("training", "data_collection"),
    ("publication", "data_collection"),
)


@dataclass(frozen=True, slots=True)
class RoutingRefusal:
    """One routing 404, to which a paragraph can be added."""

    body: bytes
    fields: Fields
    error: bytes
    inner: Fields
    message: str
    step: str | None  # the step that left no endpoint
    counts: tuple[tuple[str, int], ...]  # endpoints left after each step, as far as reported

    @property
    def filters(self) -> tuple[str, ...]:
        """The filters that the step may be; none for an account's step or an unknown one."""
        if self.step != DATA_POLICY:
            return FILTERS_BY_STEP.get(self.step or "", ())
        said = self.message.lower()
        named = (name for words, name in PRIVACY_WORDS if words in said)
        return tuple(dict.fromkeys(named)) or tuple(
            dict.fromkeys(name for _, name in PRIVACY_WORDS)
        )

    def with_paragraph(self, text: str) -> bytes:
        """The body with a paragraph added to its message; every other byte is unchanged."""
        message = msgspec.json.encode(f"{self.message}\n\n{text}")
        longer = edit(self.error, self.inner, {"message": message})
        return edit(self.body, self.fields, {"error": longer})


def read_refusal(body: bytes) -> RoutingRefusal | None:
    """The routing refusal in the body of a 404; None for any other 404."""
    try:
        whole, fields = split(body)
        error, inner = split(bytes(fields["error"]))
        message = msgspec.json.decode(inner["message"], type=str)
        metadata = msgspec.json.decode(inner["metadata"]) if "metadata" in inner else None
    except (MalformedBody, KeyError, *UNREADABLE):
        return None
    said: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    if not (message.startswith(_ROUTING) or "failed_routing_step" in said):
        return None
    counts = _counts(said.get("routing_funnel"))
    step = _step(said.get("failed_routing_step"), counts, message)
    return RoutingRefusal(whole, fields, error, inner, message, step, counts)


def _counts(rows: Any) -> tuple[tuple[str, int], ...]:
    listed = rows[:_MOST_ROWS] if isinstance(rows, list) else []
    pairs = (
        (row.get("step"), row.get("endpoint_count")) for row in listed if isinstance(row, dict)
    )
    return tuple((step, left) for step, left in pairs if _is_step(step) and type(left) is int)


def _is_step(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _STEP.fullmatch(value) is not None


def _step(named: Any, counts: tuple[tuple[str, int], ...], message: str) -> str | None:
    if _is_step(named):
        return named
    if counts and counts[-1][1] == 0:
        return counts[-1][0]
    removing = _REMOVED.findall(message)
    if removing:
        return str(removing[-1])
    return next((step for words, step in _WORDS if words in message), None)
