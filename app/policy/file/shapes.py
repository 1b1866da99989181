"""The shapes that values in a policy file take: how each is read, and its JSON Schema.

A shape reports a problem at the exact value that is wrong, suggests a fix, and continues, so that
all mistakes of a file are reported together.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...exact_numbers import exact
from ...suggest import did_you_mean
from ..deadlines import DURATION
from .yaml_tree import BAD, Spot

Schema = dict[str, Any]


class Shape(Protocol):
    """The form that a value may have."""

    def read(self, spot: Spot) -> Any:
        """Return the value at `spot`, or BAD after noting a problem there."""
        ...

    def schema(self) -> Schema:
        """Return the shape as JSON Schema."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping."""

    shape: Shape
    help: str
    required: str = ""  # for a key that must be there: a value to suggest


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    noun: str

    def read(self, spot: Spot) -> Any:
        """The word itself; `off` is a flag in YAML, and a word where it is one of these."""
        if spot.kind in {"text", "flag"} and spot.text() in self.words:
            return spot.text()
        hint = did_you_mean(spot.text(), self.words) if spot.kind == "text" else ""
        words = ", ".join(self.words)
        return spot.complain(f"{spot} is not {self.noun}{hint or f'; use one of: {words}'}")

    def schema(self) -> Schema:
        """An enum."""
        return {"enum": list(self.words)}


@dataclass(frozen=True, slots=True)
class Exactly:
    """One number and no other."""

    value: int
    noun: str

    def read(self, spot: Spot) -> Any:
        """The number."""
        if spot.kind == "number" and spot.number() == self.value:
            return self.value
        return spot.complain(f"{spot} is not {self.noun}; write {self.value}")

    def schema(self) -> Schema:
        """A constant."""
        return {"const": self.value}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, spot: Spot) -> Any:
        """A bool; YAML's yes, no, on and off are booleans too."""
        return (
            spot.flag()
            if spot.kind == "flag"
            else spot.complain(f"{spot} is not a boolean; write true or false")
        )

    def schema(self) -> Schema:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number, zero or more."""

    unit: str
    doubt: Callable[[float], str | None] = lambda _: None  # why a value is suspicious, if it is

    def read(self, spot: Spot) -> Any:
        """An int or a float, as it was written."""
        number = spot.number() if spot.kind in {"number", "text"} else None
        if number is None:
            return spot.complain(f"{spot} is not a number; write it in {self.unit}, without quotes")
        if number < 0:
            return spot.complain(f"{spot} is below zero; write 0 or more, in {self.unit}")
        if exact(number) is None:
            return spot.complain(f"{spot} is too large or too small; write it in {self.unit}")
        doubt = self.doubt(number)
        return spot.complain(doubt) if doubt else number

    def schema(self) -> Schema:
        """A number with its unit."""
        return {"type": "number", "minimum": 0, "description": self.unit}


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time, with its unit."""

    def read(self, spot: Spot) -> Any:
        """The text as it was written."""
        if re.fullmatch(DURATION, spot.text()) and spot.kind == "text":
            return spot.text()
        unit = f"; for seconds, write {spot}s" if spot.kind == "number" else ""
        remedy = unit or "; use e.g. 500ms, 30s, 15m or 1h"
        return spot.complain(f"{spot} is not a duration{remedy}")

    def schema(self) -> Schema:
        """A string with its pattern."""
        return {"type": "string", "pattern": f"^(?:{DURATION})$", "examples": ["30s", "15m"]}


@dataclass(frozen=True, slots=True)
class Text:
    """A word or a line that fits an expression."""

    noun: str
    pattern: str
    remedy: Callable[[str], str]  # the message for a text that doesn't fit
    examples: tuple[str, ...] = ()

    def read(self, spot: Spot) -> Any:
        """The text itself."""
        if spot.kind != "text":
            quote = "; quote it if you mean the word" if spot.kind in {"flag", "number"} else ""
            return spot.complain(f"{spot} is not {self.noun}{quote}")
        if not self.fits(spot.text()):
            return spot.complain(f"{spot} is not {self.noun}{self.remedy(spot.text())}")
        return spot.text()

    def fits(self, text: str) -> bool:
        """Whether a text fits the expression."""
        return re.fullmatch(self.pattern, text) is not None

    def schema(self) -> Schema:
        """A string with its pattern."""
        pattern: Schema = {"type": "string", "pattern": f"^(?:{self.pattern})$"}
        return {**pattern, "examples": list(self.examples)} if self.examples else pattern


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of at least one value, none of them twice."""

    item: Shape

    def read(self, spot: Spot) -> Any:
        """A list of the items' values."""
        if spot.kind != "list":
            remedy = "" if spot.kind == "mapping" else f"; write [{spot.text()}]"
            return spot.complain(f"{spot} is not a list{remedy}")
        items = spot.items()
        if not items:
            return spot.complain("the list is empty; add an entry, or remove the key")
        values = [self.item.read(each) for each in items]
        times = Counter(value for value in values if isinstance(value, str))
        for each, value in zip(items, values, strict=True):
            if isinstance(value, str) and times[value] > 1:
                return each.complain(f"{each} is listed twice; remove one")
        return BAD if any(value is BAD for value in values) else values

    def schema(self) -> Schema:
        """An array."""
        return {"type": "array", "items": self.item.schema(), "minItems": 1, "uniqueItems": True}


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys; `instead` has the replacements for some unknown ones."""

    keys: Mapping[str, Key]
    instead: Mapping[str, str] = field(default_factory=dict)

    def read(self, spot: Spot) -> Any:
        """A dict of the values; BAD if any of them is wrong."""
        spots = self.spots(spot)
        if spots is None:
            return BAD
        values = {name: self.keys[name].shape.read(each) for name, each in spots.items()}
        return BAD if any(value is BAD for value in values.values()) else values

    def spots(self, spot: Spot) -> dict[str, Spot] | None:
        """The entries whose keys are known; a problem is noted for each of the others."""
        if spot.kind != "mapping":
            needed = [f"{name}: {key.required}" for name, key in self.keys.items() if key.required]
            example = f", such as {{{', '.join(needed)}}}" if needed else ""
            spot.complain(f"{spot} is not a mapping; its keys are {', '.join(self.keys)}{example}")
            return None
        entries = spot.entries()
        for name in entries.keys() - self.keys.keys():
            known = self.instead.get(name)
            hint = f"; {known}" if known else did_you_mean(name, self.keys)
            takes = f"; the known keys are {', '.join(self.keys)}"
            entries[name].complain(f"unknown key `{name}`{hint or takes}")
        for name, key in self.keys.items():
            if key.required and name not in entries:
                spot.complain(f"`{name}` is missing; write `{name}: {key.required}`")
        return {name: each for name, each in entries.items() if name in self.keys}

    def schema(self) -> Schema:
        """An object that takes no other keys."""
        return {
            "type": "object",
            "properties": {
                name: {**key.shape.schema(), "description": key.help}
                for name, key in self.keys.items()
            },
            "required": [name for name, key in self.keys.items() if key.required],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping whose keys fit one shape and whose values another."""

    key: Text
    value: Shape

    def read(self, spot: Spot) -> Any:
        """A dict."""
        if spot.kind != "mapping":
            return spot.complain(f"{spot} is not a mapping")
        if not spot.entries():
            return spot.complain("the mapping is empty; add an entry, or remove the key")
        values: dict[str, Any] = {}
        for name, each in spot.entries().items():
            fits = self.key.fits(name)
            if not fits:
                each.complain(f'"{name}" is not {self.key.noun}{self.key.remedy(name)}')
            values[name] = self.value.read(each) if fits else BAD
        return BAD if any(value is BAD for value in values.values()) else values

    def schema(self) -> Schema:
        """An object with patterned names."""
        return {
            "type": "object",
            "propertyNames": self.key.schema(),
            "additionalProperties": self.value.schema(),
            "minProperties": 1,
        }


@dataclass(frozen=True, slots=True)
class OneOf:
    """A plain value or a mapping."""

    plain: Shape
    mapping: Shape

    def read(self, spot: Spot) -> Any:
        """The value as read by the shape that fits."""
        return (self.mapping if spot.kind == "mapping" else self.plain).read(spot)

    def schema(self) -> Schema:
        """Either."""
        return {"anyOf": [self.plain.schema(), self.mapping.schema()]}


@dataclass(frozen=True, slots=True)
class Json:
    """Any value that JSON can carry."""

    def read(self, spot: Spot) -> Any:
        """The value."""
        if spot.kind == "mapping":
            values = {name: self.read(each) for name, each in spot.entries().items()}
            return BAD if any(value is BAD for value in values.values()) else values
        if spot.kind == "list":
            items = [self.read(each) for each in spot.items()]
            return BAD if any(item is BAD for item in items) else items
        if spot.kind == "number":
            number = spot.number()
            return (
                spot.complain(f"{spot} is not a number that JSON can carry")
                if number is None
                else number
            )
        return {"flag": spot.flag(), "null": None}.get(spot.kind, spot.text())

    def schema(self) -> Schema:
        """Anything."""
        return {}
