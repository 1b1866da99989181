"""The grammar of switches that apply to endpoints: NAME, then optionally @ENDPOINT and :NUMBER."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A name, the endpoints that it applies to, and its number."""

    name: str
    where: str = ""  # a tag or a provider; every endpoint if empty
    number: float = 1.0

    def applies_to(self, tag: str, provider: str) -> bool:
        """Whether it is meant for this endpoint."""
        return self.where in ("", tag, provider)


def read_entry(text: str, names: Collection[str], what: str) -> Entry:
    """The entry that a text describes, 1 if it has no number.

    Raises `ValueError` for a name that is not among `names`, in words that call it `what`, and
    for a number that is none.
    """
    rest, colon, number = text.rpartition(":")
    name, _, where = (rest if colon else text).partition("@")
    if name not in names:
        raise ValueError(f"{text!r}: no such {what}; there are {', '.join(names)}")
    try:
        return Entry(name, where, float(number) if colon else 1.0)
    except ValueError:
        raise ValueError(f"{text!r}: after the colon of a {what} stands a number") from None
