"""Adds to upstream's routing 404 which policy line removed which endpoints.

Upstream's message stays as the first paragraph; status, code and metadata are unchanged, and so is
every byte except the message's end. Of the answers to which policies apply, this is the only one
whose body is ever changed, and only if a rule was applied to the request.

The step that upstream names comes first. If it depends on a preference that was sent, that is
named as the cause; only otherwise are the account's settings named.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import msgspec

from ...catalog.endpoint import Endpoint
from ...exact_numbers import exact
from ...wording import listed
from ..filters import FILTERS, Asked
from ..prices import listed_price
from ..rule import Clause, named
from ..sides import REQUEST, held
from .forecast import Forecast
from .routing_refusal import ACCOUNT, HIDDEN, RoutingRefusal

_MOST_TAGS = 6  # of one clause; a popular model has dozens of endpoints
_MOST_LETTERS = 80  # of one value
_SETTINGS = "the account's own settings at OpenRouter (allowed providers, privacy, guardrails)"
_MOST_LEFT = 20
_NOT_LISTED = (
    "Pointsman has not fetched the model's endpoints yet, so it can't show what removed which."
)
_FILTERS = {each.name: each for each in FILTERS}

# What a step depends on: the preferences sent, the account's settings, or unknown.
_Cause = Literal["sent", "account", "unknown"]


def explained(refusal: RoutingRefusal, sentences: Sequence[str]) -> bytes:
    """The refusal's body with a second paragraph in its message, made of those sentences."""
    return refusal.with_paragraph(f"Pointsman: {' '.join(sentences)}")


def explanation(
    refusal: RoutingRefusal, asked: Asked, found: Sequence[Forecast]
) -> tuple[str, ...]:
    """Why no endpoint was left, in sentences that name models, endpoints, rules and preferences.

    `asked` has the constraints that were sent, for any model; `found` are the forecasts of the
    models whose endpoints are known, made with the refusal's `filters`.
    """
    cause, because = _cause(refusal, asked)
    sentences = [*_step(refusal, because), *_counted(refusal)]
    for each in found:
        sentences += _told(each, cause, refusal)
    if not found:
        sentences += [f"{_asked_for(asked, asked.preferences)}.", _NOT_LISTED]
    return tuple(sentences)


# --- from upstream's answer -------------------------------------------------------------------


def _step(refusal: RoutingRefusal, because: str) -> Iterator[str]:
    if refusal.step is not None:
        yield f'OpenRouter\'s step "{refusal.step}" left no endpoint{because}.'


def _cause(refusal: RoutingRefusal, asked: Asked) -> tuple[_Cause, str]:
    """What the step depends on, and the same as the rest of a sentence."""
    filters = [_FILTERS[name] for name in refusal.filters]
    running = [each for each in filters if each.runs(asked) and not each.needs]
    needs = [name for each in filters for name in each.needs]
    if running:
        return "sent", f": {_asked_for(asked, [name for each in running for name in each.fields])}"
    if needs:
        setting = [asked.set_by[name] for name in needs if name in asked.set_by]
        keys = ", ".join(clause.key for clause in setting)
        return "sent", f": {named(setting)} has {keys}" if setting else f": {REQUEST} needs it"
    if filters or refusal.step in ACCOUNT:
        asks = "Neither the policy nor the request requires that"
        return "account", f". {asks}, so the cause is {_SETTINGS}"
    return "unknown", ""


def _counted(refusal: RoutingRefusal) -> Iterator[str]:
    """OpenRouter's own counts, and how many endpoints each step removed that no listing shows."""
    if not refusal.counts:
        return
    (_, first), *rest = refusal.counts
    line = " -> ".join((str(first), *(f"{step} {left}" for step, left in rest)))
    end = "" if refusal.counts[-1][1] == 0 else f" -> {refusal.step} 0" if refusal.step else ""
    yield f"OpenRouter counted {line}{end}."
    for (_, before), (step, left) in pairwise(refusal.counts):
        if step in HIDDEN and step != refusal.step and left < before:
            yield (
                f'OpenRouter\'s step "{step}" removed {before - left} of them; no listing '
                "shows which."
            )


def _asked_for(asked: Asked, fields: Iterable[str]) -> str:
    """The source of preferences, with their values."""
    clauses: dict[Clause, None] = {}
    own: list[str] = []
    for field in dict.fromkeys(fields):
        found = held(field, asked.preferences[field], asked.sides)
        clauses |= dict.fromkeys(found.clauses)
        own += [_value(f"provider.{field}", asked.preferences[field])] if found.request else []
    by_rule: dict[tuple[str, str], list[Clause]] = defaultdict(list)
    for clause in clauses:
        by_rule[clause.rule, clause.file].append(clause)
    said = [(named(some), [_value(c.key, c.value) for c in some]) for some in by_rule.values()]
    said += [(REQUEST, own)] if own else []
    return " and ".join(f"{source} requires {', '.join(what)}" for source, what in said)


def _value(key: str, value: Any) -> str:
    text = msgspec.json.encode(value).decode().replace('"', "")
    return f"{key}: {text[:_MOST_LETTERS]}{'...' if len(text) > _MOST_LETTERS else ''}"


# --- from the listing -------------------------------------------------------------------------

_BUT: Mapping[_Cause, str] = {
    "sent": "; the listing may be older than the data that OpenRouter used",
    "account": "",
    "unknown": f", so {_SETTINGS} or a recent change may be the cause",
}


def _told(each: Forecast, cause: _Cause, refusal: RoutingRefusal) -> Iterator[str]:
    yield f"Listed endpoints of {each.model}: {each.funnel}."
    yield from _removals(each)
    if each.way_out is not None:
        yield f"Smallest change: {each.way_out}."
    if not each.is_empty:
        left = listed((endpoint.tag for endpoint in each.funnel.survivors), _MOST_LEFT)
        yield f"According to the listing, {left} should be left{_BUT[cause]}."
        yield from _doubts(each, refusal)


def _doubts(each: Forecast, refusal: RoutingRefusal) -> Iterator[str]:
    """Why OpenRouter's result may differ from the listing."""
    named_here = [name for name in each.funnel.unsure if name in refusal.filters]
    if named_here:
        yield f"No listing shows which endpoints satisfy {', '.join(named_here)}."
    if "max_price" in refusal.filters and any(map(partial(_at_a_cap, each), each.funnel.survivors)):
        yield "OpenRouter has refused a cap that equals a list price; write slightly more."


def _at_a_cap(each: Forecast, endpoint: Endpoint) -> bool:
    caps = each.asked.caps.items()
    return any(exact(cap) == listed_price(key, endpoint) for key, cap in caps)


def _removals(each: Forecast) -> Iterator[str]:
    """One sentence for each cause that removed endpoints."""
    removed: dict[str, dict[str, None]] = defaultdict(dict)
    for drop in each.funnel.dropped:
        removed[str(drop.behind)][drop.endpoint.tag] = None
    for source, tags in removed.items():
        shown = [*tags][:_MOST_TAGS]
        more = f" and {len(tags) - len(shown)} more" if len(tags) > len(shown) else ""
        named_tags = f"{', '.join(shown)}{more}"
        yield (
            f"{source} removed {named_tags}."
            if source
            else f"Only requests that name their tag use {named_tags}."
        )
