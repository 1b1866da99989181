"""Many names on one line, which must stay short: `a, b and 12 more`."""

from collections.abc import Sequence
from itertools import accumulate

LONGEST = 1000  # characters


def some_names(names: Sequence[str], joint: str = ", ") -> str:
    """The names, or the first ones of them and how many more there are.

    The result has at most `LONGEST` characters and the words for how many more.
    """
    text = joint.join(names)
    if len(text) <= LONGEST:
        return text
    ends = accumulate(len(name) + len(joint) for name in names)
    shown = max(sum(end <= LONGEST for end in ends), 1)
    first = joint.join(names[:shown])[:LONGEST]
    more = len(names) - shown
    return f"{first} and {more} more" if more else first
