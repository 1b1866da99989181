"""Quirks: how an endpoint behaves unlike an honest endpoint of its model.

`{"delta": 0.2}` in the configuration of an endpoint; in the switch `quirks`, NAME, then optionally
@ENDPOINT and :NUMBER, as in `delta@novita/fp8:0.2`. A quirk without a number is on.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from .entries import Entry, read_entry


@dataclass(frozen=True, slots=True)
class Quirks:
    """The quirks of one endpoint; an honest one has none."""

    delta: float = 0.0  # how far its logits are changed: always the same way, as by other weights
    sigma: float = 0.0  # how far they are changed anew for each request, as by rounding
    temperature: float = 0.0  # that it samples at although the request says 0
    cached: bool = False  # it repeats its first answer to the same prompt
    template: int = 0  # tokens that its chat template adds to the prompt
    unlimited: bool = False  # it ignores the limit of tokens
    thinks: bool = False  # it reasons whether asked or not
    uncancellable: bool = False  # it finishes, and charges, what its client left


NAMES = tuple(each.name for each in fields(Quirks))
HONEST = Quirks()


def read_quirk(text: str) -> Entry:
    """The quirk that a text describes. Raises `ValueError` with the reason."""
    quirk = read_entry(text, NAMES, "quirk")
    check_quirk(text, quirk.name, quirk.number)
    return quirk


def check_quirks(quirks: Mapping[str, Any]) -> None:
    """Raise `ValueError` for an unknown quirk, and for a number that one cannot have."""
    for name, number in quirks.items():
        if name not in NAMES:
            raise ValueError(f"{name!r}: no such quirk; there are {', '.join(NAMES)}")
        check_quirk(name, name, number)


def check_quirk(what: str, name: str, number: Any) -> None:
    """Raise `ValueError` that begins with `what` if a quirk cannot have this number."""
    kind = type(getattr(HONEST, name))
    if not isinstance(number, int | float) or not 0 <= number < math.inf:
        raise ValueError(f"{what!r}: the number of a quirk is 0 or more")
    if kind is not float and number != kind(number):
        allowed = "0 or 1" if kind is bool else "a whole number of tokens"
        raise ValueError(f"{what!r}: the number of the quirk {name} is {allowed}")


def joined(entries: Iterable[Entry]) -> Quirks:
    """The quirks that these entries give to an endpoint; of two with one name, the later counts."""
    told = {entry.name: entry.number for entry in entries}
    return Quirks(**{name: type(getattr(HONEST, name))(told[name]) for name in told})
