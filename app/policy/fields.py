"""The fields of OpenRouter's `provider` object: a row each. PURE.

A new field is a row here. Anything that the row can't express is a function: a filter
(`filters.py`), a negative control, a way out (`forecast/ways.py`), a spelling to put right
(`importing/mending.py`); `tests/policy/test_fields.py` holds each of these tables to this one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from . import meets

# The shape of a value; `file/schema.py` has how each is read.
Shape = Literal[
    "tags",
    "labels",
    "flag",
    "data_policy",
    "prices",
    "sort",
    "throughput",
    "latency",
    "options",
]
# judged: an answer can show it, by its provider, the provider's listed endpoints and the bill;
# unseen: an upstream filter that no answer shows; wish: it orders hosts and excludes none.
Showing = Literal["judged", "unseen", "wish"]
Meet = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of the `provider` object."""

    shape: Shape
    help: str
    showing: Showing
    meet: Meet | None = None  # of the policy's value and the caller's; None: not met by itself
    why: str  # why a caller's value is not sent unchanged, under `merge: tighten`
    binds_at: object = True  # of an unseen one: the value that bars endpoints
    harmless: object = False  # the value that bars none
    by_key: bool = False  # each key of its value is held by itself
    untestable: str = ""  # why no request could show that OpenRouter enforces it


_KEYS_WIN = "the policy's keys take precedence"
_ORDERS_ONLY = "a preference: it orders endpoints and excludes none"

# In the order in which they are sent: OpenRouter's response cache counts key order.
FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "only": Field(
            shape="tags",
            help="The only providers or tags that may serve.",
            showing="judged",
            why="only entries in both lists may serve",
        ),
        "order": Field(
            shape="tags",
            help="Providers or tags to try first, in this order.",
            showing="wish",  # but with `allow_fallbacks: false` nothing may leave it: then judged
            why="the policy's order applies, limited by `only` and `ignore`",
            untestable="a preference: endpoints not listed in it may serve too",
        ),
        "quantizations": Field(
            shape="labels",
            help="Only endpoints with these labels; `unknown` only if listed.",
            showing="judged",
            meet=meets.shared,
            why="only labels in both lists may serve",
        ),
        "ignore": Field(
            shape="tags",
            help="Providers or tags that never serve.",
            showing="judged",
            meet=meets.united,
            why="the entries of both lists are ignored",
        ),
        "max_price": Field(
            shape="prices",
            help="Only endpoints whose list prices are not higher.",
            showing="judged",  # for input and output; its other keys are unseen
            meet=meets.lower_prices,
            why="the lower of the two prices applies",
            by_key=True,
        ),
        "zdr": Field(
            shape="flag",
            help="true: only endpoints with zero data retention.",
            showing="unseen",
            meet=meets.either,
            why="true takes precedence",
        ),
        "require_parameters": Field(
            shape="flag",
            help="true: only endpoints that support every parameter of the request.",
            showing="unseen",
            meet=meets.either,
            why="true takes precedence",
        ),
        "enforce_distillable_text": Field(
            shape="flag",
            help="true: only models whose author lets their text train others.",
            showing="unseen",
            meet=meets.either,
            why="true takes precedence",
            untestable="no public list shows which models' text may train others",
        ),
        "allow_fallbacks": Field(
            shape="flag",
            help="false: only what `order` lists, or only the one best endpoint.",
            showing="unseen",  # without an order: answers don't show which endpoint was best
            meet=meets.both,
            why="false takes precedence",
            binds_at=False,
            harmless=True,
            untestable="it only narrows an `order`, and is tested with one",
        ),
        "data_collection": Field(
            shape="data_policy",
            help="deny: only endpoints that neither keep prompts nor train on them.",
            showing="unseen",
            meet=meets.deny_wins,
            why="deny takes precedence",
            binds_at="deny",
            harmless="allow",
            untestable="no public list shows which endpoints collect data",
        ),
        "sort": Field(
            shape="sort",
            help="Try endpoints in this order rather than spreading the load; not beside `order`.",
            showing="wish",
            meet=meets.ours_wins,
            why="the policy's `sort` or `order` takes precedence, and OpenRouter ignores a `sort` "
            "beside an `order`",
            untestable=_ORDERS_ONLY,
        ),
        "preferred_min_throughput": Field(
            shape="throughput",
            help="Endpoints slower than this, in tokens per second, come last.",
            showing="wish",
            meet=meets.over,
            why=_KEYS_WIN,
            by_key=True,
            untestable=_ORDERS_ONLY,
        ),
        "preferred_max_latency": Field(
            shape="latency",
            help="Endpoints that take longer, in seconds, come last.",
            showing="wish",
            meet=meets.over,
            why=_KEYS_WIN,
            by_key=True,
            untestable=_ORDERS_ONLY,
        ),
        "options": Field(
            shape="options",
            help="Options passed on to the named provider if it serves.",
            showing="wish",
            meet=meets.by_provider,
            why=_KEYS_WIN,
            by_key=True,
            untestable="it is passed on to the provider and excludes none",
        ),
    }
)
MEETS: Mapping[str, Meet] = {name: row.meet for name, row in FIELDS.items() if row.meet}
BY_KEY = frozenset(name for name, row in FIELDS.items() if row.by_key)
