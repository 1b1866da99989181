"""What differs between two listings of one model, as they were kept. PURE."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import msgspec

from ..exact_numbers import exact, plainly

Row = Mapping[str, Any]

_MILLION = Decimal(1_000_000)
_LONGEST = 200  # characters of one value
_PER_TOKEN = {
    "prompt": "in $/M",
    "completion": "out $/M",
    "input_cache_read": "cache read $/M",
    "input_cache_write": "cache write $/M",
}
_NAMES = {
    "quantization": "listed as",
    "context_length": "context",
    "max_completion_tokens": "answer",
    "supported_parameters": "parameters",
    "supports_tool_choice": "tool choices",
    "service_tier": "service tier",
}
_SUMMARY = ("listed as", "in $/M", "out $/M")
_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference in one endpoint."""

    tag: str
    text: str  # "added, ...", "removed, ...", or what is different: "in $/M 0.2 -> 0.3"

    def __str__(self) -> str:
        """Render as one line."""
        return f"{self.tag}: {self.text}"


def changes(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """The differences, sorted by tag. Two texts of one price are no difference."""
    old, new = _by_offer(before), _by_offer(after)
    return [
        Change(offer[0], text)
        for offer in sorted(old.keys() | new.keys())
        for text in _of_offer(old.get(offer, []), new.get(offer, []))
    ]


def _by_offer(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """The rows by tag and provider, of which there may be several (openrouter.md §1.3)."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=_ENCODER.encode):
        offer = (str(row.get("tag")), str(row.get("provider_name")))
        found.setdefault(offer, []).append(_flat(row))
    return found


def _of_offer(old: list[Row], new: list[Row]) -> Iterator[str]:
    """The differences between rows of one offer, once the rows that are the same are left out."""
    come, gone = list(new), []
    for row in old:
        if row in come:
            come.remove(row)
        else:
            gone.append(row)
    for before, after in zip_longest(gone, come):
        if before is None:
            yield f"added, {_summary(after)}"
        elif after is None:
            yield f"removed, {_summary(before)}"
        else:
            yield from _of_row(before, after)


def _of_row(before: Row, after: Row) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        gone, come = _without(was, now), _without(now, was)
        if gone:
            yield f"{name} without {', '.join(map(_text, gone))}"
        if come:
            yield f"{name} also {', '.join(map(_text, come))}"
        if not (gone or come):
            yield f"{name} {_text(was)} -> {_text(now)}"


def _without(items: object, others: object) -> list[Any]:
    """The items of a list that another lacks; none if they are not both lists."""
    if not (isinstance(items, list) and isinstance(others, list)):
        return []
    return [each for each in items if each not in others]


def _flat(row: Row) -> Row:
    """The values of a row by the names that are shown: each price is one of them."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name == "pricing" and isinstance(value, dict):
            for key, price in value.items():
                found[_PER_TOKEN.get(key, f"pricing.{key}")] = _price(key, price)
        else:
            found[_NAMES.get(name, name)] = value
    return found


def _price(name: str, value: object) -> object:
    price = exact(value) if name in _PER_TOKEN else None
    return value if price is None else plainly(price * _MILLION)


def _summary(row: Row) -> str:
    return ", ".join(f"{name} {_text(row.get(name))}" for name in _SUMMARY)


def _text(value: object) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else _ENCODER.encode(value).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
