"""Models that are routers: which catalog models they pick (openrouter.md §A2.2, §A2.3).

The request's preferences filter the models they pick from: documented, and a switch. If no rule
is documented, a pick is random by the request's seed; a conversation with an explicit session
keeps its pick.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any

from .ask import Ask
from .catalog import Catalog, Model
from .naming import ROUTERS, Candidate
from .ordering import ordered
from .refusals import Refusal
from .routing import filtered
from .sessions import Sessions

_MILLION = Decimal(1_000_000)
_LAST_JUDGE = "openai/gpt-4o-mini"
_NONE_LEFT = "No models match your request and model restrictions"

Judge = Callable[[Ask, str], bool]  # asks a model to judge; False if no host may serve it


@dataclass(frozen=True, slots=True)
class Choice:
    """The models that may answer, with routers replaced by their picks."""

    candidates: tuple[Candidate, ...]
    pipeline: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Picker:
    """One router for one request."""

    ask: Ask
    router: Candidate
    catalog: Catalog
    random: Random
    judge: Judge
    again: str | None  # its earlier pick for this conversation

    @property
    def plugin(self) -> Mapping[str, Any]:
        """The plugin configuration of this router."""
        name, _ = ROUTERS[self.router.model.id]
        return self.ask.plugin(name) or {}

    @property
    def pool(self) -> list[Model]:
        """Every model that produces text and can serve the request."""
        text = [model for model in self.catalog.models if "text" in model.outputs]
        own = [model for model in text if model.stands_for is None and model.id not in ROUTERS]
        return self.fitting([model for model in own if not model.id.endswith(":free")])

    def fitting(self, models: Iterable[Model]) -> list[Model]:
        """The models with an endpoint that satisfies the request's preferences."""
        ask = self.ask
        if not ask.switches.candidates_inherit:
            ask = replace(ask, body={**ask.body, "provider": None})
        return [model for model in models if can_serve(ask, replace(self.router, model=model))]


def can_serve(ask: Ask, candidate: Candidate) -> bool:
    """Whether any endpoint of a model is left after all filters."""
    try:
        ordered(filtered(ask, candidate), Random(0), None)  # noqa: S311 - the order is not used
    except Refusal:
        return False
    return True


def chosen(ask: Ask, catalog: Catalog, sessions: Sessions, random: Random, judge: Judge) -> Choice:
    """Replace a router among the candidates by its picks. Raises a 404 if it finds none."""
    place = next((n for n, each in enumerate(ask.candidates) if each.is_router), None)
    if place is None:
        return Choice(ask.candidates)
    router, others = ask.candidates[place], ask.candidates[place + 1 :]
    slug = router.model.id
    again = sessions.picked(ask, slug)
    picker = Picker(ask.standing_for(router), router, catalog, random, judge, again)
    models, pipeline = _PICKS[slug](picker, others)
    if not models:
        raise Refusal(404, _NONE_LEFT)
    sessions.remember_pick(ask, slug, models[0].id)
    panel = _panel(picker) if ROUTERS[slug][1] == "fusion" else ()
    picked = [replace(router, model=model, why="picked", panel=panel) for model in models]
    own = slug == "nvidia/switchyard"  # which picks from `models`
    after = () if own else others
    return Choice((*ask.candidates[:place], *picked, *after), pipeline)


# --- each router's way ------------------------------------------------------------------------

Picks = tuple[list[Model], tuple[dict[str, Any], ...]]


def _auto(picker: Picker, _others: Sequence[Candidate]) -> Picks:
    pool = picker.pool
    if allowed := _patterns(picker.plugin, "allowed_models"):
        pool = [model for model in pool if _matches(model, allowed)]
    return _one(picker, _without_excluded(picker, pool)), ()


def _free(picker: Picker, _others: Sequence[Candidate]) -> Picks:
    free = [model for model in picker.catalog.models if model.rows and _costs_nothing(model)]
    return _one(picker, picker.fitting(free)), ()


def _pareto(picker: Picker, _others: Sequence[Candidate]) -> Picks:
    """The cheapest model above the requested score, and two fallbacks."""
    score, cap = _number(picker, "min_coding_score"), _number(picker, "max_price")
    good = [m for m in picker.pool if score is None or m.hidden.get("coding", 1) >= score]
    cheap = [m for m in good if cap is None or float(_price(m) * _MILLION) <= cap]
    return sorted(cheap, key=_price)[:3], ()


def _fusion(picker: Picker, _others: Sequence[Candidate]) -> Picks:
    """The analyst, which answers after the panel; by default its first model."""
    named = picker.plugin.get("model") or next(iter(_panel(picker)), None)
    model = picker.catalog.find(str(named))
    if model is not None and model.stands_for:
        model = picker.catalog.find(model.stands_for)
    return picker.fitting([model] if model else []), ()


def _bodybuilder(picker: Picker, _others: Sequence[Candidate]) -> Picks:
    return _one(picker, picker.pool), ()


def _jev(picker: Picker, _others: Sequence[Candidate]) -> Picks:
    """Ignore an include list that matches nothing, but never an exclude list."""
    pool = picker.pool
    include = _patterns(picker.plugin, "models") + _patterns(picker.plugin, "allowed_models")
    matching = [model for model in pool if _matches(model, include)]
    left = _without_excluded(picker, matching or pool)
    models = _one(picker, left)
    told = {
        "resolved_models": [model.id for model in models],
        "candidates": [model.id for model in left],
        "reason": "simulated",
        "advisor_model": None,
    }
    return models, (_told("jev-router", told),)


def _switchyard(picker: Picker, others: Sequence[Candidate]) -> Picks:
    """Ask a judge, then pick one of `models`; the rest are its fallbacks."""
    if any(each.strategy == "latest" for each in others):
        raise Refusal(400, "models: ~latest aliases can not be used with nvidia/switchyard")
    pool = picker.fitting([each.model for each in others]) if others else picker.pool
    if not pool:
        return [], ()
    asked, default = picker.plugin.get("judge_model"), picker.ask.switches.switchyard_judge
    judges = dict.fromkeys(str(name) for name in (asked, default, _LAST_JUDGE) if name)
    judged = next((name for name in judges if picker.judge(picker.ask, name)), None)
    first = _one(picker, pool)
    rest = [model for model in pool if model not in first] if others else []
    told = {
        "resolved_to": first[0].id,
        "fallback_models": [model.id for model in rest],
        "strategy": "judge" if judged else "random",
        "judge_ms": 40 if judged else 0,
        "route_ms": 2,
    }
    return [*first, *rest], (_told("switchyard-router", told),)


_PICKS: dict[str, Callable[[Picker, Sequence[Candidate]], Picks]] = {
    "openrouter/auto": _auto,
    "openrouter/auto-beta": _auto,
    "openrouter/free": _free,
    "openrouter/pareto-code": _pareto,
    "openrouter/fusion": _fusion,
    "openrouter/fusion-flash": _fusion,
    "openrouter/bodybuilder": _bodybuilder,
    "typesafe/jev-router": _jev,
    "nvidia/switchyard": _switchyard,
}


def _panel(picker: Picker) -> tuple[str, ...]:
    named = picker.plugin.get("analysis_models")
    return panel_of(named, picker.catalog, picker.ask)


def panel_of(named: Any, catalog: Catalog, ask: Ask) -> tuple[str, ...]:
    """The models of a fusion's panel: those named, else the default ones that are offered.

    OpenRouter chooses its default panel; if the catalog has none of it, three others are used.
    """
    if isinstance(named, list) and named:
        return tuple(str(name) for name in named)
    offered = tuple(name for name in ask.switches.default_panel if catalog.find(name))
    text = (model.id for model in catalog.models if "text" in model.outputs and model.rows)
    return offered or tuple(text)[:3]


def _told(name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": "plugin", "name": name, "data": data}


def _one(picker: Picker, models: Sequence[Model]) -> list[Model]:
    """A random model, or the earlier pick for this conversation."""
    kept = [model for model in models if model.id == picker.again]
    return kept or ([picker.random.choice(models)] if models else [])


def _without_excluded(picker: Picker, models: Sequence[Model]) -> list[Model]:
    excluded = _patterns(picker.plugin, "excluded_models")
    return [model for model in models if not _matches(model, excluded)]


def _patterns(plugin: Mapping[str, Any], name: str) -> list[str]:
    listed = plugin.get(name)
    return [str(each) for each in listed] if isinstance(listed, list) else []


def _matches(model: Model, patterns: Iterable[str]) -> bool:
    return any(_reads(pattern, name) for pattern in patterns for name in _names(model))


def _names(model: Model) -> Iterator[str]:
    yield model.id
    yield model.canonical


def _reads(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern, in which `*` matches any text."""
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), name) is not None


def _number(picker: Picker, name: str) -> float | None:
    value = picker.plugin.get(name)
    return value if isinstance(value, int | float) else None


def _costs_nothing(model: Model) -> bool:
    return all(not row.price("prompt") and not row.price("completion") for row in model.rows)


def _price(model: Model) -> Decimal:
    """The prompt price of the cheapest endpoint, in USD per token."""
    return min(row.price("prompt") for row in model.rows)
