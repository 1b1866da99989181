"""Event: one thing that happened and is worth telling. PURE.

Rule 1  An event holds no prompt, answer, key, session, header value or text that a client wrote.
        Its words are Pointsman's own, and names from policies, the catalog and receipts.
Rule 2  Everything in it is bounded, and safe to show.
Rule 3  Kind, subject and window name it: among all processes on one ledger it is told once.
"""

import hashlib
from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from ..shown import one_line, shown

Kind = Literal["broken", "budget", "drift", "expiration", "ledger", "host", "test"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Level = Literal["problem", "warning", "over"]  # over: a problem that has ended
Fact = str | int | float | list[str] | None

LONGEST_NAME = 200  # characters: of a title, a subject and each fact
LONGEST_TEXT = 1_000  # characters
MOST_NAMED = 20  # items of a list

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, to which subject, and the window in which it is told once.

    `rules` are those that it concerns, most specific first: their `notify` decides whether it is
    told. An event with a `state` is told only if the subject's last one had another state.
    """

    kind: Kind
    subject: str
    window: str
    level: Level
    title: str
    text: str
    facts: dict[str, Fact]
    rules: tuple[str, ...] = ()
    state: str | None = None

    @property
    def id(self) -> str:
        """The same for every process and every try, so that a receiver can tell repetitions."""
        named = f"{self.kind}\0{self.subject}\0{self.window}"
        return f"ntc_{hashlib.sha256(named.encode(errors='replace')).hexdigest()[:24]}"


def event(
    kind: Kind,
    subject: str,
    window: str,
    *,
    level: Level,
    title: str,
    text: str,
    facts: Mapping[str, Fact],
    rules: tuple[str, ...] = (),
    state: str | None = None,
) -> Event:
    """An event within its bounds."""
    return Event(
        kind=kind,
        subject=name(subject),
        window=name(window),
        level=level,
        title=name(title),
        text=cut(shown(text), LONGEST_TEXT),
        facts={key: _fact(value) for key, value in facts.items()},
        rules=rules,
        state=state,
    )


def name(text: str) -> str:
    """A name as it may be shown: one line of bounded length."""
    return cut(one_line(text), LONGEST_NAME)


def cut(text: str, longest: int) -> str:
    """A text of at most `longest` characters; one that was cut ends in an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + _ELLIPSIS


def to_json(told: Event) -> str:
    """The event as it is kept until it is delivered."""
    return msgspec.json.encode(told).decode()


def from_json(text: str) -> Event:
    """The event that was kept. Raises `msgspec.DecodeError` if another version wrote it."""
    return msgspec.json.decode(text, type=Event)


def _fact(value: Fact) -> Fact:
    if isinstance(value, str):
        return name(value)
    return [name(each) for each in value[:MOST_NAMED]] if isinstance(value, list) else value
