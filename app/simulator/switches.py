"""Switches for behaviour on which sources disagree, or which a client must handle.

Each field is one switch of openrouter.md §7 and its additions; the defaults are the latest
behaviour observed in live traffic, or documented.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_type_hints

from .flaws import read_flaw, read_rate
from .quirks import read_quirk

ModelName = Literal["permaslug", "id", "nothing"]
ErrorShape = Literal["", "body", "text", "failed", "event", "response_error"]


@dataclass(frozen=True, slots=True)
class Switches:
    """All switches; one request may override them, see `Switches.overridden`."""

    display_names_match: bool = False  # does "DeepInfra" in `only` mean deepinfra?
    max_price_strict: bool = False  # does a price equal to the cap exceed it?
    families_expand: bool = False  # does fp8 admit mxfp8, fp4 admit mxfp4 and nvfp4?
    usage_chunk: Literal["a", "b", "c"] = "c"
    metadata_frame: Literal["usage", "first", "own"] = "usage"
    provider_field: Literal["present", "missing"] = "present"
    server_tools_misreport: bool = True  # `provider` says OpenAI when server tools run
    provider_header: bool = False  # X-Provider-Name
    availability: bool = False  # error.availability
    generation_delay: float = 10.0  # seconds until GET /generation finds the record
    comments: int = 2  # keep-alive comments before the first frame; half as many in between
    cut: Literal["", "no_done", "mid_stream"] = ""
    stream_error: Literal["", "documented", "live", "nested"] = ""  # an error after some tokens
    html_404: bool = True
    drift: dict[str, str] = field(default_factory=dict)  # tag -> label that routing uses
    # tag -> label that its listing shows once it has been read; `drift` lets routing follow
    relisted: dict[str, str] = field(default_factory=dict)
    disobey: bool = False  # serve an endpoint that the preferences exclude
    fail: dict[str, int] = field(default_factory=dict)  # tag -> status it fails with
    # tag -> share of attempts that fail, and tag -> seconds for which every request fails there;
    # with the status in `fail`, else 503
    fail_rate: dict[str, float] = field(default_factory=dict)
    fail_for: dict[str, float] = field(default_factory=dict)
    defects: tuple[str, ...] = ()  # of answers, see flaws.py
    quirks: tuple[str, ...] = ()  # of endpoints, see quirks.py
    # Slugs and tags for which the account has its own key: tried before all others
    byok: tuple[str, ...] = ()
    byok_field: Literal["both", "metadata", "neither"] = "both"  # where answers contain `is_byok`
    # How `attempts` of the metadata, and `previous_errors`, name the model that was tried
    attempts_name: ModelName = "permaslug"
    errors_name: ModelName = "nothing"
    error_in_200: ErrorShape = ""  # the shape of an error instead of an answer; see failing.py
    # An answer without a word: `network_error` also lacks its usage, `reasoning_only` is billed
    empty: Literal["", "network_error", "reasoning_only"] = ""

    # Presets (openrouter.md §A1): what a name that leads to no active preset does at inference,
    lost_preset: Literal["404", "400", "ignored"] = "404"
    # whether a request's `null` leaves a field to the preset, or takes it from the preset,
    preset_nulls: Literal["lacking", "given"] = "lacking"
    # and for what a preset in an entry of `models` holds: that entry, the whole request, nothing.
    listed_presets: Literal["own", "whole", "ignored"] = "own"
    presets_refused: int = 0  # the status that reading presets ends in: 403, 500, 503

    # Server tools (openrouter.md §A2): does GET /tools need a key, is an unlisted tool refused?
    tools_need_key: bool = True
    tools_elsewhere: Literal["refused", "run"] = "refused"
    server_tool_record: Literal["details", "counts"] = "details"  # their calls in a chat

    # Models inside (openrouter.md §A2.3): do they get the outer `provider`? Not established.
    inner_inherits: bool = False
    judge_inherits: bool = True  # documented
    candidates_inherit: bool = True  # documented; off, a router picks past the preferences
    advisor_choice: str = ""  # the model that an executing model calls; empty: it names none
    default_panel: tuple[str, ...] = (
        "~anthropic/claude-opus-latest",
        "~openai/gpt-latest",
        "~google/gemini-pro-latest",
    )
    switchyard_judge: str = "google/gemini-2.5-flash-lite"  # the SDK says gemini-3.5-flash-lite

    # The order without an `order` or a `sort` (openrouter.md §A3)
    default_order: Literal["shares", "legacy"] = "shares"  # legacy: 1/price² among the cheapest
    only_keeps_shares: bool = True  # off: a request with `only` is ordered by price
    auto_exacto: bool = True  # is a request with tools ordered by quality?

    # Prompt caches (openrouter.md §2.6): the shortest prefix that is kept, its idle seconds,
    cache_minimum: int = 1024
    cache_seconds: float = 300.0
    # and do endpoints cache that have a price for it and are listed as not caching implicitly?
    unlisted_caches: bool = False

    # OpenRouter's response cache: on if asked for, unless refused, or whatever a request says
    response_cache: Literal["asked", "on", "always"] = "asked"

    # Sealed reasoning (openrouter.md §A4): do hosts check what others issued? off: none is issued
    sealed_reasoning: Literal["checked", "unchecked", "off"] = "checked"

    # What media routes do with a key of `provider` that is for other routes (openrouter.md §A8)
    media_keys: Literal["refused", "ignored"] = "refused"

    def __post_init__(self) -> None:
        """Raise `ValueError` for an unknown defect or quirk, and for a wrong number of one."""
        for text in self.defects:
            read_flaw(text)
        for text in self.quirks:
            read_quirk(text)
        for where, rate in self.fail_rate.items():
            read_rate(where, rate)

    def overridden(self, values: Any) -> "Switches":
        """These switches with some changed.

        Raises `ValueError` for an unknown switch and for a position that it does not have.
        """
        if not isinstance(values, dict):
            raise ValueError("switches must be a JSON object")  # noqa: TRY004 - one kind of error
        known = {switch.name for switch in fields(self)}
        if unknown := set(values) - known:
            raise ValueError(f"no such switch: {', '.join(sorted(unknown))}")
        for name, value in values.items():
            if not _fits(name, value):
                raise ValueError(f"the switch {name} has no position {value!r}")
        return replace(self, **{name: _as_held(value) for name, value in values.items()})


def _fits(name: str, value: Any) -> bool:
    positions = get_args(get_type_hints(Switches)[name])
    default = getattr(Switches(), name)
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if isinstance(default, dict):
        _, kind = positions
        fitting = (int, float) if kind is float else (kind,)
        return isinstance(value, dict) and all(type(item) in fitting for item in value.values())
    if positions:
        return value in positions
    return type(value) is type(default) or (isinstance(default, float) and type(value) is int)


def _as_held(value: Any) -> Any:
    """Convert lists from JSON to tuples for switches that are tuples."""
    return tuple(value) if isinstance(value, list) else value
