"""`max_request_usd`: a request that could cost more is refused, or its answer is limited. PURE.

Rule 1  What a request could cost is an upper bound by the listed prices: see `request_cost.py` and
        `prompt_size.py`. It holds for every endpoint that policy and request leave, of every model
        that may answer.
Rule 2  What can't be bounded is refused: no listing, a price that is not listed, a model that is
        chosen upstream, a search whose fee no listing has.
Rule 3  OpenRouter's own tools run in a loop. A `max_cost` in `stop_server_tools_when` bounds it,
        and counts like money already spent (openrouter.md §A9).
Rule 4  `clamp` lowers the limit of the answer to what the cap leaves, or sets one; nothing else in
        the body changes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace as changed

from ..catalog.catalog import Catalog, is_fresh
from ..catalog.endpoint import Endpoint
from ..catalog.model import Model
from ..errors import RequestCostUnknown, RequestTooExpensive
from ..exact_numbers import dollars_told, exact, plainly
from .apply import Outgoing
from .filters import Asked
from .overruled import Overruled
from .presets import models_of
from .prompt_size import Size, size_of
from .request import UNREADABLE, Request, is_given
from .request_cost import Bound, bound_at, dearest, limits, most_output, still_allowed
from .requirements import needs_of
from .route import Cap
from .routed import Routed
from .slices import Fields, edit, split
from .slug import read_slug

KEY = "max_request_usd"


@dataclass(frozen=True, slots=True)
class Words:
    """How one API limits an answer: by which fields, and to how many tokens at least."""

    limits: tuple[str, ...] = ()  # the first is set if none is there; none: answers have no tokens
    least: int = 1
    several: str | None = None  # the field that takes a list of prompts, each with its own answer


# The APIs whose requests are charged by tokens alone, so that their cost can be bounded.
WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "chat": Words(("max_tokens", "max_completion_tokens")),
        "completions": Words(("max_tokens", "max_completion_tokens"), several="prompt"),
        "responses": Words(("max_output_tokens",), least=16),  # OpenAI's least (openrouter.md §A10)
        "messages": Words(("max_tokens",)),
        "embeddings": Words(several="input"),
    }
)
# Plugins that neither run a model of their own nor fetch anything.
_FREE = frozenset({"plugins.response-healing", "plugins.context-compression", "plugins.moderation"})


class Listed(NamedTuple):
    """One model that may answer, with its endpoints; None: no fresh listing."""

    name: str
    rows: tuple[Endpoint, ...] | None
    model: Model | None


Market = tuple[Listed, ...]  # all prices that matter to one request


class Capped(NamedTuple):
    """A request within its cap: the most that it costs, and where."""

    cap: Cap
    bound: Bound | None = None  # None: no endpoint is left to serve it, or it can't be told
    tools_usd: Decimal = Decimal(0)  # for OpenRouter's own tools
    limit: int | None = None  # set for the answer, in place of the request's own


def models_reached(by: Routed) -> tuple[str, ...]:
    """The models that may answer a request, under the names that are sent upstream."""
    brought = models_of(by.request, by.presets)
    named = (
        name
        for name in by.route.names_sent(by.request.models)
        if not (brought and read_slug(name).base.startswith("@preset/"))
    )
    return tuple(dict.fromkeys((*named, *brought)))


def market_of(names: Iterable[str], catalog: Catalog, *, now: float) -> Market:
    """What a catalog knows of these models; `now` in seconds since the epoch."""
    found: list[Listed] = []
    for name in names:
        listing = catalog.listing(name)
        rows = listing.endpoints if listing is not None and is_fresh(listing, now) else None
        found.append(Listed(name, rows or None, catalog.model(name)))
    return tuple(found)


def capped(outgoing: Outgoing, by: Routed, dialect: str, market: Market) -> tuple[Outgoing, Capped]:
    """The request within the cap of its route, and the most that it costs.

    Raises `RequestTooExpensive` if it could cost more, and `RequestCostUnknown` if that can't be
    told.
    """
    cap = by.route.cap
    if cap is None:
        raise ValueError("the route has no cap")
    words = WORDS.get(dialect)
    if words is None:
        return _not_counted(outgoing, by, cap, dialect)
    tools = _tools_usd(by, cap)
    fields = by.sent.fields
    size = size_of(fields, words.several)
    if by.presets:  # whose own instructions can be long
        size = size._replace(prompt=None)
    if size.has_files:
        _must_take_files(market, cap)
    asked = _asked(outgoing, by.sent, words)
    bound = _dearest(market, asked, cap, size, max(_limits(fields, words), default=None))
    if bound is None or (bound.usd is not None and bound.usd + tools <= cap.usd):
        return outgoing, Capped(cap, bound, tools)
    if bound.usd is None:
        raise RequestCostUnknown(
            f"{_allows(cap)}, and what this one could cost at {_at(bound)} is not known: "
            f"{bound.why}; exclude this endpoint, for instance by `ignore`"
        )
    asked = replace(asked, needs=replace(asked.needs, max_tokens=0))  # a lower one lets more serve
    most = _most(market, asked, cap, size, cap.usd - tools)
    least = max(words.least, _thinking(fields) + 1)
    could = bound.usd + tools
    if not cap.clamp or not words.limits or most < least:
        more = f", ${plainly(tools)} for OpenRouter's own tools" if tools else ""
        raise RequestTooExpensive(
            f"{_allows(cap)}, and this one could cost {dollars_told(could, up=True)} "
            f"at {_at(bound)}: {bound}{more}; {_remedy(bound, words, most, least)}"
        )
    why = f"{KEY}: it could have cost {dollars_told(could, up=True)} at {_at(bound)}"
    limited = _limited(
        outgoing, fields, words, most, Overruled("", None, most, cap.clause.rule, why)
    )
    return limited, Capped(cap, _dearest(market, asked, cap, size, most), tools, most)


# --- where it may be served -------------------------------------------------------------------


def _asked(outgoing: Outgoing, sent: Request, words: Words) -> Asked:
    """The constraints of the request; of several limits, the one that excludes the fewest."""
    limit = min(_limits(sent.fields, words), default=0)
    return Asked(
        preferences=outgoing.preferences or {},
        needs=replace(needs_of(sent), max_tokens=limit),
    )


def _endpoints(market: Market, asked: Asked, cap: Cap) -> list[tuple[str, Endpoint]]:
    """Every endpoint that may serve, with its model."""
    found: list[tuple[str, Endpoint]] = []
    for listed in market:
        if listed.rows is None:
            raise RequestCostUnknown(
                f"{_allows(cap)}, and what one of {listed.name} could cost is not known: "
                "there is no listing of its endpoints and prices (for a router, which chooses the "
                "model itself, there never is); repeat the request, or name another model"
            )
        own = replace(asked, variants=read_slug(listed.name).variants, model=listed.model)
        found += [(listed.name, row) for row in still_allowed(listed.rows, own)]
    return found


def _dearest(market: Market, asked: Asked, cap: Cap, size: Size, limit: int | None) -> Bound | None:
    """The highest bound of all endpoints that may serve, with this limit of the answer."""
    left = _endpoints(market, asked, cap)
    return dearest(bound_at(name, row, size, limit) for name, row in left)


def _most(market: Market, asked: Asked, cap: Cap, size: Size, usd: Decimal) -> int:
    """The highest limit of the answer with which no endpoint costs more than `usd`."""
    found = (most_output(row, size, usd) for _, row in _endpoints(market, asked, cap))
    return min((each for each in found if each is not None), default=0)


def _must_take_files(market: Market, cap: Cap) -> None:
    """Raise `RequestCostUnknown` if a model may answer for which OpenRouter would parse files."""
    for listed in market:
        if listed.model is None or "file" not in (listed.model.inputs or ()):
            raise RequestCostUnknown(
                f"{_allows(cap)}, and this one has a file, which {listed.name} is not known to "
                "take itself: OpenRouter then parses it, for a fee that no listing shows; send its "
                "text, or name a model that takes files"
            )


# --- OpenRouter's own tools -------------------------------------------------------------------


def _tools_usd(by: Routed, cap: Cap) -> Decimal:
    """What OpenRouter's own tools may cost. Raises `RequestCostUnknown` if nothing bounds that."""
    fields = by.sent.fields
    unbounded = next(_beside_the_loop(by), None)
    if unbounded:
        raise RequestCostUnknown(
            f"{_allows(cap)}, and this one has {unbounded}, whose cost no listing shows; remove it "
            "from the request, or write it under `strip` in the rule"
        )
    if not by.carried.server_tools and not by.carried.inner:
        return Decimal(0)
    most = _max_cost(fields.get("stop_server_tools_when"))
    if most is None:
        carriers = ", ".join(by.carried.carriers[:3]) or "tools"
        raise RequestCostUnknown(
            f"{_allows(cap)}, and OpenRouter's own tools ({carriers}) can cost any amount; bound "
            "them in the rule or the request: `set: {stop_server_tools_when: "
            f"[{{type: max_cost, max_cost_in_dollars: {plainly(cap.usd / 2)}}}]}}`"
        )
    return most


def _beside_the_loop(by: Routed) -> Iterator[str]:
    """What costs extra and is not in the loop of tools that `stop_server_tools_when` ends."""
    if by.route.online:
        yield "a model with `:online`, which searches the web"
    for carrier in by.carried.carriers:
        if carrier in _FREE:
            continue
        if carrier.startswith("plugins") or carrier == "mcp_servers":
            yield f"`{carrier}`"
    if is_given(by.sent.fields.get("web_search_options")):
        yield "`web_search_options`"


def _max_cost(raw: msgspec.Raw | None) -> Decimal | None:
    """The lowest `max_cost` of the conditions, which end the loop as soon as one of them holds."""
    try:
        conditions = msgspec.json.decode(raw) if raw else None
    except UNREADABLE:
        conditions = None
    found = [
        amount
        for each in (conditions if isinstance(conditions, list) else ())
        if isinstance(each, dict) and each.get("type") == "max_cost"
        if (amount := _amount(each.get("max_cost_in_dollars"))) is not None
    ]
    return min(found, default=None)


def _amount(value: Any) -> Decimal | None:
    number = exact(value) if type(value) in {int, float} else None
    return number if number is not None and number >= 0 else None


# --- the limit of an answer -------------------------------------------------------------------


def _limits(fields: Fields, words: Words) -> list[int]:
    """The limits that a request sets in the words of its API.

    None if one of them can't be read: it may be the one that counts.
    """
    given = [name for name in words.limits if is_given(fields.get(name))]
    values = [_read(fields[name]) for name in given]
    return values if all(type(each) is int and each > 0 for each in values) else []


def _thinking(fields: Fields) -> int:
    """The tokens of thought that a request asks for: an answer's limit must be above them."""
    budgets = [
        value.get(key)
        for name, key in (("thinking", "budget_tokens"), ("reasoning", "max_tokens"))
        if isinstance(value := _read(fields.get(name)), dict)
    ]
    return max((each for each in budgets if type(each) is int and each > 0), default=0)


def _read(raw: msgspec.Raw | None) -> Any:
    try:
        return None if raw is None else msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def _limited(
    outgoing: Outgoing, fields: Fields, words: Words, most: int, lost: Overruled
) -> Outgoing:
    """The request with its answer limited to so many tokens; `lost` says why."""
    body, there = split(outgoing.body)
    given = [name for name in words.limits if is_given(fields.get(name))]
    too_high = [name for name in given if not _is_within(_read(fields[name]), most)]
    names = too_high or ([] if given else [words.limits[0]])
    told = (replace(lost, field=name, asked=_read(fields.get(name))) for name in names)
    return changed(
        outgoing,
        body=edit(body, there, dict.fromkeys(names, b"%d" % most)),
        overruled=(*outgoing.overruled, *told),
        changed=tuple(dict.fromkeys((*outgoing.changed, *names))),
    )


def _is_within(value: Any, most: int) -> bool:
    return type(value) is int and 0 < value <= most


# --- words ------------------------------------------------------------------------------------


def _allows(cap: Cap) -> str:
    return f"{cap.clause} allows ${plainly(cap.usd)} for one request ({KEY})"


def _at(bound: Bound) -> str:
    return f"{bound.endpoint.tag} for {bound.model}"


def _remedy(bound: Bound, words: Words, most: int, least: int) -> str:
    if not words.limits:
        return "shorten the input"
    word = words.limits[0]
    if most >= least:
        return f"set `{word}` to {most} or less, or `clamp: true` in the rule to have it set"
    if not limits(bound.endpoint):
        return f"this endpoint does not support `{word}`; exclude it, for instance by `ignore`"
    if most >= words.least:
        return (
            f"{most} tokens of output are left, and the request allows {least - 1} of thought "
            "alone; lower that, or shorten the prompt"
        )
    return "shorten the prompt, or exclude dear endpoints by `max_price`"


def _not_counted(outgoing: Outgoing, by: Routed, cap: Cap, dialect: str) -> tuple[Outgoing, Capped]:
    """A request of an API whose requests are not charged by tokens."""
    if by.route.routes == "refuse":
        raise RequestCostUnknown(
            f"{_allows(cap)}, and what one of `{dialect}` could cost is not known, since it is not "
            "charged by tokens alone; use a model without such a rule, or set `routes: pass` in "
            "the rule to send it without a cap"
        )
    why = f"what a request of `{dialect}` costs can't be bounded, and the rule has `routes: pass`"
    lost = Overruled(KEY, float(cap.usd), None, cap.clause.rule, why)
    return changed(outgoing, overruled=(*outgoing.overruled, lost)), Capped(cap)
