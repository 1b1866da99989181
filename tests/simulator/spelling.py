"""JSON in odd spellings that mean the same to whoever parses it: escapes, blanks, keys twice."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any

Pairs = Sequence[tuple[str, Any]]
_LAST = 0xFFFF  # the last character that one escape can stand for
_BLANKS = ["", "", " ", "\n", "\t", " \r\n "]


def spelled(dice: Random, pairs: Pairs, *, odd: float = 0.08) -> bytes:
    """An object with these members in this order; a key that stands twice counts the last time.

    `odd` is how likely each part of it is spelled oddly.
    """
    return _object(dice, pairs, odd).encode()


def with_decoys(dice: Random, pairs: Pairs, decoys: Pairs) -> list[tuple[str, Any]]:
    """The members with others of the same keys somewhere before them."""
    members = [*pairs]
    for key, value in decoys:
        places = [place for place, (name, _) in enumerate(members) if name == key]
        if places:
            members.insert(dice.randint(0, places[-1]), (key, value))
    return members


def _object(dice: Random, pairs: Pairs, odd: float) -> str:
    def blank() -> str:
        return _blank(dice, odd)

    members = (
        f"{blank()}{_string(dice, key, odd)}:{blank()}{_value(dice, value, odd)}"
        for key, value in pairs
    )
    return f"{blank()}{{{','.join(members)}{blank()}}}"


def _value(dice: Random, value: Any, odd: float) -> str:
    if isinstance(value, str):
        return _string(dice, value, odd)
    if isinstance(value, dict):
        return _object(dice, [*value.items()], odd)
    if isinstance(value, list):
        return f"[{_blank(dice, odd)}{','.join(_value(dice, each, odd) for each in value)}]"
    return json.dumps(value)


def _string(dice: Random, text: str, odd: float) -> str:
    halves = any("\ud800" <= letter <= "\udfff" for letter in text)
    plain = json.dumps(text, ensure_ascii=halves or dice.random() < 0.5)
    if not text or dice.random() >= odd:
        return plain
    if "/" in text and dice.random() < 0.5:
        return plain.replace("/", "\\/")
    place = dice.randrange(len(text))
    if ord(text[place]) > _LAST:
        return plain
    escaped = f"\\u{ord(text[place]):04X}"
    before, after = (json.dumps(part)[1:-1] for part in (text[:place], text[place + 1 :]))
    return f'"{before}{escaped}{after}"'


def _blank(dice: Random, odd: float) -> str:
    return dice.choice(_BLANKS) if dice.random() < odd else ""
