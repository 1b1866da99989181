"""The simulator's catalog: a file with models and endpoints in OpenRouter's own shapes.

`{"format": 1, "models": [<item of GET /models> with "endpoints": [<row>, ...]]}`. A key
`_simulator` in addition to the public keys contains facts that no listing shows: on a model
`distillable`, `reasons` (true; "default" if a request can turn it off, "asked" if only on request)
and `seals` (the format of its sealed reasoning), on a row `trains`, `zdr`,
`regional_surcharge`, `defects` and `quirks`. A model with an `alias_target` has its target's rows
and none of its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parent / "catalog.json"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIERS = frozenset({"priority", "flex", "ultrafast"})


@dataclass(frozen=True, eq=False)
class Row:
    """One endpoint; compared by identity, since two rows may look the same."""

    listed: Mapping[str, Any]
    hidden: Mapping[str, Any]
    model: "Model"

    @property
    def tag(self) -> str:
        """The routing slug; not unique."""
        return str(self.listed["tag"])

    @property
    def provider(self) -> str:
        """The provider's slug."""
        return self.tag.split("/", maxsplit=1)[0]

    @property
    def name(self) -> str:
        """The provider's display name."""
        return str(self.listed["provider_name"])

    @property
    def quantization(self) -> str | None:
        """The listed quantization label."""
        return self.listed.get("quantization")

    @property
    def tier(self) -> str | None:
        """The service tier it belongs to, if any."""
        last = self.tag.rsplit("/", maxsplit=1)[-1]
        return self.listed.get("service_tier") or (last if last in TIERS else None)

    @property
    def parameters(self) -> frozenset[str]:
        """The request parameters it supports."""
        return frozenset(self.listed.get("supported_parameters") or ())

    @property
    def _prices(self) -> Mapping[str, Any]:
        """The listed prices; may be empty."""
        return self.listed.get("pricing") or {}

    @property
    def caches_by_itself(self) -> bool:
        """Whether it caches prompts without being asked to; true if the listing omits it."""
        return bool(self.listed.get("supports_implicit_caching", True))

    @property
    def takes_markers(self) -> bool:
        """Whether it caches up to the markers of a request: it has a price for cache writes."""
        return bool(self.price("input_cache_write"))

    def takes_tool_choice(self, kind: str) -> bool:
        """Whether it supports this kind of `tool_choice`; true if the listing omits it."""
        return bool((self.listed.get("supports_tool_choice") or {}).get(kind, True))

    def price(self, name: str) -> Decimal:
        """USD per token (or per unit); 0 if no price is listed."""
        return Decimal(str(self._prices.get(name) or 0))

    def price_at(self, name: str, *, prompt_tokens: int, now: datetime) -> Decimal:
        """The price for one request: the last override that applies, else the listed price."""
        applying = [
            override[name]
            for override in self._prices.get("overrides") or ()
            if name in override and _applies(override, prompt_tokens, now)
        ]
        return Decimal(str(applying[-1])) if applying else self.price(name)

    def percentile(self, figure: str, at: str = "p50") -> float | None:
        """A listed latency (ms) or throughput (tokens/s)."""
        return (self.listed.get(f"{figure}_last_30m") or {}).get(at)


@dataclass(frozen=True, eq=False)
class Model:
    """One model and its rows."""

    listed: Mapping[str, Any]
    hidden: Mapping[str, Any]
    rows: list[Row]

    @property
    def id(self) -> str:
        """The model's slug."""
        return str(self.listed["id"])

    @property
    def canonical(self) -> str:
        """The dated slug, which answers contain."""
        return str(self.listed["canonical_slug"])

    @property
    def stands_for(self) -> str | None:
        """The target model, if this is `~author/family-latest` (openrouter.md §A6)."""
        target = self.listed.get("alias_target")
        return target["slug"] if isinstance(target, dict) else target

    @property
    def outputs(self) -> list[str]:
        """Its output modalities: text, embeddings."""
        outputs: list[str] = self.listed["architecture"]["output_modalities"]
        return outputs


def _applies(override: Mapping[str, Any], prompt_tokens: int, now: datetime) -> bool:
    """Whether all conditions of a price override hold (openrouter.md §5.3); times are HHMM, UTC."""
    days = override.get("utc_days")
    if days is not None and _DAYS[now.weekday()] not in days:
        return False
    if prompt_tokens <= override.get("min_prompt_tokens", -1):
        return False
    start, end = override.get("utc_start"), override.get("utc_end")
    if start is None or end is None:
        return True
    minute = now.hour * 100 + now.minute
    return bool(start <= minute < end if start < end else minute >= start or minute < end)


class Catalog:
    """All models, looked up by id, canonical slug, or either with dots instead of dashes."""

    def __init__(self, models: list[dict[str, Any]]) -> None:
        self.models = [_model(listed) for listed in models]
        self._by_name: dict[str, Model] = {}
        for model in self.models:
            for name in (model.id, model.canonical, model.id.replace(".", "-")):
                self._by_name.setdefault(name, model)
        for model in self.models:
            if model.stands_for and (target := self.find(model.stands_for)):
                model.rows[:] = target.rows

    @classmethod
    def read(cls, path: Path | None) -> "Catalog":
        """The catalog in a file, the shipped one by default."""
        return cls(json.loads((path or SHIPPED).read_text(encoding="utf-8"))["models"])

    def find(self, name: str) -> Model | None:
        """A model by any of its names."""
        return self._by_name.get(name)

    def providers(self) -> dict[str, str]:
        """Display names by slug."""
        return {row.provider: row.name for model in self.models for row in model.rows}


def _model(item: dict[str, Any]) -> Model:
    listed = {key: value for key, value in item.items() if key not in {"endpoints", "_simulator"}}
    model = Model(listed, item.get("_simulator", {}), [])
    for row in item.get("endpoints", ()):
        public = {key: value for key, value in row.items() if key != "_simulator"}
        model.rows.append(Row(public, row.get("_simulator", {}), model))
    return model
