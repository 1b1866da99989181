"""The funnel: hard filters before any ordering, in the order observed live (openrouter.md §7)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .ask import Ask
from .catalog import Row
from .naming import Candidate
from .parameters import PARAMETERS
from .refusals import MESSAGES, TOOL_CHOICE, Refusal, privacy_message
from .saying import tokens

_MILLION = Decimal(1_000_000)
_FAMILIES = {"fp4": {"mxfp4", "nvfp4"}, "fp8": {"mxfp8"}}
_ITS_OWN_ZERO = "Filter by Fallback"  # the only failed step with its own row in error bodies
_TIERS: dict[str | None, tuple[str, ...]] = {
    "priority": ("priority",),
    "fast": ("priority",),
    "ultrafast": ("ultrafast", "priority"),
    "flex": ("flex",),
}
_PRICED = ("prompt", "completion", "request", "image", "audio")


@dataclass
class Funnel:
    """The rows left after each step, and the step that removed each other row."""

    ask: Ask
    candidate: Candidate
    left: list[Row]
    steps: list[dict[str, Any]] = field(default_factory=list)
    fell: list[tuple[str, list[Row], str]] = field(default_factory=list)

    def keep(self, step: str, wanted: Callable[[Row], bool], reason: str = "") -> None:
        """Run one filter; a step that changes nothing is not recorded. Raises the 404 at zero."""
        kept = [row for row in self.left if wanted(row)]
        if len(kept) == len(self.left):
            return
        self.fell.append((step, [row for row in self.left if row not in kept], reason))
        before, self.left = self.left, kept
        if not kept:
            if step == _ITS_OWN_ZERO:
                self.note(step, reason)
            raise self._nothing_left(step, before, reason)
        self.note(step, reason)

    def note(self, step: str, reason: str = "") -> None:
        """Record a step with the rows left after it."""
        row: dict[str, Any] = {"step": step, "endpoint_count": len(self.left)}
        self.steps.append(row | ({"reason": reason} if reason else {}))

    def _nothing_left(self, step: str, before: list[Row], reason: str) -> Refusal:
        metadata = {"routing_funnel": self.steps, "failed_routing_step": step}
        if step == "Filter by Allowed Providers":
            metadata |= {
                "available_providers": sorted({row.provider for row in self.candidate.model.rows}),
                "requested_providers": list(self.ask.provider.get("only", ())),
            }
        return Refusal(404, self._message(step, before, reason), metadata)

    def _message(self, step: str, before: list[Row], reason: str) -> str:
        told = MESSAGES.get(step)
        if step == "Filter by Allowed Providers":
            told = self._not_allowed(before)
        elif step == "Filter by Quantization":
            labels = ",".join(self.ask.provider["quantizations"])
            told = f"No endpoints found for the request with quantization: {labels}."
        elif step == "Filter by Data Policy":
            told = privacy_message(reason)
        elif step == "Filter by Model Output Modalities":
            wanted = ", ".join(self.ask.body["modalities"])
            told = f"No endpoints found that support the requested output modalities: {wanted}"
        elif step == "Filter by Tool Compatibility":
            names = ", ".join(f'"{tool["name"]}"' for tool in self.ask.tools)
            plain = f"No endpoints found that support tool use. Try disabling {names}."
            told = TOOL_CHOICE if reason else plain
        return told or self._everyone_fell()

    def _not_allowed(self, before: list[Row]) -> str:
        serving = ", ".join(dict.fromkeys(row.provider for row in before))
        return (
            "No allowed providers are available for the selected model. Providers serving "
            f"{self.candidate.model.canonical}: {serving}, but your request's provider.only "
            f"preference permits only: {', '.join(self.ask.provider.get('only', ()))}."
        )

    def _everyone_fell(self) -> str:
        told = "; ".join(
            f"{name} removed {', '.join(dict.fromkeys(row.tag for row in rows))}"
            f"{f' ({why})' if why else ''}"
            for name, rows, why in self.fell
        )
        return (
            f"No endpoints found for {self.ask.requested}. "
            f"Every candidate endpoint was removed during routing: {told}."
        )


def filtered(ask: Ask, candidate: Candidate) -> Funnel:
    """The rows of one model that may serve. Raises `Refusal` with the step that left none."""
    funnel = Funnel(ask, candidate, list(candidate.model.rows))
    funnel.note("Initial Endpoints")
    if not funnel.left:
        raise Refusal(404, f"No endpoints found for {ask.requested}.")
    if candidate.model.hidden.get("reasons") is True and _turns_reasoning_off(ask):
        raise Refusal(400, "Reasoning is mandatory for this endpoint and cannot be disabled.")
    _rows_nobody_asked_for(funnel)
    if not ask.switches.disobey:
        _by_names(funnel)
        _by_privacy(funnel)
        _by_price(funnel)
    _by_ability(funnel)
    if not ask.switches.disobey:
        _by_quantization(funnel)
        _by_required_parameters(funnel)
    _by_soft_parameters(funnel)
    return funnel


def _turns_reasoning_off(ask: Ask) -> bool:
    """Whether it does so in the way that is refused: Anthropic's `thinking` was not seen to be."""
    return ask.declines_reasoning and ask.body.get("thinking") is None


def matches(entry: str, row: Row, *, display_names: bool) -> bool:
    """Whether an entry of `only`, `order` or `ignore` means this row (openrouter.md §1.3).

    A recognised display name is equivalent to the slug, case-insensitively.
    """
    if entry == row.tag:
        return True
    named = display_names and entry.lower() == row.name.lower()
    return (named or entry == row.provider) and row.tier is None


def named(ask: Ask, field_name: str, row: Row) -> bool:
    """Whether one of the preferences' lists contains this row."""
    entries: Iterable[str] = ask.provider.get(field_name) or ()
    return any(
        matches(entry, row, display_names=ask.switches.display_names_match) for entry in entries
    )


def has_own_key(ask: Ask, row: Row) -> bool:
    """Whether the account has its own key for this row."""
    return row.provider in ask.switches.byok or row.tag in ask.switches.byok


def _rows_nobody_asked_for(funnel: Funnel) -> None:
    ask = funnel.ask
    asked = {*(ask.provider.get("only") or ()), *(ask.provider.get("order") or ())}
    admitted = admitted_tiers(ask, funnel.candidate)
    funnel.keep(
        "Filter by Regional Surcharge",
        lambda row: not row.hidden.get("regional_surcharge") or row.tag in asked,
    )
    funnel.keep(
        "Filter by Tier Endpoint Rows",
        lambda row: row.tier is None or row.tier in admitted or row.tag in asked,
    )
    if ask.service_tier == "flex" and any(row.tier == "flex" for row in funnel.left):
        funnel.keep("Filter by Tier Endpoint Rows", lambda row: row.tier == "flex")


def admitted_tiers(ask: Ask, candidate: Candidate) -> tuple[str, ...]:
    """The service tiers that the request opts into, preferred first (openrouter.md §2.7)."""
    asked = _TIERS.get(ask.service_tier, ())
    if ask.service_tier == "default" or ask.provider.get("order"):
        return asked
    return asked + {"nitro": ("priority",), "floor": ("flex",)}.get(candidate.suffix, ())


def _by_names(funnel: Funnel) -> None:
    ask = funnel.ask
    if ask.provider.get("only"):
        funnel.keep(
            "Filter by Allowed Providers",
            lambda row: named(ask, "only", row),
            "not in your request's provider.only preference",
        )
    if ask.provider.get("ignore"):
        funnel.keep(
            "Filter by Ignored Providers",
            lambda row: not named(ask, "ignore", row),
            "in your request's provider.ignore preference",
        )


def _by_privacy(funnel: Funnel) -> None:
    provider = funnel.ask.provider
    step = "Filter by Data Policy"
    if provider.get("data_collection") == "deny":
        funnel.keep(step, lambda row: not row.hidden.get("trains"), "Paid model training")
    if provider.get("zdr"):
        funnel.keep(step, lambda row: bool(row.hidden.get("zdr")), "Zero data retention")
    if provider.get("enforce_distillable_text"):
        distillable = bool(funnel.candidate.model.hidden.get("distillable", True))
        funnel.keep(step, lambda _: distillable, "Distillable text")


def _by_price(funnel: Funnel) -> None:
    caps = funnel.ask.provider.get("max_price") or {}
    strict = funnel.ask.switches.max_price_strict

    def affordable(row: Row) -> bool:
        for name in _PRICED:
            if caps.get(name) is None:
                continue
            unit = _MILLION if name in {"prompt", "completion"} else 1
            price, cap = row.price(name) * unit, Decimal(str(caps[name]))
            if price > cap or (strict and price == cap):
                return False
        return True

    funnel.keep("Filter by Max Price", affordable)


def _by_ability(funnel: Funnel) -> None:
    ask, model = funnel.ask, funnel.candidate.model
    if ask.tools:
        step, choice = "Filter by Tool Compatibility", ask.tool_choice
        funnel.keep(step, lambda row: "tools" in row.parameters)
        if "tool_choice" in ask.given:  # the error text says "the provided" value
            funnel.keep(step, lambda row: row.takes_tool_choice(choice), f"tool_choice {choice}")
    if ask.has_images:
        sees = "image" in model.listed["architecture"]["input_modalities"]
        funnel.keep("Filter by Image Support", lambda _: sees)
    wanted = set(ask.body.get("modalities") or ())
    funnel.keep("Filter by Model Output Modalities", lambda _: wanted <= set(model.outputs))
    most, prompt = ask.most_tokens, tokens(ask.prompt)
    funnel.keep(
        "Filter by Context Length",
        lambda row: (
            prompt + (most or 0) <= (row.listed.get("context_length") or 0)
            and (most or 0) <= (row.listed.get("max_completion_tokens") or most or 0)
        ),
    )


def _by_quantization(funnel: Funnel) -> None:
    asked = set(funnel.ask.provider.get("quantizations") or ())
    if not asked:
        return
    if funnel.ask.switches.families_expand:
        asked |= set().union(*(_FAMILIES.get(label, set()) for label in asked))
    drift = funnel.ask.switches.drift
    funnel.keep("Filter by Quantization", lambda row: drift.get(row.tag, row.quantization) in asked)


def _by_required_parameters(funnel: Funnel) -> None:
    if funnel.ask.provider.get("require_parameters"):
        needed = PARAMETERS & funnel.ask.given
        funnel.keep("Filter by Parameters", lambda row: needed <= row.parameters)


def _by_soft_parameters(funnel: Funnel) -> None:
    """Filter hard if any remaining row supports it, else ignore it (openrouter.md §1.6)."""
    for soft in ("response_format", "verbosity"):
        able = [row for row in funnel.left if soft in row.parameters]
        if soft in funnel.ask.given and able:
            funnel.keep("Filter by Parameters", lambda row, able=able: row in able)  # type: ignore[misc]
