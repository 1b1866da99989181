"""The shape of `budget`: one entry or several, and contradictions between them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..budgets import BYS, FAILS, PERS, by_of
from .shapes import Choice, Key, ListOf, Number, Record, Schema
from .yaml_tree import Spot

Entry = Mapping[str, Any]

_LEAST, _MOST = 1e-6, 9e6  # USD
_CALENDAR = PERS[:-1]


def _amount(usd: float) -> str | None:
    if usd < _LEAST:
        return f"{usd:g} would refuse every request; write an amount that a request can cost"
    too_much = f"{usd:g} is more than can be counted; write at most {_MOST:g}"
    return too_much if usd > _MOST else None


_ENTRY = Record(
    {
        "usd": Key(Number("USD", _amount), "The amount, in USD.", required="5"),
        "per": Key(
            Choice(PERS, "a window"),
            "The window: an hour, day, week or month of the calendar in POINTSMAN_TIME_ZONE, or "
            "session: as long as a session lasts.",
            required="day",
        ),
        "by": Key(
            Choice(BYS, "valid here"),
            "For whom the amount is: rule, the default, for all together; or for each caller, "
            "tool or session.",
        ),
        "fail": Key(
            Choice(FAILS, "valid here"),
            "While the ledger can't be read; open: go on with what this process has spent, "
            "closed: refuse.",
        ),
    }
)
_ENTRIES = ListOf(_ENTRY)


class Budgets:
    """An entry, or a list of several."""

    def read(self, spot: Spot) -> Any:
        """A dict, or a list of them, as written."""
        if spot.kind == "list":
            return _ENTRIES.read(spot)
        if spot.kind == "mapping":
            return _ENTRY.read(spot)
        amount = spot.text() if spot.kind == "number" else "5"
        return spot.complain(f"{spot} is not a budget; write it as {{usd: {amount}, per: day}}")

    def schema(self) -> Schema:
        """Either."""
        return {"anyOf": [_ENTRY.schema(), _ENTRIES.schema()]}


def must_hold(given: Entry | Sequence[Entry], spot: Spot) -> None:
    """Note a problem at each entry that can never hold."""
    given = [given] if isinstance(given, Mapping) else given
    spots = spot.items() if spot.kind == "list" else [spot]
    whole = [pair for pair in zip(given, spots, strict=True) if {"usd", "per"} <= pair[0].keys()]
    entries = [entry for entry, _ in whole]
    for number, (entry, place) in enumerate(whole):
        wrong = _session_by_another(entry) or _said_before(entry, entries[:number])
        wrong = wrong or next(filter(None, (_never_reached(entry, each) for each in entries)), None)
        if wrong:
            place.complain(wrong)


def _session_by_another(entry: Entry) -> str | None:
    by = entry.get("by", "session")
    if entry["per"] != "session" or by == "session":
        return None
    return f"`per: session` is counted for each session; remove `by: {by}`, or choose another `per`"


def _said_before(entry: Entry, before: Sequence[Entry]) -> str | None:
    same = [each for each in before if each["per"] == entry["per"] and by_of(each) == by_of(entry)]
    if not same:
        return None
    return "another entry has the same `per` and `by`, and only the lower one can hold; remove one"


def _never_reached(entry: Entry, other: Entry) -> str | None:
    """Why an entry can't be reached: a longer window allows no more."""
    pers = (entry["per"], other["per"])
    if not set(pers) <= set(_CALENDAR) or by_of(entry) != by_of(other):
        return None
    shorter, longer = map(_CALENDAR.index, pers)
    if shorter >= longer or entry["usd"] < other["usd"]:
        return None
    return (
        f"{entry['usd']:g} per {entry['per']} can't be reached, since {other['usd']:g} per "
        f"{other['per']} holds too; lower it, or remove it"
    )
