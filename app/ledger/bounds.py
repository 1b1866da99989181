"""Bounds: how much client and upstream data a receipt may hold. PURE.

Rule 1  A receipt within the bounds is returned unchanged, after a check of a few microseconds.
        Most receipts share their lists and objects with others, and what they take is remembered.
Rule 2  Every cut is marked. A cut text ends in an ellipsis, a cut list or object in the number of
        items left out; the reason names each number that was out of range.
Rule 3  No value is traversed beyond the bounds, however large or deep it is, but for one copy of
        it by `marshal`: a tenth of a millisecond for the largest that a request may have.
Rule 4  The names of rules are never cut: the policies choose them, not clients, and budgets and all
        figures by rule are counted from them.
"""

import marshal
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from .receipt import MONEY, Receipt

LONGEST_TEXT = 600  # characters; PostgreSQL indexes no value of more than 2704 bytes
MOST_JSON = 8_000  # characters, in all lists and objects of a receipt together
MOST_DEEP = 16  # lists and objects inside one another
MOST_WHOLE = 2**63 - 1  # what a column of whole numbers holds
MOST_USD = Decimal(MOST_WHOLE).scaleb(-12)  # as picodollars

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_MOST_STATUS = 2**31 - 1
_PICODOLLAR = Decimal(1).scaleb(-12)
_MOST_PLACES = 40  # of a cost; written out, one of 10^-999999999 would fill the memory
_ITEM = 4  # characters of JSON around each value
_MARKS = 2_000  # characters, for the last value that is kept and the mark that more is cut
_LONG_NUMBER = 2**128
_LONGEST_REMEMBERED = 2000  # bytes
_UNREFERENCED = 2  # marshal's last version that writes equal values alike

TEXTS = (
    *("caller", "user_agent", "path", "dialect", "model_asked", "alias", "model_sent", "book"),
    *("generation_id", "provider", "model_served", "verdict", "reason", "router_strategy"),
    *("cache_status", "finish_reason", "error_code", "error_message", "ending", "session"),
    *("native_finish_reason", "service_tier", "region", "unread", "response_format"),
    *("session_source", "subagent", "pinned_to", "pin_reason", "affinity", "listing", "audit"),
    "cost_source",
)
NESTED = (  # where not all of them fit, the last ones are cut
    *("quantizations_listed", "evidence", "attempts", "defects", "modalities"),
    *("preferences_sent", "overruled", "explanation", "token_prices"),
)
WHOLES = (
    *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens"),
    *("reasoning_tokens", "tool_calls", "max_tokens_asked", "context_tokens", "tools_offered"),
    *("bytes_in", "bytes_out", "status"),
)
REALS = ("ttfb_ms", "ttft_ms", "duration_ms", "tokens_per_second")

_texts, _nested = attrgetter(*TEXTS), attrgetter(*NESTED)
_wholes, _reals = attrgetter(*WHOLES), attrgetter(*REALS)
_money = attrgetter(*MONEY)


def bounded(receipt: Receipt) -> Receipt:
    """Return the receipt, with oversized values cut down to what a ledger keeps."""
    if _fits(receipt):
        return receipt  # nearly always
    changed: dict[str, Any] = {
        name: cut(text)
        for name, text in zip(TEXTS, _texts(receipt), strict=True)
        if text is not None
    }
    nested = _nested(receipt)
    if _left(nested, MOST_JSON) < 0:
        knife = _Knife(MOST_JSON - _MARKS)
        changed |= {name: knife.cut(value, 1) for name, value in zip(NESTED, nested, strict=True)}
    odd = _numbers(receipt)
    if odd:
        note = f"{', '.join(odd)} out of range; the nearest possible value was stored"
        reason = receipt.reason or ""
        before = f"{cut(reason, LONGEST_TEXT - len(note) - 2)}; " if reason else ""
        changed |= {**odd, "reason": before + note}
    return replace(receipt, **changed)


def weight_of(receipt: Receipt) -> int:
    """Estimate the bytes of memory that a bounded receipt takes, rather too high than too low."""
    letters = sum(map(len, filter(None, _texts(receipt)))) + sum(map(len, receipt.rules))
    left = _room(_nested(receipt))
    return 2_000 + 4 * (letters + MOST_JSON - max(left, 0))


def _fits(receipt: Receipt) -> bool:
    """Return whether nothing has to be cut; sums are quicker to check than their parts."""
    texts = list(filter(None, _texts(receipt)))
    if sum(map(len, texts)) > LONGEST_TEXT and max(map(len, texts)) > LONGEST_TEXT:
        return False
    if sum(map(abs, filter(None, _wholes(receipt)))) > MOST_WHOLE:
        return False
    if abs(receipt.status or 0) > _MOST_STATUS:
        return False
    if not isfinite(sum(filter(None, _reals(receipt)))):
        return False
    for cost in _money(receipt):
        if cost is not None and not _is_usual(cost):
            return False
    return _room(_nested(receipt)) >= 0


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """Cut a text to at most `longest` characters; a text that was cut ends in an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + ELLIPSIS


def is_cut(value: Any) -> bool:
    """Return whether a list or an object has lost items that did not fit."""
    if isinstance(value, Mapping):
        return ELLIPSIS in value or any(map(is_cut, value.values()))
    if isinstance(value, list | tuple):
        return any(map(is_cut, value))
    return isinstance(value, str) and ELLIPSIS in {value[:1], value[-1:]}


def _room(nested: tuple[Any, ...]) -> int:
    """Return what the lists and objects of a receipt leave free of `MOST_JSON`."""
    try:
        exact = marshal.dumps(nested, _UNREFERENCED)
    except ValueError:  # not of plain types throughout, or too deep
        return _left(nested, MOST_JSON)
    return _room_of(exact) if len(exact) <= _LONGEST_REMEMBERED else _left(nested, MOST_JSON)


@lru_cache(maxsize=1024)
def _room_of(exact: bytes) -> int:
    return _left(marshal.loads(exact), MOST_JSON)  # noqa: S302 - our own bytes


def _left(value: Any, left: int, depth: int = 0) -> int:
    """Return how much of `left` characters a value leaves free; negative if it does not fit."""
    kind = type(value)
    if kind is dict or kind is list or kind is tuple:
        if depth > MOST_DEEP:
            return -1
        left -= _ITEM
        for each in value:
            if type(each) is str:
                left = left - len(each) - _ITEM if len(each) <= LONGEST_TEXT else -1
            elif each is None or each == ():  # of a receipt's own lists, nearly all
                left -= _ITEM
            else:
                left = _left(each, left, depth + 1)
            if kind is dict and left >= 0:
                left = _left(value[each], left, depth + 1)
            if left < 0:
                break
        return left
    if kind is str:
        return left - len(value) - _ITEM if len(value) <= LONGEST_TEXT else -1
    return left - _ITEM if _is_plain(value) else -1


def _is_plain(value: Any) -> bool:
    """Return whether the value is plain JSON: true, false, null, or a number of some 40 digits."""
    if type(value) is int:
        return -_LONG_NUMBER < value < _LONG_NUMBER
    if type(value) is float:
        return isfinite(value)
    return value is None or value is True or value is False


class _Knife:
    """Cuts values until there is no room left."""

    def __init__(self, left: int) -> None:
        self._left = left

    def cut(self, value: Any, depth: int) -> Any:
        """Return as much of a value as there is room for."""
        self._left -= _ITEM
        if isinstance(value, str):
            kept = cut(value)
            self._left -= len(kept)
            return kept
        if isinstance(value, Mapping | list | tuple) and depth > MOST_DEEP:
            return ELLIPSIS
        if isinstance(value, Mapping):
            return self._object(value, depth)
        if isinstance(value, list | tuple):
            return self._list(value, depth)
        return ELLIPSIS if isinstance(value, int | float) and not _is_plain(value) else value

    def _object(self, value: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        kept: dict[Any, Any] = {}
        for key, each in value.items():
            if self._left <= 0:
                kept[ELLIPSIS] = f"{len(value) - len(kept)} more"
                break
            kept[self.cut(key, depth)] = self.cut(each, depth + 1)
        return kept

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any] | tuple[Any, ...]:
        kept: list[Any] = []
        for each in value:
            if self._left <= 0:
                kept.append(f"{ELLIPSIS} {len(value) - len(kept)} more")
                break
            kept.append(self.cut(each, depth + 1))
        return tuple(kept) if isinstance(value, tuple) else kept


def _numbers(receipt: Receipt) -> dict[str, Any]:
    """Return the numbers that a ledger can't keep unchanged, by name, as it would keep them."""
    odd: dict[str, Any] = {}
    for name, number in zip(WHOLES, _wholes(receipt), strict=True):
        most = _MOST_STATUS if name == "status" else MOST_WHOLE
        if number is not None and not -most <= number <= most:
            odd[name] = min(max(number, -most), most)
    odd |= {
        name: None
        for name, number in zip(REALS, _reals(receipt), strict=True)
        if number is not None and not isfinite(number)
    }
    odd |= {
        name: _near(cost)
        for name, cost in zip(MONEY, _money(receipt), strict=True)
        if cost is not None and not _is_usual(cost)
    }
    return odd


def _is_usual(cost: Decimal) -> bool:
    if not cost.is_finite() or not -MOST_USD <= cost <= MOST_USD:
        return False
    return -int(cost.as_tuple().exponent) <= _MOST_PLACES


def _near(cost: Decimal) -> Decimal | None:
    return min(max(cost, -MOST_USD), MOST_USD).quantize(_PICODOLLAR) if cost.is_finite() else None
