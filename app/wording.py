"""Short wordings of plurals and lists. PURE."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

LONGEST = 1000  # characters
_MOST_NAMED = 3
_IN_A_QUERY = re.compile(r"([?&](?:ssl)?password=)[^&#]+", re.IGNORECASE)


def plural(number: int, noun: str, many: str = "") -> str:
    """1 rule, 2 rules, 1,234 rules; `many` where the noun takes more than an s: 2 aliases."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"


def without_query_passwords(url: str) -> str:
    """A database's URL with the word PASSWORD for each password in its query."""
    return _IN_A_QUERY.sub(r"\1PASSWORD", url)


def rules_and_aliases(rules: int, aliases: int) -> str:
    """The size of a book: 2 rules and 1 alias."""
    return f"{plural(rules, 'rule')} and {plural(aliases, 'alias', 'aliases')}"


def first_of(words: Iterable[str], most: int) -> str:
    """The first of some words, each once, and how many more there are: `a, b and 12 more`."""
    told = list(dict.fromkeys(words))
    more = f" and {len(told) - most} more" if len(told) > most else ""
    return ", ".join(told[:most]) + more


def listed(words: Iterable[str], most: int = _MOST_NAMED) -> str:
    """As `first_of`, of the sorted words."""
    return first_of(sorted(words), most)


def some_names(names: Sequence[str], joint: str = ", ") -> str:
    """As many of the names as fit on a line, and how many more there are.

    The result has at most `LONGEST` characters, plus the count of the remaining names.
    """
    text = joint.join(names)
    if len(text) <= LONGEST:
        return text
    ends = accumulate(len(name) + len(joint) for name in names)
    shown = max(sum(end <= LONGEST for end in ends), 1)
    first = joint.join(names[:shown])[:LONGEST]
    more = len(names) - shown
    return f"{first} and {more} more" if more else first
